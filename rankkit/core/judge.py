"""What answers questions: a judge turns them into backend calls, and the runner decides which calls are made.

The two steps are apart on purpose. ``prepare`` may tokenise and build prompts, so it knows what a call will cost at
most; only ``Call.run`` spends anything. That is how a budget is asked before every call, and how ``plan`` knows the
price of a ranking without paying it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, runtime_checkable

from rankkit.core.limits import Gate
from rankkit.core.questions import Answer, Question
from rankkit.core.ranking import Request, ScoreKind
from rankkit.core.usage import Usage

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class BoundQuestion(Generic[Q]):
    """A question about one request."""

    request: Request
    question: Q


@dataclass(frozen=True, slots=True)
class Reply(Generic[A]):
    """What one question got, and its share of the usage.

    ``notes`` are remarks on the input ("document shortened"), counted in the ``Step``. ``said`` is a language model's
    answer in its own words, for a record. ``again`` is another try at the same question that the judge advises (a
    stricter prompt after an unreadable answer): made if the budget allows, and its answer then stands instead.
    ``fingerprints`` are the judge's: the runner fills them in for those that it passes the reply to.
    """

    answer: Answer[A]
    usage: Usage = field(default_factory=Usage)
    notes: tuple[str, ...] = ()
    again: Call[A] | None = None
    said: str | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call(Generic[A]):
    """One backend call. ``slots`` says which of the asked questions it answers, by position; ``bound`` is the most it
    can cost.

    ``run`` gives one reply a slot, or raises ``RankkitError``; it may be run on another thread. ``arun`` does the same
    for an event loop without holding a thread, where the backend can (an endpoint).
    """

    slots: tuple[int, ...]
    bound: Usage
    run: Callable[[], Sequence[Reply[A]]]
    arun: Callable[[], Awaitable[Sequence[Reply[A]]]] | None = None


class Judge(Protocol[Q, A]):
    """Answers batches of questions about one or many requests. Holds no state that an answer depends on."""

    @property
    def name(self) -> str:
        """How the ranking's ``Step`` and the reranker's ``repr`` call it."""

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """What its answers depend on: model and prompt, each with a short hash. The memo's key, and part of every
        ``Step``.
        """

    @property
    def score_kind(self) -> ScoreKind | None:
        """What the numbers mean that it answers with; ``None`` for judges that give none."""

    @property
    def concurrency(self) -> int:
        """How many of its calls may run at once."""

    def max_group_size(self, request: Request) -> int | None:
        """How many of the request's candidates one question may name; ``None`` for no limit but the strategy's own."""

    def prepare(self, asked: Sequence[BoundQuestion[Q]]) -> Iterable[Call[A]]:
        """Turn questions into calls that together answer each of them once. Costs nothing but the caller's CPU."""


@runtime_checkable
class PlansApart(Protocol[Q, A]):
    """A judge whose usage depends on what it remembers: ``planning`` gives the one that a plan is made with."""

    def planning(self) -> Judge[Q, A]: ...


@runtime_checkable
class Warms(Protocol):
    """A judge whose ``prepare`` may have to wait for its backend once: an event loop has that done beforehand."""

    def warm(self) -> None: ...


@runtime_checkable
class Gated(Protocol):
    """A judge, or a backend, whose calls go through a gate of the backend's, which all its users share."""

    @property
    def gate(self) -> Gate: ...


@runtime_checkable
class Backed(Protocol):
    """A judge that says what runs its calls: so it can be closed with the reranker that asks it."""

    @property
    def backend(self) -> object: ...
