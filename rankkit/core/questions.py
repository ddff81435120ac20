"""The one idea: paradigms differ only in the question that they put to a model.

A *strategy* yields rounds of questions and is sent the answers; a *judge* answers them. Questions name candidates by
their position in the request, so neither side knows the other's business. ``tests/test_runner.py`` shows the whole
conversation on five documents.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar, runtime_checkable

from rankkit.core.ranking import ScoreKind
from rankkit.errors import RankkitError


@dataclass(frozen=True, slots=True)
class Score:
    """How relevant is this candidate? Answered by a finite number; higher is better."""

    index: int

    @property
    def indices(self) -> tuple[int, ...]:
        return (self.index,)

    def accepts(self, value: object) -> bool:
        return isinstance(value, float) and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class Compare:
    """Is ``first`` more relevant than ``second``, shown in this order? Answered by the probability that it is.

    The two orders are two questions: models favour a position, and only asking both shows it.
    """

    first: int
    second: int

    @property
    def indices(self) -> tuple[int, ...]:
        return (self.first, self.second)

    def accepts(self, value: object) -> bool:
        return isinstance(value, float) and 0.0 <= value <= 1.0


@dataclass(frozen=True, slots=True)
class Order:
    """In which order do these belong? Answered by all of ``indices``, best first.

    Only the first ``top`` places need to be right (all when ``None``): what a strategy will not use need not be
    decoded.
    """

    indices: tuple[int, ...]
    top: int | None = None

    def accepts(self, value: object) -> bool:
        return isinstance(value, tuple) and sorted(value) == sorted(self.indices)


@dataclass(frozen=True, slots=True)
class Choose:
    """Which of these is the most relevant? Answered by one of ``indices``."""

    indices: tuple[int, ...]

    def accepts(self, value: object) -> bool:
        return value in self.indices


Question = Score | Compare | Order | Choose

#: The kind of question, and the type of what answers it: float, float, tuple[int, ...] and int, in the order above.
Q = TypeVar("Q", bound=Question)
Q_co = TypeVar("Q_co", bound=Question, covariant=True)
A = TypeVar("A")


class Outcome(StrEnum):
    """How an answer came out. All but the first two have no value: nothing was learned, and the strategy keeps the
    order it has.
    """

    OK = "ok"
    REPAIRED = "repaired"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    UNREADABLE = "unreadable"
    FAILED = "failed"
    UNASKED = "unasked"


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """A value, or the typed reason why there is none. ``defects`` say what was repaired to get the value."""

    value: A | None
    outcome: Outcome = Outcome.OK
    defects: tuple[str, ...] = ()
    error: RankkitError | None = None

    @classmethod
    def failed(cls, error: RankkitError) -> Answer[A]:
        return cls(None, Outcome.FAILED, error=error)

    @classmethod
    def unasked(cls) -> Answer[A]:
        return cls(None, Outcome.UNASKED)


@dataclass(frozen=True, slots=True)
class Task:
    """What a strategy may know: how many candidates, in first-stage order, and how many of them fit into one
    question.
    """

    n: int
    max_group_size: int | None = None


@dataclass(frozen=True, slots=True)
class StrategyResult:
    """A strategy's result: every position once, best first; with scores along it where the method yields any.

    ``kind`` is set where the strategy made the scores (wins, say), and ``None`` where they are the judge's own.
    ``raw_scores`` are the judge's own, along the order, where ``scores`` were made of them one by one.
    ``notes`` go into the ``Step``.
    """

    order: tuple[int, ...]
    scores: tuple[float | None, ...] | None = None
    kind: ScoreKind | None = None
    diagnostics: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    raw_scores: tuple[float | None, ...] | None = None


#: A strategy at work: yields rounds of independent questions, is sent their answers in the same order, returns the
#: order.
Asking = Generator[Sequence[Q], Sequence[Answer[A]], StrategyResult]


class Strategy(Protocol[Q_co, A]):
    """An algorithm, pure: no text, no model, no I/O, no clock; the same task and answers always give the same order.

    ``adaptive`` says whether the questions depend on the answers, that is, whether a plan is exact or an estimate.
    """

    @property
    def name(self) -> str: ...

    @property
    def adaptive(self) -> bool: ...

    def order(self, task: Task) -> Asking[Q_co, A]: ...


@runtime_checkable
class Bounded(Protocol):
    """A strategy that can say beforehand what it asks at most. One that cannot is planned without a bound."""

    def most_questions(self, task: Task) -> int | None:
        """How many questions it asks at most, whatever the answers, missing ones too; ``None`` if it cannot say."""


@runtime_checkable
class ScoresEach(Protocol):
    """A strategy whose scores are each of one document alone."""

    def kind_of(self, judges: ScoreKind | None) -> ScoreKind | None:
        """What its scores mean, of a judge whose own are of this kind."""
