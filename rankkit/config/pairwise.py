"""``paradigm = "pairwise"``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from rankkit.config.language_model import LanguageModelSpec, check_can
from rankkit.config.methods import check_method
from rankkit.config.pointwise import DEFAULT_MODEL, LocalModelSpec, PointwiseSpec, scoring_method
from rankkit.config.spec import refuse_unused, trained_prompt
from rankkit.core.questions import Compare, Strategy
from rankkit.core.runner import OnReply
from rankkit.errors import ConfigError, nearest
from rankkit.models import store
from rankkit.pairwise.aggregation.methods import AGGREGATIONS, Aggregation, sampling
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pairwise.strategies.bubblesort import BubbleSort
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pairwise.strategies.insertion import Insertion
from rankkit.pairwise.strategies.quickselect import QuickSelect
from rankkit.pairwise.strategies.swiss import Swiss
from rankkit.pairwise.strategies.tournament import Tournament
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.template import load_prompt

if TYPE_CHECKING:
    from rankkit.core.judge import Judge

Method = Literal["difference", "duo", "duot5", "prompted", "prompted-text"]
StrategyName = Literal["allpairs", "heapsort", "bubblesort", "quickselect", "insertion", "swiss", "tournament"]

#: How a catalogue row's kind of model compares, when no method is named.
_METHOD_OF_KIND: Mapping[str, Method] = {
    "cross-encoder": "difference",
    "seq2seq": "duot5",
    "gguf": "prompted",
    "endpoint": "prompted",
}

_PROMPTED: tuple[Method, ...] = ("prompted", "prompted-text")
_READING: tuple[Method, ...] = ("difference", "duo", "duot5")
#: Which methods use a key: prompts are made to fit by passage_tokens and context, texts by max_length.
_METHODS: Mapping[str, tuple[Method, ...]] = {
    "max_length": _READING,
    "long_query": _READING,
    "passage_tokens": _PROMPTED,
    "context": _PROMPTED,
    "template": _PROMPTED,
    "prompt": ("duot5", *_PROMPTED),
}
#: The others sort, and do not aggregate.
_STRATEGIES: Mapping[str, tuple[StrategyName, ...]] = {"aggregate": ("allpairs", "swiss")}
#: The others ask everybody, and draw nothing.
_AGGREGATIONS: Mapping[str, tuple[str, ...]] = {"seed": ("sample",), "opponents": ("sample",)}

_SORTS: Mapping[str, Callable[..., Strategy[Compare, float]]] = {
    "heapsort": HeapSort,
    "bubblesort": BubbleSort,
    "quickselect": QuickSelect,
    "insertion": Insertion,
    "tournament": Tournament,
}

#: How many places of the result matter. TOML has no word for none, so no limit is ``"all"``.
Places = Annotated[
    Annotated[int, Field(ge=1)] | None,
    BeforeValidator(lambda places: None if places == "all" else places),
    PlainSerializer(lambda places: "all" if places is None else places),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["all", None]}]}),
]


class PairwiseSpec(LanguageModelSpec, LocalModelSpec):
    """Candidates are compared two at a time.

    ``method``: a cross-encoder (or monoT5) compares by the ``difference`` of its scores, or reads both documents at
    once (``duo``, if trained for it); another seq2seq model is ``duot5``; a language model is ``prompted`` for A or B,
    or ``prompted-text`` where a server shows no log-probabilities.
    """

    paradigm: Literal["pairwise"] = "pairwise"
    model: str = DEFAULT_MODEL
    method: Method | None = None
    prompt: str | None = None
    strategy: StrategyName = "tournament"
    aggregate: str = Field(default="sym-sum", json_schema_extra={"enum": list(AGGREGATIONS)})
    top_k: Places = 10
    depth: int | None = Field(default=None, ge=1)
    one_sided: bool = False
    seed: int = 0
    opponents: int = Field(default=10, ge=1, description="for the aggregation sample")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.aggregate not in AGGREGATIONS:
            raise ValueError(f"there is no aggregation {self.aggregate!r}; {nearest(self.aggregate, AGGREGATIONS)}")
        refuse_unused(self, _STRATEGIES, self.strategy, "the strategy ")
        refuse_unused(self, _AGGREGATIONS, self.aggregate, "the aggregation ")
        return self

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        return JudgeReranker(self.judge(), self.build_strategy(), self.budget, self.on_call_failure, on_reply)

    def build_strategy(self) -> Strategy[Compare, float]:
        """The strategy alone."""
        if self.strategy == "allpairs":
            return AllPairs(aggregation=self._aggregation(), depth=self.depth, one_sided=self.one_sided)
        if self.strategy == "swiss":
            return Swiss(aggregation=self._aggregation(), depth=self.depth, one_sided=self.one_sided)
        return _SORTS[self.strategy](top_k=self.top_k, depth=self.depth, one_sided=self.one_sided)

    def _aggregation(self) -> Aggregation:
        if self.aggregate == "sample":
            return sampling(opponents=self.opponents, seed=self.seed)
        return AGGREGATIONS[self.aggregate]

    def check(self) -> None:
        method = self.chosen_method
        check_method(self.model, self.kind, self.paradigm, method)
        refuse_unused(self, _METHODS, method, "the method ")
        if method == "difference":
            self._scoring().check()
        if method == "duot5" and self.prompt is None and trained_prompt(self.model).startswith("pointwise/"):
            raise ConfigError(
                f"{self.model} was trained on the prompt {trained_prompt(self.model)}, and reads no two documents",
                hint='Use method = "difference", which compares by its scores.',
            )

    def decided(self) -> dict[str, object]:
        return {"method": self.chosen_method}

    def judge(self) -> Judge[Any, Any]:
        self.check()
        match self.chosen_method:
            case "difference":
                from rankkit.pairwise.difference import ScoreDifferenceJudge

                return ScoreDifferenceJudge(self._scoring().judge())
            case "duo":
                from rankkit.backends.encoders.duo import DuoEncoder
                from rankkit.pairwise.cross_encoder import DuoEncoderJudge

                return DuoEncoderJudge(DuoEncoder(store.locate(self.model), **self.reading()))
            case "duot5":
                from rankkit.backends.encoders.seq2seq import Seq2Seq
                from rankkit.pairwise.duot5 import DuoT5Judge

                template = load_prompt(self.prompt or trained_prompt(self.model) or "duot5", "pairwise")
                return DuoT5Judge(Seq2Seq(store.locate(self.model), **self.reading()), template)
            case method:
                from rankkit.pairwise.prompted import PromptedJudge

                template = load_prompt(self.prompt or "prp", "pairwise")
                backend, by_text = self.backend(), method == "prompted-text"
                if not by_text:
                    check_can(backend, "log_probabilities", "prompted", instead="prompted-text")
                return PromptedJudge(backend, template, self.passage_tokens, by_text=by_text)

    def _scoring(self) -> PointwiseSpec:
        return PointwiseSpec(
            model=self.model,
            method=scoring_method(self.model),
            max_length=self.max_length,
            long_query=self.long_query,
            threads=self.threads,
        )

    @property
    def chosen_method(self) -> Method:
        """The method named, or what the model is for."""
        if self.method is not None:
            return self.method
        trained_to_score = self.endpoint is None and trained_prompt(self.model).startswith("pointwise/")
        return "difference" if trained_to_score else _METHOD_OF_KIND.get(self.kind, "difference")
