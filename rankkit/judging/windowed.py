"""What all listwise judges share: a backend, a prompt file, a window that fits, one call a question."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from rankkit.backends.protocols import require
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Choose, Order, Outcome
from rankkit.core.ranking import Request
from rankkit.core.usage import Usage
from rankkit.errors import PromptError
from rankkit.judging.language_model import Ask, LanguageModel, call_of
from rankkit.judging.on_backend import LanguageModelJudge
from rankkit.judging.window import Fitted, Window

Q = TypeVar("Q", Order, Choose)
A = TypeVar("A")

#: The most tokens that a label, its brackets and a separator take in any vocabulary in use.
TOKENS_A_LABEL = 7


@dataclass(frozen=True)
class WindowJudge(LanguageModelJudge, Generic[Q, A]):
    """Shows a window of passages, labelled as the prompt file says. Subclasses ask the backend and read the answer."""

    passage_tokens: int = 300
    window: Window = field(init=False, repr=False, compare=False)

    #: How the answer is read, where one method has several ways.
    variant: ClassVar[str] = ""
    capability: ClassVar[type]
    asks: ClassVar[str] = "order"
    score_kind = None

    def __post_init__(self) -> None:
        require(self.backend, self.capability, by=f"the {self.method} method")
        if self.template.question != self.asks:
            raise PromptError(
                f"prompt {self.template.name!r} puts a {self.template.question} question; "
                f"the {self.method} method needs one for {self.asks}"
            )
        object.__setattr__(self, "window", Window(self.backend, self.template, self.passage_tokens))

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {
            "model": f"{self.backend.name}@{self.backend.fingerprint}",
            "prompt": f"{self.template.name}@{self.template.fingerprint}",
            "method": f"{self.method} {self.variant}".strip(),
            "passage_tokens": str(self.passage_tokens),
        }

    def max_group_size(self, request: Request) -> int | None:
        return self.window.max_group_size(request, self.answer_tokens)

    def prepare(self, asked: Sequence[BoundQuestion[Q]]) -> Iterable[Call[A]]:
        for slot, item in enumerate(asked):
            fitted = self.window.fit(
                item.request, item.question.indices, self.answer_tokens(len(item.question.indices))
            )
            yield self.call(self.bound(fitted), partial(self._ask, item, fitted), slot)

    def call(self, bound: Usage, ask: Ask[A], slot: int = 0) -> Call[A]:
        return call_of(self.backend, self.capability, bound, ask, slot)

    def bound(self, fitted: Fitted) -> Usage:
        """The most that the call can cost: no judge sends a higher limit of tokens than this one states."""
        return self.bound_of(fitted, self.answer_tokens(len(fitted.labels)))

    def bound_of(self, fitted: Fitted, answer_tokens: int) -> Usage:
        return self.bound_of_call(fitted.tokens, answer_tokens)

    async def _ask(self, item: BoundQuestion[Q], fitted: Fitted, model: LanguageModel) -> Reply[A]:
        return await self.ask(item, fitted, model)

    def answer_tokens(self, count: int) -> int:
        """The room that an answer about ``count`` passages needs."""
        return TOKENS_A_LABEL * count + 8

    @abstractmethod
    async def ask(self, item: BoundQuestion[Q], fitted: Fitted, model: LanguageModel) -> Reply[A]:
        """Make the call and read the answer. It waits for the model and nothing else."""


def shortened_notes(fitted: Fitted) -> tuple[str, ...]:
    return ("passage shortened",) * fitted.shortened


def refused_reply(usage: Usage, fitted: Fitted) -> Reply[Any]:
    """The model, or a content filter before it, would not answer."""
    return Reply(Answer(None, Outcome.REFUSED, ("refused",)), usage, shortened_notes(fitted), said="")


def completed(named: Sequence[int], indices: Sequence[int]) -> tuple[int, ...]:
    """Positions in the window, best first, as candidates; those that were not named follow in the order they had."""
    rest = [position for position in range(len(indices)) if position not in set(named)]
    return tuple(indices[position] for position in (*named, *rest))


def outcome_of(defects: Sequence[str]) -> Outcome:
    return Outcome.REPAIRED if defects else Outcome.OK
