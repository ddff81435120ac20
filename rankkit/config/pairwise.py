"""``paradigm = "pairwise"``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from rankkit.config.language_model import LanguageModelSpec
from rankkit.config.pointwise import DEFAULT_MODEL
from rankkit.config.spec import display_name
from rankkit.errors import ConfigError, nearest
from rankkit.models import catalogue, store
from rankkit.pairwise.aggregation import AGGREGATIONS, Aggregation, sampling
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pairwise.strategies.bubblesort import BubbleSort
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pairwise.strategies.insertion import Insertion
from rankkit.pairwise.strategies.quickselect import QuickSelect
from rankkit.pairwise.strategies.swiss import Swiss
from rankkit.pairwise.strategies.tournament import Tournament
from rankkit.prompt import load_prompt
from rankkit.questions import Compare, Strategy
from rankkit.reranker import BaseReranker, JudgeReranker
from rankkit.runner import OnReply

if TYPE_CHECKING:
    from rankkit.judge import Judge

Method = Literal["difference", "duo", "duot5", "prompted", "prompted-text"]
StrategyName = Literal["allpairs", "heapsort", "bubblesort", "quickselect", "insertion", "swiss", "tournament"]

#: How a catalogue row's kind of model compares, when no method is named.
_METHOD_OF_KIND: Mapping[str, Method] = {"cross-encoder": "difference", "seq2seq": "duot5", "gguf": "prompted"}

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


class PairwiseSpec(LanguageModelSpec):
    """Candidates are compared two at a time.

    ``method``: a cross-encoder compares by the ``difference`` of its scores, or reads both documents at once
    (``duo``, if trained for it); a seq2seq model is ``duot5``; a language model is ``prompted`` for A or B, or
    ``prompted-text`` where a server shows no log-probabilities.
    """

    paradigm: Literal["pairwise"] = "pairwise"
    model: str = DEFAULT_MODEL
    method: Method | None = None
    prompt: str | None = None
    strategy: StrategyName = "tournament"
    aggregate: str = "sym-sum"
    top_k: Places = 10
    depth: int | None = Field(default=None, ge=1)
    one_sided: bool = False
    seed: int = 0
    opponents: int = Field(default=10, ge=1, description="for the aggregation sample")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.aggregate not in AGGREGATIONS:
            raise ValueError(f"there is no aggregation {self.aggregate!r}; {nearest(self.aggregate, AGGREGATIONS)}")
        if self.aggregate != "sym-sum" and self.strategy not in ("allpairs", "swiss"):
            raise ValueError(f"{self.strategy} sorts, it does not aggregate: aggregate goes with allpairs and swiss")
        return self

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        return JudgeReranker(self.judge(), self.build_strategy(), self.budget, self.on_error, on_reply)

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

    def judge(self) -> Judge[Any, Any]:
        match self.chosen_method():
            case "difference" | "duo" as method:
                return self._cross_encoder(paired=method == "duo")
            case "duot5":
                from rankkit.backends.seq2seq import OnnxSeq2Seq
                from rankkit.pairwise.duot5 import DuoT5Judge

                folder = store.locate(self.model)
                backend = OnnxSeq2Seq(folder, name=display_name(self.model), threads=self.threads)
                return DuoT5Judge(backend, load_prompt(self.prompt or "duot5", "pairwise"))
            case method:
                from rankkit.pairwise.prompted import PromptedJudge

                template = load_prompt(self.prompt or "prp", "pairwise")
                return PromptedJudge(self.backend(), template, self.passage_tokens, by_text=method == "prompted-text")

    def _cross_encoder(self, *, paired: bool) -> Judge[Any, Any]:
        from rankkit.backends.onnx import OnnxCrossEncoder, OnnxDuoEncoder
        from rankkit.pairwise.cross_encoder import DuoEncoderJudge
        from rankkit.pairwise.difference import ScoreDifferenceJudge
        from rankkit.pointwise.cross_encoder import CrossEncoderJudge

        folder, name = store.locate(self.model), display_name(self.model)
        if paired:
            return DuoEncoderJudge(OnnxDuoEncoder(folder, name=name, threads=self.threads))
        return ScoreDifferenceJudge(CrossEncoderJudge(OnnxCrossEncoder(folder, name=name, threads=self.threads)))

    def chosen_method(self) -> Method:
        """The method named, or what the model is for."""
        if self.method is not None:
            return self.method
        if self.endpoint is not None:
            return "prompted"
        path = Path(self.model)
        if path.is_dir():
            return "duot5" if any(path.rglob("*encoder_model*.onnx")) else "difference"
        if path.is_file():
            return "prompted"
        row = catalogue.find(self.model)
        if row.kind not in _METHOD_OF_KIND:
            raise ConfigError(f"{row.name} is a {row.kind} model, which compares nothing")
        return _METHOD_OF_KIND[row.kind]
