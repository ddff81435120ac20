"""``paradigm = "listwise"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from rankkit.config.language_model import LanguageModelSpec, can, check_can
from rankkit.config.methods import check_method
from rankkit.config.spec import refuse_unused, trained_prompt
from rankkit.core.questions import Strategy
from rankkit.core.runner import OnReply
from rankkit.listwise.strategies.self_consistency import Aggregation, SelfConsistency
from rankkit.listwise.strategies.setwise import SetwiseBubble, SetwiseHeapsort
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.listwise.strategies.top_down import TopDown
from rankkit.listwise.strategies.tour_rank import TourRank
from rankkit.pairwise.strategies.kway import ChoiceTournament, OrderTournament
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.template import load_prompt

if TYPE_CHECKING:
    from rankkit.core.judge import Judge

Method = Literal["generate", "constrained", "first-token", "setwise"]
StrategyName = Literal[
    "sliding",
    "single",
    "top-down",
    "tourrank",
    "self-consistency",
    "tournament",
    "setwise-heapsort",
    "setwise-bubble",
]
#: What the setwise method can do, which asks for the best one only; the other methods do all but the setwise ones.
SETWISE: tuple[StrategyName, ...] = ("setwise-heapsort", "setwise-bubble", "tournament")

_SLIDING: tuple[StrategyName, ...] = ("sliding", "self-consistency")
#: Which strategies use a key; the others show everything, or draw nothing.
_STRATEGIES: Mapping[str, tuple[StrategyName, ...]] = {
    "window": (*_SLIDING, "top-down", *SETWISE),
    "step": _SLIDING,
    "passes": _SLIDING,
    "seed": ("self-consistency", "tourrank"),
    "samples": ("self-consistency", "tourrank"),
    "aggregate": ("self-consistency",),
}
#: Which methods use a key: the others' answers are never in need of repair.
_METHODS: Mapping[str, tuple[Method, ...]] = {"policy": ("generate",)}

#: Which prompt a method uses when none is named.
PROMPTS: Mapping[str, str] = {
    "generate": "listwise/rankgpt",
    "constrained": "listwise/small",
    "first-token": "listwise/letters",
    "setwise": "listwise/setwise",
}


class ListwiseSpec(LanguageModelSpec):
    """A language model that orders windows of passages.

    ``top_k`` is how many places of the result matter; a generating model then writes no more than it must. Without a
    ``method`` a model on this machine is constrained to permutations, and an endpoint generates, which every server
    can.
    """

    paradigm: Literal["listwise"] = "listwise"
    method: Method | None = None
    prompt: str | None = None
    policy: Literal["repair", "retry", "raise", "keep_order"] = "repair"
    strategy: StrategyName | None = None
    window: int | None = Field(default=None, ge=2, description="passages shown at once. Default: 20, or 4 for setwise")
    step: int | None = Field(default=None, ge=1)
    passes: int = Field(default=1, ge=1)
    depth: int | None = Field(default=None, ge=1)
    top_k: int | None = Field(default=None, ge=1)
    seed: int = 0
    samples: int = Field(default=5, ge=1, description="copies of self-consistency, tournaments of TourRank")
    aggregate: Aggregation | None = Field(default=None, description="how self-consistency adds up its copies")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        by_best = self.chosen_method == "setwise"
        fitting = [name for name in get_args(StrategyName) if by_best == (name in SETWISE) or name == "tournament"]
        if self.strategy is not None and self.strategy not in fitting:
            raise ValueError(
                f"the strategy {self.strategy} and the method {self.chosen_method} put different questions: "
                f"with this method go {', '.join(fitting)}"
            )
        refuse_unused(self, _STRATEGIES, self.chosen_strategy, "the strategy ")
        refuse_unused(self, _METHODS, self.chosen_method, "the method ")
        if self.step is not None and self.step >= self.size:
            raise ValueError(f"an impossible window: a step of {self.step} in a window of {self.size}")
        return self

    @property
    def size(self) -> int:
        """Passages shown at once."""
        return self.window or (4 if self.chosen_method == "setwise" else 20)

    @property
    def chosen_method(self) -> Method:
        return self.method or ("generate" if self.endpoint is not None else "constrained")

    @property
    def chosen_strategy(self) -> StrategyName:
        return self.strategy or ("setwise-heapsort" if self.chosen_method == "setwise" else "sliding")

    def check(self) -> None:
        check_method(self.model, self.kind, self.paradigm, self.chosen_method)

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        return JudgeReranker(self.judge(), self.build_strategy(), self.budget, self.on_call_failure, on_reply)

    def decided(self) -> dict[str, object]:
        return {"method": self.chosen_method, "window": self.size}

    def build_strategy(self) -> Strategy[Any, Any]:
        """The strategy alone: a replay needs no model."""
        by_best = self.chosen_method == "setwise"
        match self.chosen_strategy:
            case "single":
                return Single(depth=self.depth, top_k=self.top_k)
            case "top-down":
                return TopDown(self.size, min(self.top_k or 10, self.size - 1), depth=self.depth)
            case "tourrank":
                return TourRank(self.samples, seed=self.seed, depth=self.depth)
            case "self-consistency":
                # The depth is cut once, before the copies are shuffled.
                by = self.aggregate or "borda"
                return SelfConsistency(self._sliding(None), self.samples, seed=self.seed, by=by, depth=self.depth)
            case "tournament":
                tournament = ChoiceTournament if by_best else OrderTournament
                return tournament(size=self.size, top_k=self.top_k or 10, depth=self.depth)
            case "setwise-heapsort":
                return SetwiseHeapsort(self.size - 1, self.top_k or 10, depth=self.depth)
            case "setwise-bubble":
                return SetwiseBubble(self.size - 1, self.top_k or 10, depth=self.depth)
        return self._sliding(self.depth)

    def _sliding(self, depth: int | None) -> Sliding:
        step = self.step or max(1, self.size // 2)
        return Sliding(self.size, step, passes=self.passes, depth=depth, top_k=self.top_k)

    def judge(self) -> Judge[Any, Any]:
        from rankkit.listwise.constrained import ConstrainedJudge
        from rankkit.listwise.first_token import FirstTokenJudge
        from rankkit.listwise.generate import GenerateJudge
        from rankkit.listwise.setwise import SetwiseConstrainedJudge, SetwiseJudge, SetwiseTextJudge

        self.check()
        template = load_prompt(self.prompt or self._trained_prompt() or PROMPTS[self.chosen_method], "listwise")
        backend = self.backend()
        match self.chosen_method:
            case "generate":
                return GenerateJudge(backend, template, self.passage_tokens, policy=self.policy)
            case "constrained":
                check_can(backend, "structure", "constrained", instead="generate")
                return ConstrainedJudge(backend, template, self.passage_tokens)
            case "first-token":
                check_can(backend, "log_probabilities", "first-token", instead="generate")
                return FirstTokenJudge(backend, template, self.passage_tokens)
            case "setwise":
                if can(backend, "log_probabilities"):
                    return SetwiseJudge(backend, template, self.passage_tokens)
                constrained = can(backend, "structure")
                judge = SetwiseConstrainedJudge if constrained else SetwiseTextJudge
                return judge(backend, template, self.passage_tokens)

    def _trained_prompt(self) -> str:
        """For methods that write the whole order, and only where the model is on this machine: what a server calls its
        model may be anything.
        """
        written = self.chosen_method in ("generate", "constrained")
        trained = trained_prompt(self.model) if written and self.endpoint is None else ""
        return trained if trained.startswith("listwise/") else ""
