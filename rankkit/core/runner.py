"""The only place with bookkeeping: it puts a strategy's questions to a judge and writes down what happened.

It memoises answers, batches the questions of many requests, asks the budget before every call, adds up usage, reports
progress, applies the failure policy and fills the ``Step``. It never waits for the slowest: as soon as nothing is
left to hand out, every request whose own round is answered moves on, while other requests' calls still run. What it
knows of one request is in ``rankkit.core.request_state``.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from rankkit.core.budgeting import Account as Account
from rankkit.core.judge import BoundQuestion, Call, Judge, Reply
from rankkit.core.questions import Answer, Question, Strategy, Task
from rankkit.core.ranking import Ranking, Request
from rankkit.core.request_state import RequestState
from rankkit.core.usage import Usage
from rankkit.core.workers import Workers
from rankkit.errors import CircuitOpen, ContractViolation, InvalidOutput, RankkitError

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")

#: What to do when a call fails: raise its error, or go on without its answers and say so in the ``Step``.
OnError = Literal["raise", "keep"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. ``done`` and ``total`` count requests, ``answered`` counts questions."""

    stage: str
    done: int
    total: int
    answered: int


OnProgress = Callable[[Progress], None]

#: Told of every reply of a backend, once, in the order in which they come in, of every call that failed (its answer
#: has the error), and of what was not asked or waited for (with the reason as a note): what a record is made of.
OnReply = Callable[[BoundQuestion[Any], Reply[Any]], None]


@dataclass(frozen=True, slots=True)
class _Item(Generic[Q, A]):
    """A call in the queue, with the state and question behind each of its slots."""

    call: Call[A]
    owners: tuple[tuple[RequestState[Q, A], Q], ...]
    fallback: Answer[A] | None = None

    @property
    def first(self) -> RequestState[Q, A]:
        """The one that pays."""
        return self.owners[0][0]

    @property
    def payer(self) -> Account:
        return self.first.account


