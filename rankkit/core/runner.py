"""The only place with bookkeeping: it puts a strategy's questions to a judge and writes down what happened.

It memoises answers, batches the questions of many requests, asks the budget before every call, adds up usage, reports
progress, applies the failure policy and fills the ``Step``. It never waits for the slowest: as soon as nothing is
left to hand out, every request whose own round is answered moves on, while other requests' calls still run. What it
knows of one request is in ``request_state``; how calls are made ready is in ``call_queue``.

Requests are taken from an iterator a few at a time, and calls are prepared as they are needed: memory does not grow
with the number of requests.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Generic, Literal, TypeVar

from rankkit.core.budgeting import Account
from rankkit.core.call_queue import CallQueue, QueuedCall
from rankkit.core.execution import Execution
from rankkit.core.judge import Call, Judge, Reply, Warms
from rankkit.core.limits import Gate
from rankkit.core.questions import Answer, Question, Strategy, Task
from rankkit.core.ranking import Ranking, Request
from rankkit.core.reporting import OnReply as OnReply
from rankkit.core.reporting import Reporter
from rankkit.core.request_state import CHARGED_AT_BOUND, RequestState
from rankkit.core.step import OTHER_SCRIPT
from rankkit.core.text import in_other_script
from rankkit.core.tries import Tries, times
from rankkit.core.usage import Usage
from rankkit.core.workers import Work, Workers
from rankkit.errors import CircuitOpen, ContractViolation, EndpointError, InvalidOutput, RankkitError

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")

#: What follows a call that failed: its error ends the ranking, or the ranking goes on without its answers and the
#: ``Step`` says so.
OnCallFailure = Literal["raise", "partial"]

#: How many documents are looked at to see which script they are in.
_LOOKED_AT = 5
#: How many requests are open at once, at least. Enough for their questions to fill batches.
_WINDOW = 64


class Runner(Generic[Q, A]):
    """One run of a strategy and a judge over some requests. Make a new one for each run."""

    def __init__(
        self,
        judge: Judge[Q, A],
        strategy: Strategy[Q, A],
        *,
        stage: str,
        execution: Execution | None = None,
        on_failure: OnCallFailure = "raise",
        on_reply: OnReply | None = None,
        gate: Gate | None = None,
        languages: Sequence[str] = (),
    ) -> None:
        self._judge = judge
        self._strategy = strategy
        self._stage = stage
        self._execution = execution or Execution()
        self._reporter: Reporter[Q, A] = Reporter(stage, judge.fingerprints, self._execution, on_reply)
        self._on_failure = on_failure
        self._gate = gate
        self._languages = languages
        self._key = tuple(sorted(judge.fingerprints.items()))
        self._calls: CallQueue[Q, A] = CallQueue(judge, self._prepare_failed)
        self._open: deque[RequestState[Q, A]] = deque()
        self._ready: list[RequestState[Q, A]] = []
        self._workers: Workers[QueuedCall[Q, A], Sequence[Reply[A]]]

    async def run(self, requests: Sequence[Request], accounts: Sequence[Account]) -> list[Ranking]:
        """Rank each request on its account. The rankings come back in the order of the requests."""
        pairs = list(zip(requests, accounts, strict=True))
        return [ranking async for ranking in self.stream(pairs, total=len(pairs))]

    async def stream(
        self, pairs: Iterable[tuple[Request, Account]], *, total: int | None = None
    ) -> AsyncGenerator[Ranking, None]:
        """The rankings in the order of the requests, each as soon as it and those before it are there."""
        self._reporter.total = total
        coming, more = iter(pairs), True
        if self._execution.on_loop and isinstance(self._judge, Warms):
            async with self._execution.workers(1) as warming:
                warming.submit("warm", Work(self._judge.warm))
                await warming.collect(None)  # what goes wrong now goes wrong again where it is dealt with
        async with self._execution.workers(self._judge.concurrency) as self._workers:
            while True:
                more = more and self._admit(coming)
                while self._open and self._open[0].ended:
                    yield self._open.popleft().ranking()
                if not more and not self._open:
                    return
                if not self._calls and not self._ready and not self._workers.running and self._open:
                    self._open[0].ranking()  # raises: its strategy waits for an answer that nobody will give
                # Next rounds share batches if they wait for one another; a strategy that does not adapt has none.
                if not self._calls or not self._strategy.adaptive:
                    self._advance()
                self._submit()
                await self._collect()
                self._expire()

    def _admit(self, coming: Iterator[tuple[Request, Account]]) -> bool:
        """Open further requests where there is room, many at once, so that their questions share batches. Whether more
        may come.
        """
        window = max(_WINDOW, 4 * self._judge.concurrency)
        if 2 * len(self._open) > window:
            return True
        while len(self._open) < window:
            pair = next(coming, None)
            if pair is None:
                return False
            state = self._opened(*pair)
            self._open.append(state)
            self._ready.append(state)
        return True

    def _opened(self, request: Request, account: Account) -> RequestState[Q, A]:
        task = Task(len(request), self._judge.max_group_size(request) if len(request) > 1 else None)
        state = RequestState(self._stage, self._judge, self._key, request, account, self._strategy.order(task))
        if tuple(self._languages) == ("en",) and _in_other_script(request):
            state.notes[OTHER_SCRIPT] += 1
        return state

    # -- asking

    def _advance(self) -> None:
        """Let each strategy go on to its next round that has something new to ask."""
        ready, self._ready = self._ready, []
        shared: list[tuple[RequestState[Q, A], Q]] = []
        for state in ready:
            asked = [(state, question) for question in state.go_on()]
            if state.ended:
                self._reporter.stage_ended(state)
            # A call that answers several requests has one payer. Where somebody counts, requests do not share calls.
            elif state.account.limited:
                self._calls.add(asked)
            else:
                shared += asked
        if shared:
            self._calls.add(shared)

    def _prepare_failed(self, asked: Sequence[tuple[RequestState[Q, A], Q]], error: RankkitError) -> None:
        if self._on_failure == "raise":
            raise error
        for state, question in asked:
            self._reporter.reply(state, question, Reply(Answer.failed(error)))
            self._settle(state, question, Answer.failed(error))

    # -- calling

    def _submit(self) -> None:
        while self._workers.free and (item := self._calls.next()) is not None:
            questions = 0 if item.fallback else len(item.owners)
            if item.first.begin():
                self._reporter.stage_started(item.first)
            reason = item.first.stopped or item.payer.reserve(item.call.bound, questions)
            if reason:
                self._refuse(item, reason)
                continue
            item.started = item.payer.clock()
            item.tries = Tries(item.call.bound, item.payer)
            self._reporter.call_started(item)
            self._workers.submit(item, _work(item.call, item.tries, self._gate))

    def _refuse(self, item: QueuedCall[Q, A], reason: str, made: Usage | None = None) -> None:
        """End it without an answer of its own; ``made`` was paid for all the same."""
        answer: Answer[A] = item.fallback or Answer.unasked()
        for place, (state, question) in enumerate(item.owners):
            state.stopped = state.stopped or reason
            self._reporter.reply(
                state, question, Reply(answer, (made or Usage()) if place == 0 else Usage(), (reason,))
            )
            self._settle(state, question, answer, remember=False)

    async def _collect(self) -> None:
        """Take in what has been answered; wait for it only if there is nothing else to do."""
        waits = [left for item in self._workers.running if (left := item.payer.seconds_left()) is not None]
        for item, outcome in await self._workers.collect(timeout=max(0.0, min(waits)) if waits else None):
            with item.payer.lock:  # nobody may spend in between what is given back only to be charged again
                reserved = item.tries.give_back()
                if isinstance(outcome, RankkitError):
                    self._fail(item, outcome, reserved)
                else:
                    self._record(item, outcome)

    def _expire(self) -> None:
        """Give up the calls of requests that have no time left. What they may have cost stays charged."""
        for item in self._workers.running:
            left = item.payer.seconds_left()
            if left is not None and left <= 0:
                self._workers.abandon(item)
                usage = _timed_usage(item, item.tries.give_back())
                item.first.pay_unanswered(usage)
                self._reporter.call_ended(item, usage, "Cancelled")
                self._refuse(item, item.payer.refuses(Usage()) or "out of time", usage)

    def _fail(self, item: QueuedCall[Q, A], error: RankkitError, reserved: Usage) -> None:
        answer = Answer.failed(error) if item.fallback is None else replace(item.fallback, error=error)
        usage = usage_of_failure(error, item.tries, reserved)
        usage = _timed_usage(item, usage) if usage.calls else usage
        item.first.pay_unanswered(usage)
        self._reporter.call_ended(item, usage, type(error).__name__)
        for place, (state, question) in enumerate(item.owners):
            self._reporter.reply(state, question, Reply(answer, Usage() if place else usage))
        if self._on_failure == "raise" and item.fallback is None:
            raise error
        for state, question in item.owners:
            self._settle(state, question, answer, remember=False)

    def _record(self, item: QueuedCall[Q, A], replies: Sequence[Reply[A]]) -> None:
        if len(replies) != len(item.owners):
            raise ContractViolation(f"{self._judge.name} gave {len(replies)} replies to {len(item.owners)} questions")
        replies = _with_failed_tries(replies, item.tries)
        usage = sum((reply.usage for reply in replies), Usage())
        self._reporter.call_ended(item, usage)
        for (state, question), reply in zip(item.owners, replies, strict=True):
            state.pay(reply)
            self._reporter.reply(state, question, reply)
            if reply.again is not None:
                state.outcomes["retried"] += 1
                self._calls.try_again(QueuedCall(reply.again, ((state, question),), fallback=reply.answer))
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
        if self._on_failure == "raise":
            raise error
        return Answer.failed(error)

    def _settle(self, state: RequestState[Q, A], question: Q, answer: Answer[A], *, remember: bool = True) -> None:
        if state.settle(question, answer, remember=remember):
            self._ready.append(state)
        self._reporter.count(answered=1)


def _in_other_script(request: Request) -> bool:
    """Whether the query is, or the first few documents are: one passage among others says nothing."""
    texts = [candidate.content for candidate in request.candidates[:_LOOKED_AT]]
    return in_other_script(request.query.text) or in_other_script(" ".join(text[:80] for text in texts))


def usage_of_failure(error: RankkitError, tries: Tries, reserved: Usage) -> Usage:
    """What a call that failed is charged: nothing where it was not tried, one call where no server was reached, and
    otherwise all that its tries may have cost, for a server may have worked before it failed.
    """
    if not isinstance(error, EndpointError):
        return reserved
    if sent := tries.failed + tries.answered:
        return times(sent, tries.bound)
    if isinstance(error, CircuitOpen):
        return Usage()
    return tries.bound if error.sent else Usage(calls=tries.bound.calls)


def _with_failed_tries(replies: Sequence[Reply[A]], tries: Tries) -> Sequence[Reply[A]]:
    """The tries that were sent before the one that brought these replies are charged with the first of them."""
    if not tries.failed or not replies:
        return replies
    usage = replies[0].usage + tries.usage_of_failed
    notes = replies[0].notes + (CHARGED_AT_BOUND,) * tries.usage_of_failed.calls
    return [replace(replies[0], usage=usage, notes=notes), *replies[1:]]


def _timed_usage(item: QueuedCall[Q, A], usage: Usage) -> Usage:
    """With the time that the call took until it was given up."""
    return replace(usage, seconds=item.payer.clock() - item.started)


def _work(call: Call[A], tries: Tries, gate: Gate | None) -> Work[Sequence[Reply[A]]]:
    """Make a call, and spread the seconds that it took over its replies."""
    on_loop = partial(_timed_async, call.arun, tries) if call.arun is not None else None
    return Work(partial(_timed, call, tries), on_loop, gate)


def _timed(call: Call[A], tries: Tries) -> Sequence[Reply[A]]:
    started = time.perf_counter()
    with tries.active():
        return _with_seconds(call.run(), started)


async def _timed_async(run: Callable[[], Awaitable[Sequence[Reply[A]]]], tries: Tries) -> Sequence[Reply[A]]:
    started = time.perf_counter()
    with tries.active():
        return _with_seconds(await run(), started)


def _with_seconds(replies: Sequence[Reply[A]], started: float) -> Sequence[Reply[A]]:
    share = (time.perf_counter() - started) / max(1, len(replies))
    return [replace(reply, usage=replace(reply.usage, seconds=share)) for reply in replies]
