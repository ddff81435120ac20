"""The rows of all that rankkit brings: to add a method or a strategy is one file and one row here.

The first strategy of a question is its default. Judges and backends are imported when they are built: a spec can be
checked without loading a runtime.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rankkit.config import judges
from rankkit.config.rows import KindRow, MethodRow, Row, StrategyRow
from rankkit.listwise.strategies.self_consistency import SelfConsistency
from rankkit.listwise.strategies.setwise import SetwiseBubble, SetwiseHeapsort
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.listwise.strategies.top_down import TopDown
from rankkit.listwise.strategies.tour_rank import TourRank
from rankkit.pairwise.strategies.active import Active
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pairwise.strategies.bubblesort import BubbleSort
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pairwise.strategies.insertion import Insertion
from rankkit.pairwise.strategies.kway import ChoiceTournament, OrderTournament
from rankkit.pairwise.strategies.quickselect import QuickSelect
from rankkit.pairwise.strategies.swiss import Swiss
from rankkit.pairwise.strategies.tournament import Tournament
from rankkit.pointwise.strategy import ScoreAll

_ENCODER = ("max_length", "long_query", "threads", "batch_tokens", "engine")
_GGUF = ("context", "threads", "template", "batch", "date")
_SERVED = (
    "context",
    "key_env",
    "key_header",
    "headers",
    "headers_env",
    "key_over_http",
    "query",
    "timeout",
    "total_timeout",
    "retries",
    "concurrency",
    "style",
    "thinking_tokens",
    "extra_body",
    "capabilities",
    "circuit",
    "price_input",
    "price_output",
    "price_cached",
)

_RERANK_API = (
    "api",
    "base_url",
    "key_env",
    "key_header",
    "headers",
    "headers_env",
    "key_over_http",
    "query",
    "timeout",
    "total_timeout",
    "retries",
    "concurrency",
    "extra_body",
    "circuit",
    "price_input",
    "documents_per_call",
    "tokens_per_call",
    "instruction_field",
    "price_unit",
)

KINDS = (
    KindRow(name="cross-encoder", words="a cross-encoder model", paradigm="pointwise", keys=_ENCODER),
    KindRow(name="seq2seq", words="a seq2seq model", paradigm="pairwise", keys=_ENCODER),
    KindRow(name="gguf", words="a gguf model", paradigm="listwise", keys=_GGUF),
    KindRow(name="endpoint", words="a model behind an endpoint", paradigm="listwise", keys=_SERVED, served=True),
    KindRow(
        name="rerank-api", words="a model behind a rerank API", paradigm="pointwise", keys=_RERANK_API, served=True
    ),
    KindRow(name="late-interaction", words="a late-interaction model"),
    KindRow(name="bi-encoder", words="a bi-encoder model"),
)

_LANGUAGE = ("gguf", "endpoint")
_READING = ("max_length", "long_query")
_WRITTEN = ("prompt", "passage_tokens", "context", "template")

METHODS = (
    MethodRow(
        name="cross-encoder",
        question="score",
        kinds=("cross-encoder",),
        default_for=("cross-encoder",),
        judge=judges.cross_encoder,
        keys=("graph",),
        scores=("logit", "probability"),
        refuses=("pairwise", "listwise"),
    ),
    MethodRow(
        name="monot5",
        question="score",
        kinds=("seq2seq",),
        default_for=("seq2seq",),
        judge=judges.monot5,
        prompt="pointwise/monot5",
        trained=True,
        keys=("prompt",),
        scores=("log-probability", "probability"),
        refuses=("pairwise", "listwise"),
    ),
    MethodRow(
        name="prompted",
        question="score",
        kinds=_LANGUAGE,
        default_for=_LANGUAGE,
        judge=judges.asking(judges.scored),
        asks=judges.scored,
        needs=("log_probabilities",),
        instead="prompted-text",
        prompt="pointwise/yes-no",
        trained=True,
        keys=_WRITTEN,
    ),
    MethodRow(
        name="prompted-text",
        question="score",
        kinds=_LANGUAGE,
        judge=judges.asking(judges.scored_text),
        asks=judges.scored_text,
        prompt="pointwise/yes-no",
        trained=True,
        keys=_WRITTEN,
    ),
    MethodRow(
        name="likelihood",
        question="score",
        kinds=("gguf",),
        judge=judges.asking(judges.likelihood),
        asks=judges.likelihood,
        prompt="pointwise/query-likelihood",
        keys=_WRITTEN,
    ),
    MethodRow(
        name="remote",
        question="score",
        kinds=("rerank-api",),
        default_for=("rerank-api",),
        judge=judges.remote,
        scores=("relevance", "probability", "logit"),
    ),
    MethodRow(
        name="difference",
        question="compare",
        kinds=("cross-encoder", "seq2seq"),
        default_for=("cross-encoder",),
        judge=judges.difference,
        keys=_READING,
        options={"remembered": int},
        by_scores=True,
        refuses=("pairwise", "listwise"),
    ),
    MethodRow(name="duo", question="compare", kinds=("cross-encoder",), judge=judges.duo, keys=_READING),
    MethodRow(
        name="duot5",
        question="compare",
        kinds=("seq2seq",),
        default_for=("seq2seq",),
        judge=judges.duot5,
        prompt="pairwise/duot5",
        trained=True,
        keys=(*_READING, "prompt"),
        refuses=("pointwise",),
    ),
    MethodRow(
        name="prompted",
        question="compare",
        kinds=_LANGUAGE,
        default_for=_LANGUAGE,
        judge=judges.asking(judges.prompted),
        asks=judges.prompted,
        needs=("log_probabilities",),
        instead="prompted-text",
        prompt="pairwise/prp",
        keys=_WRITTEN,
    ),
    MethodRow(
        name="prompted-text",
        question="compare",
        kinds=_LANGUAGE,
        judge=judges.asking(judges.prompted_text),
        asks=judges.prompted_text,
        prompt="pairwise/prp",
        keys=_WRITTEN,
    ),
    MethodRow(
        name="generate",
        question="order",
        kinds=_LANGUAGE,
        default_for=("endpoint",),
        judge=judges.generate_by_policy,
        asks=judges.generate,
        prompt="listwise/rankgpt",
        trained=True,
        keys=("policy",),
    ),
    MethodRow(
        name="constrained",
        question="order",
        kinds=_LANGUAGE,
        default_for=("gguf",),
        judge=judges.asking(judges.constrained),
        asks=judges.constrained,
        needs=("structure",),
        instead="generate",
        prompt="listwise/small",
        trained=True,
    ),
    MethodRow(
        name="first-token",
        question="order",
        kinds=_LANGUAGE,
        judge=judges.asking(judges.first_token),
        asks=judges.first_token,
        needs=("log_probabilities",),
        instead="generate",
        prompt="listwise/letters",
    ),
    MethodRow(
        name="setwise",
        question="choose",
        kinds=_LANGUAGE,
        judge=judges.best_setwise,
        asks=judges.setwise,
        prompt="listwise/setwise",
    ),
)


def _sort(kind: Callable[..., object]) -> Callable[[Any], object]:
    return lambda spec: kind(top_k=spec.top_k, depth=spec.depth, one_sided=spec.one_sided, **spec.strategy_options)


STRATEGIES = (
    StrategyRow(name="all", question="score", build=lambda spec: ScoreAll(), scores=True),
    StrategyRow(name="tournament", question="compare", build=_sort(Tournament)),
    StrategyRow(
        name="allpairs",
        question="compare",
        build=lambda spec: AllPairs(aggregation=spec.aggregation, depth=spec.depth, one_sided=spec.one_sided),
        keys=("aggregate",),
        scores=True,
    ),
    StrategyRow(name="heapsort", question="compare", build=_sort(HeapSort)),
    StrategyRow(name="bubblesort", question="compare", build=_sort(BubbleSort)),
    StrategyRow(name="quickselect", question="compare", build=_sort(QuickSelect)),
    StrategyRow(name="insertion", question="compare", build=_sort(Insertion), options={"together": int}),
    StrategyRow(
        name="swiss",
        question="compare",
        build=lambda spec: Swiss(
            aggregation=spec.aggregation, depth=spec.depth, one_sided=spec.one_sided, **spec.strategy_options
        ),
        keys=("aggregate",),
        options={"rounds": int},
        scores=True,
    ),
    StrategyRow(
        name="active",
        question="compare",
        build=_sort(Active),
        options={"questions": int, "confidence": float, "correlation": float, "together": int},
        scores=True,
    ),
    StrategyRow(
        name="sliding",
        question="order",
        build=lambda spec: Sliding(spec.size, spec.chosen_step, passes=spec.passes, depth=spec.depth, top_k=spec.top_k),
        keys=("window", "step", "passes"),
    ),
    StrategyRow(name="single", question="order", build=lambda spec: Single(depth=spec.depth, top_k=spec.top_k)),
    StrategyRow(
        name="top-down",
        question="order",
        build=lambda spec: TopDown(spec.size, min(spec.top_k or 10, spec.size - 1), depth=spec.depth),
        keys=("window",),
    ),
    StrategyRow(
        name="self-consistency",
        question="order",
        # The depth is cut once, before the copies are shuffled.
        build=lambda spec: SelfConsistency(
            Sliding(spec.size, spec.chosen_step, passes=spec.passes, top_k=spec.top_k),
            spec.samples,
            seed=spec.seed,
            by=spec.aggregate or "borda",
            depth=spec.depth,
        ),
        keys=("window", "step", "passes", "seed", "samples", "aggregate"),
    ),
    StrategyRow(
        name="tourrank",
        question="order",
        build=lambda spec: TourRank(spec.samples, seed=spec.seed, depth=spec.depth, **spec.strategy_options),
        keys=("seed", "samples"),
        options={"stages": tuple[tuple[int, int], ...]},
        scores=True,
    ),
    StrategyRow(
        name="tournament",
        question="order",
        build=lambda spec: OrderTournament(size=spec.size, top_k=spec.top_k or 10, depth=spec.depth),
        keys=("window",),
    ),
    StrategyRow(
        name="setwise-heapsort",
        question="choose",
        build=lambda spec: SetwiseHeapsort(spec.size - 1, spec.top_k or 10, depth=spec.depth),
        keys=("window",),
    ),
    StrategyRow(
        name="setwise-bubble",
        question="choose",
        build=lambda spec: SetwiseBubble(spec.size - 1, spec.top_k or 10, depth=spec.depth),
        keys=("window",),
    ),
    StrategyRow(
        name="tournament",
        question="choose",
        build=lambda spec: ChoiceTournament(size=spec.size, top_k=spec.top_k or 10, depth=spec.depth),
        keys=("window",),
    ),
)

ROWS: tuple[Row, ...] = (*KINDS, *METHODS, *STRATEGIES)