class Runner(Generic[Q, A]):
    """One run of a strategy and a judge over some requests. Make a new one for each run."""

    def __init__(
        self,
        judge: Judge[Q, A],
        strategy: Strategy[Q, A],
        *,
        stage: str,
        on_error: OnError = "raise",
        progress: OnProgress | None = None,
        on_reply: OnReply | None = None,
    ) -> None:
        self._judge = judge
        self._strategy = strategy
        self._stage = stage
        self._on_error = on_error
        self._progress = progress
        self._on_reply = on_reply
        self._key = tuple(sorted(judge.fingerprints.items()))
        self._queue: deque[_Item[Q, A]] = deque()
        self._ready: list[RequestState[Q, A]] = []
        self._workers: Workers[_Item[Q, A], list[Reply[A]]] = Workers(1, inline=True)
        self._done = self._total = self._answered = 0

    def run(self, requests: Sequence[Request], accounts: Sequence[Account]) -> list[Ranking]:
        """Rank each request on its account. The rankings come back in the order of the requests."""
        states = [self._open(request, account) for request, account in zip(requests, accounts, strict=True)]
        self._total = len(states)
        self._ready = list(states)
        timed = any(account.seconds_left() is not None for account in accounts)
        inline = self._judge.concurrency == 1 and not timed
        with Workers[_Item[Q, A], list[Reply[A]]](self._judge.concurrency, inline=inline) as self._workers:
            while self._ready or self._queue or self._workers.running:
                if not self._queue:
                    self._advance()
                self._submit()
                self._collect()
                self._expire()
        return [state.ranking() for state in states]

    def _open(self, request: Request, account: Account) -> RequestState[Q, A]:
        task = Task(len(request), self._judge.max_group_size(request) if len(request) > 1 else None)
        return RequestState(self._stage, self._judge, self._key, request, account, self._strategy.order(task))

    # -- asking

    def _advance(self) -> None:
        """Let each strategy go on to its next round that has something new to ask, and queue the calls for it."""
        ready, self._ready = self._ready, []
        shared: list[tuple[RequestState[Q, A], Q]] = []
        alone: list[list[tuple[RequestState[Q, A], Q]]] = []
        for state in ready:
            asked = [(state, question) for question in state.go_on()]
            if state.result is not None:
                self._report(done=1)
            # A call that answers several requests has one payer. Where somebody counts, requests do not share calls.
            elif state.account.limited:
                alone.append(asked)
            else:
                shared += asked
        for asked in (shared, *alone):
            if asked:
                self._prepare(asked)

    def _prepare(self, asked: Sequence[tuple[RequestState[Q, A], Q]]) -> None:
        batch = [BoundQuestion(state.request, question) for state, question in asked]
        try:
            items = [_Item(call, tuple(asked[slot] for slot in call.slots)) for call in self._judge.prepare(batch)]
        except RankkitError as error:
            if self._on_error == "raise":
                raise
            self._prepare_apart(asked, error)
            return
        self._queue.extend(items)

    def _prepare_apart(self, asked: Sequence[tuple[RequestState[Q, A], Q]], error: RankkitError) -> None:
        """One request's bad input must not fail the others of its batch."""
        states = list({id(state): state for state, _ in asked}.values())
        if len(states) > 1:
            for state in states:
                self._prepare([pair for pair in asked if pair[0] is state])
            return
        for state, question in asked:
            self._announce(state, question, Reply(Answer.failed(error)))
            self._settle(state, question, Answer.failed(error))

    # -- calling

    def _submit(self) -> None:
        while self._queue and self._workers.free:
            item = self._queue.popleft()
            questions = 0 if item.fallback else len(item.owners)
            item.payer.start()
            reason = item.first.stopped or item.payer.refuses(item.call.bound, questions)
            if reason:
                self._refuse(item, reason)
                continue
            item.payer.charge(item.call.bound, questions)
            self._workers.submit(item, _timed(item.call))

    def _refuse(self, item: _Item[Q, A], reason: str, made: int = 0) -> None:
        """End it without an answer of its own; ``made`` calls were paid for all the same."""
        answer: Answer[A] = item.fallback or Answer.unasked()
        for place, (state, question) in enumerate(item.owners):
            state.stopped = state.stopped or reason
            self._announce(state, question, Reply(answer, Usage(calls=0 if place else made), (reason,)))
            self._settle(state, question, answer, remember=False)

    def _collect(self) -> None:
        """Take in what has been answered; wait for it only if there is nothing else to do."""
        waits = [left for item in self._workers.running if (left := item.payer.seconds_left()) is not None]
        for item, outcome in self._workers.collect(timeout=max(0.0, min(waits)) if waits else None):
            item.payer.refund(item.call.bound)
            if isinstance(outcome, RankkitError):
                self._fail(item, outcome)
            else:
                self._record(item, outcome)

    def _expire(self) -> None:
        """Give up on the calls of requests that have no time left: a late answer is dropped."""
        for item in self._workers.running:
            left = item.payer.seconds_left()
            if left is not None and left <= 0:
                self._workers.abandon(item)
                item.payer.refund(item.call.bound)
                item.first.pay_unanswered(item.call.bound)
                self._refuse(item, item.payer.refuses(Usage()) or "out of time", item.call.bound.calls)

    def _fail(self, item: _Item[Q, A], error: RankkitError) -> None:
        answer = Answer.failed(error) if item.fallback is None else replace(item.fallback, error=error)
        made = Usage(calls=0 if isinstance(error, CircuitOpen) else item.call.bound.calls)
        item.first.pay_unanswered(made)
        for place, (state, question) in enumerate(item.owners):
            self._announce(state, question, Reply(answer, Usage() if place else made))
        if self._on_error == "raise" and item.fallback is None:
            raise error
        for state, question in item.owners:
            self._settle(state, question, answer, remember=False)

    def _record(self, item: _Item[Q, A], replies: Sequence[Reply[A]]) -> None:
        if len(replies) != len(item.owners):
            raise ContractViolation(f"{self._judge.name} gave {len(replies)} replies to {len(item.owners)} questions")
        for (state, question), reply in zip(item.owners, replies, strict=True):
            state.pay(reply)
            self._announce(state, question, reply)
            if reply.again is not None:
                state.outcomes["retried"] += 1
                self._queue.appendleft(_Item(reply.again, ((state, question),), fallback=reply.answer))
            else:
                self._settle(state, question, self._checked(state, question, reply.answer))

    def _checked(self, state: RequestState[Q, A], question: Q, answer: Answer[A]) -> Answer[A]:
        if answer.value is None or question.accepts(answer.value):
            return answer
        ids = ", ".join(state.request.candidates[index].id for index in question.indices)
        error = InvalidOutput(
            f"{self._judge.name} answered {answer.value!r} about document(s) {ids}",
            hint="NaN or infinity often means a broken export or an overflow in half precision: try another file.",
        )
        if self._on_error == "raise":
            raise error
        return Answer.failed(error)

    def _settle(self, state: RequestState[Q, A], question: Q, answer: Answer[A], *, remember: bool = True) -> None:
        if state.settle(question, answer, remember=remember):
            self._ready.append(state)
        self._report(answered=1)

    # -- telling

    def _announce(self, state: RequestState[Q, A], question: Q, reply: Reply[A]) -> None:
        if self._on_reply is not None:
            self._on_reply(
                BoundQuestion(state.request, question), replace(reply, fingerprints=self._judge.fingerprints)
            )

    def _report(self, *, done: int = 0, answered: int = 0) -> None:
        self._done += done
        self._answered += answered
        if self._progress is not None:
            self._progress(Progress(self._stage, self._done, self._total, self._answered))


def _timed(call: Call[A]) -> Callable[[], list[Reply[A]]]:
    """Run a call and spread the seconds it took over its replies."""

    def run() -> list[Reply[A]]:
        started = time.perf_counter()
        replies = call.run()
        share = (time.perf_counter() - started) / max(1, len(replies))
        return [replace(reply, usage=replace(reply.usage, seconds=share)) for reply in replies]

    return run
