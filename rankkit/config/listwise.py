"""``paradigm = "listwise"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from rankkit.config.language_model import LanguageModelSpec
from rankkit.config.spec import trained_prompt
from rankkit.errors import CapabilityMissing
from rankkit.listwise.strategies.self_consistency import Aggregation, SelfConsistency
from rankkit.listwise.strategies.setwise import SetwiseBubble, SetwiseHeapsort
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.listwise.strategies.top_down import TopDown
from rankkit.listwise.strategies.tour_rank import TourRank
from rankkit.pairwise.strategies.kway import ChoiceTournament, OrderTournament
from rankkit.prompt import load_prompt
from rankkit.questions import Strategy
from rankkit.reranker import BaseReranker, JudgeReranker
from rankkit.runner import OnReply

if TYPE_CHECKING:
    from rankkit.backends.gguf import GgufModel
    from rankkit.backends.openai_compatible import Endpoint
    from rankkit.judge import Judge

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
SETWISE = ("setwise-heapsort", "setwise-bubble", "tournament")

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
        slides = not by_best and self.strategy in (None, "sliding", "self-consistency")
        if slides and self.step is not None and self.step >= self.size:
            raise ValueError(f"an impossible window: a step of {self.step} in a window of {self.size}")
        if self.aggregate is not None and self.strategy != "self-consistency":
            raise ValueError("aggregate goes with the strategy self-consistency")
        return self

    @property
    def size(self) -> int:
        """Passages shown at once."""
        return self.window or (4 if self.chosen_method == "setwise" else 20)

    @property
    def chosen_method(self) -> Method:
        return self.method or ("generate" if self.endpoint is not None else "constrained")

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        return JudgeReranker(self.judge(), self.build_strategy(), self.budget, self.on_error, on_reply)

    def decided(self) -> dict[str, object]:
        return {"method": self.chosen_method, "window": self.size}

    def build_strategy(self) -> Strategy[Any, Any]:
        """The strategy alone: a replay needs no model."""
        by_best = self.chosen_method == "setwise"
        match self.strategy or ("setwise-heapsort" if by_best else "sliding"):
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
        from rankkit.listwise.setwise import SetwiseJudge, SetwiseTextJudge

        template = load_prompt(self.prompt or self._trained_prompt() or PROMPTS[self.chosen_method], "listwise")
        backend = self.backend()
        match self.chosen_method:
            case "generate":
                return GenerateJudge(backend, template, self.passage_tokens, policy=self.policy)
            case "constrained":
                _probe(backend, "structure", "the constrained method")
                return ConstrainedJudge(backend, template, self.passage_tokens)
            case "first-token":
                _probe(backend, "log_probabilities", "the first-token method")
                return FirstTokenJudge(backend, template, self.passage_tokens)
            case "setwise":
                scored = _can(backend, "log_probabilities")
                return (SetwiseJudge if scored else SetwiseTextJudge)(backend, template, self.passage_tokens)

    def _trained_prompt(self) -> str:
        """For methods that write the whole order, and only where the model is on this machine: what a server calls its
        model may be anything.
        """
        written = self.chosen_method in ("generate", "constrained")
        trained = trained_prompt(self.model) if written and self.endpoint is None else ""
        return trained if trained.startswith("listwise/") else ""


def _can(backend: GgufModel | Endpoint, what: Literal["structure", "log_probabilities"]) -> bool:
    """What a server can do is known only from asking it, once."""
    probe = getattr(backend, "probe", None)
    return True if probe is None else bool(getattr(probe(), what))


def _probe(backend: GgufModel | Endpoint, what: Literal["structure", "log_probabilities"], by: str) -> None:
    if not _can(backend, what):
        raise CapabilityMissing(
            f"{by} needs {what.replace('_', '-')}, which {backend!r} does not give",
            hint="Use the generate method, which every server can, or a GGUF model on this machine.",
        )
