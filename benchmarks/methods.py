"""Every way to ask a language model, on small real ones: in this process, and behind a real ``llama_cpp.server``.

Both are shown the same prompts at temperature 0, so they must give the same answers and the same orders. Models of this
size cannot rank: the figures beside them say so, and what becomes of them where the same candidates come in reversed or
shuffled order. A method that repeats what it is given follows the first stage there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import track
from rich.table import Table

import rankkit
from benchmarks.llama_server import LlamaServer
from rankkit.core.judge import BoundQuestion, Reply
from rankkit.core.ranking import Candidate, Query, Ranking, Request
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.data.reordering import reversed_candidates, shuffled_candidates
from rankkit.evaluation.measures import evaluate, parse_measures
from rankkit.models import store
from rankkit.models.catalogue import find

CONTEXT = 2048
#: Passages are cut to their first words, so that neither a tokenizer's count nor an endpoint's estimate shortens them.
WORDS = 40
#: Base models have no chat template: over HTTP they get plain completions.
MODELS: Mapping[str, Mapping[str, object]] = {
    "smollm2-135m-instruct": {},
    "gemma-3-270m": {"style": "completion"},
}
#: Of more than nine passages, one number begins another: a server's grammar takes the likeliest token ("1", after which
#: only "10" may be left), rankkit the likeliest number.
WINDOWS = {"paradigm": "listwise", "window": 8, "step": 4}
METHODS: Mapping[str, Mapping[str, object]] = {
    "generate": {**WINDOWS, "method": "generate", "prompt": "listwise/small"},
    "constrained": {**WINDOWS, "method": "constrained"},
    # A server shows its top few labels only. A second window would not be the same window.
    "first-token": {"paradigm": "listwise", "method": "first-token", "strategy": "single"},
    "setwise": {"paradigm": "listwise", "method": "setwise", "window": 4, "top_k": 5},
    "A or B": {"paradigm": "pairwise", "strategy": "heapsort", "top_k": 2},
}
#: It asks sixty questions a query, and each of them twice here.
A_OR_B_QUERIES = 3

#: By which the candidates are shuffled.
SEED = 7

Said = tuple[tuple[int, ...], str | None]


@dataclass
class Side:
    """One method in one place: its rankings, and what the model said to each question, in order."""

    options: Mapping[str, object]
    name: str
    rankings: list[Ranking] = field(default_factory=list)
    said: list[list[Said]] = field(default_factory=list)
    seconds: float = 0.0

    def run(self, requests: Sequence[Request], label: str) -> None:
        reranker = rankkit.load(self.name, options=self.options, on_reply=self._hear)
        for request in track(requests, description=label, console=Console(stderr=True)):
            self.said.append([])
            started = time.perf_counter()
            self.rankings.append(reranker.rank(request))
            self.seconds += time.perf_counter() - started

    def _hear(self, asked: BoundQuestion[object], reply: Reply[object]) -> None:
        if reply.again is None:  # otherwise the model is asked to go on, and its last words count
            self.said[-1].append((asked.question.indices, reply.said))

    def orders(self) -> dict[str, list[str]]:
        return {one.query.id: [candidate.id for candidate in one.candidates] for one in self.rankings}

    def outcomes(self) -> Counter[str]:
        return sum((Counter(one.steps[0].outcomes) for one in self.rankings), Counter())


def same(method: str, here: Side, there: Side) -> tuple[int, int, int]:
    """Questions asked on both sides, those with the same answer, and queries with the same order.

    Of first-token, a server shows the best few labels only: the same answer is one that begins the other, and the same
    order is one that is the same as far as the server named anybody.
    """
    pairs = [
        pair for ours, theirs in zip(here.said, there.said, strict=True) for pair in zip(ours, theirs, strict=False)
    ]
    orders = list(zip(here.rankings, there.rankings, strict=True))
    if method != "first-token":
        return len(pairs), sum(ours == theirs for ours, theirs in pairs), sum(a.order == b.order for a, b in orders)
    named = [str(theirs).split(" > ") for [(_, theirs)] in there.said]
    alike = sum(str(ours[1]).split(" > ")[: len(seen)] == seen for [ours], seen in zip(here.said, named, strict=True))
    tops = sum(a.order[: len(seen)] == b.order[: len(seen)] for (a, b), seen in zip(orders, named, strict=True))
    return len(pairs), alike, tops


def short(requests: Sequence[Request]) -> list[Request]:
    def cut(one: Candidate) -> Candidate:
        return Candidate(one.id, " ".join(one.text.split()[:WORDS]), score=one.score)

    return [Request(Query(r.query.text, r.query.id), tuple(map(cut, r.candidates))) for r in requests]


def run(arguments: argparse.Namespace) -> None:
    dataset = load_dataset(arguments.data / "noveleval", limit=arguments.queries)
    requests = short(dataset.requests)
    stored = ndcg(dataset, _stored(requests))
    console = Console(width=140)
    table = _table(f"NovelEval, {len(requests)} queries, first {WORDS} words; first stage nDCG@10 {stored:.4f}")
    varied = {
        "reversed": short(reversed_candidates(dataset).requests),
        "shuffled": short(shuffled_candidates(dataset, SEED).requests),
    }
    figures: dict[str, object] = {
        "first stage": stored,
        **{name: ndcg(dataset, _stored(orders)) for name, orders in varied.items()},
    }
    console.print({name: round(float(str(value)), 4) for name, value in figures.items()})
    for model, options in MODELS.items():
        if store.installed(find(model)) is None:
            console.print(f"{model} is left out: rankkit models pull {model}")
            continue
        figures[model] = rows = {}
        sides = {method: _here(model, method) for method in METHODS}
        shown = {method: requests[: _queries(method)] for method in METHODS}
        moved = {}
        for method, side in sides.items():
            side.run(shown[method], f"{model}, {method}")
            moved[method] = {name: _of_order(dataset, model, method, name, orders) for name, orders in varied.items()}
        with LlamaServer(store.locate(model), name=model, context=CONTEXT) as server:
            for method, here in sides.items():
                # By default this server penalises repeated tokens, and labels are in the prompt already.
                plain = {"extra_body": {"repeat_penalty": 1.0}, "concurrency": 1, "timeout": 600, **options}
                # Its context is as large as the model's here; its tokens are estimated, and would be found too many.
                there = Side({**METHODS[method], **plain, "endpoint": server.url, "context": 8 * CONTEXT}, model)
                there.run(shown[method], f"{model}, {method}, over HTTP")
                rows[method] = row = {**_figures(dataset, method, here, there), **moved[method]}
                _show(table, model, method, row, len(shown[method]))
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def _here(model: str, method: str) -> Side:
    return Side({**METHODS[method], "context": CONTEXT}, model)


def _queries(method: str) -> int | None:
    return A_OR_B_QUERIES if method == "A or B" else None


def _of_order(dataset: Dataset, model: str, method: str, name: str, requests: Sequence[Request]) -> float:
    """nDCG@10 of a method, in this process, over the candidates in another order."""
    side = _here(model, method)
    side.run(requests[: _queries(method)], f"{model}, {method}, {name}")
    return ndcg(dataset, side.orders())


def _stored(requests: Sequence[Request]) -> dict[str, list[str]]:
    return {one.query.id: [candidate.id for candidate in one.candidates] for one in requests}


def ndcg(dataset: Dataset, orders: Mapping[str, Sequence[str]]) -> float:
    qrels = {query: dataset.qrels[query] for query in orders}
    return evaluate(qrels, orders, parse_measures("nDCG@10")).means["nDCG@10"]


def _figures(dataset: Dataset, method: str, here: Side, there: Side) -> dict[str, object]:
    asked, alike, orders = same(method, here, there)
    return {
        "ndcg": ndcg(dataset, here.orders()),
        "ndcg_http": ndcg(dataset, there.orders()),
        "outcomes": dict(here.outcomes()),
        "outcomes_http": dict(there.outcomes()),
        "seconds": here.seconds,
        "seconds_http": there.seconds,
        "questions": asked,
        "same_answers": alike,
        "same_orders": orders,
    }


def _table(title: str) -> Table:
    table = Table(title=title)
    words, figures = (
        ("model", "method", "answers", "answers over HTTP"),
        ("nDCG@10", "reversed", "shuffled", "over HTTP"),
    )
    for heading in (*words[:2], *figures, *words[2:], "same answers", "same orders"):
        table.add_column(heading, justify="left" if heading in words else "right")
    return table


def _show(table: Table, model: str, method: str, row: Mapping[str, object], queries: int) -> None:
    outcomes = [
        ", ".join(f"{count} {name}" for name, count in Counter(row[key]).most_common())
        for key in ("outcomes", "outcomes_http")
    ]
    alike = f"{row['same_answers']} of {row['questions']}", f"{row['same_orders']} of {queries}"
    values = [f"{row[key]:.4f}" for key in ("ndcg", "reversed", "shuffled", "ndcg_http")]
    table.add_row(model, method, *values, *outcomes, *alike)
