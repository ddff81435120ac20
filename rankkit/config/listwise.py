"""``paradigm = "listwise"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from rankkit.config.language_model import LanguageModelSpec
from rankkit.errors import CapabilityMissing
from rankkit.listwise.strategies.self_consistency import SelfConsistency
from rankkit.listwise.strategies.setwise import SetwiseBubble, SetwiseHeapsort
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.listwise.strategies.top_down import TopDown
from rankkit.listwise.strategies.tour_rank import TourRank
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
    "sliding", "single", "top-down", "tourrank", "self-consistency", "setwise-heapsort", "setwise-bubble"
]

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
    window: int = Field(default=20, ge=2)
    step: int | None = Field(default=None, ge=1)
    passes: int = Field(default=1, ge=1)
    depth: int | None = Field(default=None, ge=1)
    top_k: int | None = Field(default=None, ge=1)
    seed: int = 0
    samples: int = Field(default=5, ge=1, description="copies of self-consistency, tournaments of TourRank")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        setwise = (self.strategy or "").startswith("setwise")
        if self.strategy is not None and setwise != (self.chosen_method == "setwise"):
            raise ValueError(
                f"the strategy {self.strategy} and the method {self.chosen_method} put different questions: "
                "the setwise strategies go with the setwise method, the others with the other methods"
            )
        if self.step is not None and self.step >= self.window:
            raise ValueError(f"an impossible window: a step of {self.step} in a window of {self.window}")
        return self

    @property
    def chosen_method(self) -> Method:
        return self.method or ("generate" if self.endpoint is not None else "constrained")

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        return JudgeReranker(self.judge(), self.build_strategy(), self.budget, self.on_error, on_reply)

    def build_strategy(self) -> Strategy[Any, Any]:
        """The strategy alone: a replay needs no model."""
        step = self.step or max(1, self.window // 2)
        sliding = Sliding(self.window, step, passes=self.passes, depth=self.depth, top_k=self.top_k)
        match self.strategy or ("setwise-heapsort" if self.chosen_method == "setwise" else "sliding"):
            case "single":
                return Single(depth=self.depth, top_k=self.top_k)
            case "top-down":
                return TopDown(self.window, min(self.top_k or 10, self.window - 1), depth=self.depth)
            case "tourrank":
                return TourRank(self.samples, seed=self.seed, depth=self.depth)
            case "self-consistency":
                return SelfConsistency(sliding, self.samples, seed=self.seed)
            case "setwise-heapsort":
                return SetwiseHeapsort(max(1, min(self.window - 1, 3)), self.top_k or 10, depth=self.depth)
            case "setwise-bubble":
                return SetwiseBubble(max(1, min(self.window - 1, 3)), self.top_k or 10, depth=self.depth)
        return sliding

    def judge(self) -> Judge[Any, Any]:
        from rankkit.listwise.constrained import ConstrainedJudge
        from rankkit.listwise.first_token import FirstTokenJudge
        from rankkit.listwise.generate import GenerateJudge
        from rankkit.listwise.setwise import SetwiseJudge, SetwiseTextJudge

        template = load_prompt(self.prompt or PROMPTS[self.chosen_method], "listwise")
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
