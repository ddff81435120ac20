"""Calls on their way from a judge's ``prepare`` to the workers: made ready one at a time, as they are needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NoReturn, TypeVar

from rankkit.core.budgeting import Account
from rankkit.core.judge import BoundQuestion, Call, Judge
from rankkit.core.questions import Answer, Question
from rankkit.core.request_state import RequestState
from rankkit.core.tries import Tries
from rankkit.core.usage import Usage
from rankkit.errors import ContractViolation, RankkitError

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")

#: A request's question, which some call has to answer.
Owner = tuple[RequestState[Q, A], Q]


@dataclass(slots=True, eq=False)
class QueuedCall(Generic[Q, A]):
    """A call, with the request and question behind each of its slots. ``fallback`` stands if it is not made."""

    call: Call[A]
    owners: tuple[tuple[RequestState[Q, A], Q], ...]
    fallback: Answer[A] | None = None
    event_id: int = 0
    started: float = 0.0
    tries: Tries = field(default_factory=Tries)

    @property
    def first(self) -> RequestState[Q, A]:
        """The one that pays."""
        return self.owners[0][0]

    @property
    def payer(self) -> Account:
        return self.first.account


class _Source(Generic[Q, A]):
    """Questions that were asked together, and the judge's calls for them as far as they are not made ready yet."""

    def __init__(self, judge: Judge[Q, A], asked: Sequence[tuple[RequestState[Q, A], Q]]) -> None:
        self.asked = asked
        self.left = set(range(len(asked)))
        self._judge = judge
        self._calls: Iterator[Call[A]] | None = None

    def next(self) -> QueuedCall[Q, A]:
        if self._calls is None:
            self._calls = iter(
                self._judge.prepare([BoundQuestion(state.request, asked) for state, asked in self.asked])
            )
        call = next(self._calls, None)
        if call is None:
            raise ContractViolation(f"{self._judge.name} prepared no call for {len(self.left)} question(s)")
        self.left -= set(call.slots)
        return QueuedCall(call, tuple(self.asked[slot] for slot in call.slots))

    def rest(self) -> list[tuple[RequestState[Q, A], Q]]:
        return [self.asked[slot] for slot in sorted(self.left)]


class CallQueue(Generic[Q, A]):
    """``failed`` is called with the questions of one request that no call could be prepared for, and the reason."""

    def __init__(
        self,
        judge: Judge[Q, A],
        failed: Callable[[Sequence[tuple[RequestState[Q, A], Q]], RankkitError], None],
    ) -> None:
        self._judge = judge
        self._failed = failed
        self._again: deque[QueuedCall[Q, A]] = deque()
        self._sources: deque[_Source[Q, A]] = deque()

    def __bool__(self) -> bool:
        return bool(self._again or self._sources)

    def add(self, asked: Sequence[tuple[RequestState[Q, A], Q]]) -> None:
        self._sources.append(_Source(self._judge, asked))

    def try_again(self, item: QueuedCall[Q, A]) -> None:
        """Before all others: its request waits for nothing else."""
        self._again.appendleft(item)

    def next(self) -> QueuedCall[Q, A] | None:
        """The next call to be made, if there is one."""
        while not self._again and self._sources:
            source = self._sources[0]
            if stopped := _stopped(source):
                self._sources.popleft()
                return QueuedCall(stopped, tuple(source.rest()))
            try:
                item = source.next()
            except RankkitError as error:
                self._sources.popleft()
                self._prepare_apart(source, error)
                continue
            if not source.left:
                self._sources.popleft()
            return item
        return self._again.popleft() if self._again else None

    def _prepare_apart(self, source: _Source[Q, A], error: RankkitError) -> None:
        """One request's bad input must not fail the others of its batch."""
        rest = source.rest()
        states = list({id(state): state for state, _ in rest}.values())
        if len(states) <= 1:
            self._failed(rest, error)
            return
        apart = [_Source(self._judge, [pair for pair in rest if pair[0] is state]) for state in states]
        self._sources.extendleft(reversed(apart))


def _stopped(source: _Source[Q, A]) -> Call[A] | None:
    """Where a request is out of time, or was stopped, its further calls need not be made ready: one that will be
    refused stands for all of them.
    """
    rest = source.rest()
    if not rest:
        return None
    state = rest[0][0]
    if not state.account.limited or not (state.stopped or state.account.refuses(Usage())):
        return None
    return Call(tuple(range(len(rest))), Usage(calls=1), _never_made)


def _never_made() -> NoReturn:
    raise ContractViolation("a call of a request that was stopped")
