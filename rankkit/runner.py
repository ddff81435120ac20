"""The only place with bookkeeping: it puts a strategy's questions to a judge and writes down what happened.

It memoises answers, batches the questions of many requests, asks the budget before every call, adds up usage, reports
progress, applies the failure policy and fills the ``Step``. It never waits for the slowest: as soon as nothing is
left to hand out, every request whose own round is answered moves on, while other requests' calls still run.

Longer than a sitting, because what it keeps together must not be kept in two places.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar, cast

from rankkit._workers import Workers
from rankkit.account import Account as Account
from rankkit.errors import ContractViolation, InvalidOutput, RankkitError
from rankkit.judge import Asked, Call, Judge, Reply
from rankkit.questions import Answer, Asking, Outcome, Placed, Question, Strategy, Task
from rankkit.ranking import Ranking, Request, Step
from rankkit.usage import Usage

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

#: Told of every reply of a backend, once, in the order in which they come in: what a record is made of.
OnReply = Callable[[Asked[Any], Reply[Any]], None]


@dataclass(slots=True)
class _Job(Generic[Q, A]):
    """One request on its way through a strategy."""

    request: Request
    account: Account
    asking: Asking[Q, A]
    round: Sequence[Q] = ()
    answers: dict[Q, Answer[A]] = field(default_factory=dict)
    waiting: int = 0
    placed: Placed | None = None
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    usage: Usage = field(default_factory=Usage)
    asked: int = 0
    memoised: int = 0
    rounds: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class _Item(Generic[Q, A]):
    """A call in the queue, with the job and question behind each of its slots."""

    call: Call[A]
    owners: tuple[tuple[_Job[Q, A], Q], ...]
    fallback: Answer[A] | None = None

    @property
    def payer(self) -> Account:
        return self.owners[0][0].account


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
        self._ready: list[_Job[Q, A]] = []
        self._workers: Workers[_Item[Q, A], list[Reply[A]]] = Workers(1, inline=True)
        self._done = self._total = self._answered = 0

    def run(self, requests: Sequence[Request], accounts: Sequence[Account]) -> list[Ranking]:
        """Rank each request on its account. The rankings come back in the order of the requests."""
        jobs = [self._open(request, account) for request, account in zip(requests, accounts, strict=True)]
        self._total = len(jobs)
        self._ready = list(jobs)
        timed = any(account.seconds_left() is not None for account in accounts)
        inline = self._judge.concurrency == 1 and not timed
        with Workers[_Item[Q, A], list[Reply[A]]](self._judge.concurrency, inline=inline) as self._workers:
            while self._ready or self._queue or self._workers.running:
                if not self._queue:
                    self._advance()
                self._submit()
                self._collect()
                self._expire()
        return [self._close(job) for job in jobs]

    def _open(self, request: Request, account: Account) -> _Job[Q, A]:
        task = Task(len(request), self._judge.largest(request) if len(request) > 1 else None)
        return _Job(request, account, self._strategy.order(task))

    # -- asking

    def _advance(self) -> None:
        """Let each strategy go on to its next round that has something new to ask, and queue the calls for it."""
        ready, self._ready = self._ready, []
        asked: list[tuple[_Job[Q, A], Q]] = []
        for job in ready:
            asked += ((job, question) for question in self._next_round(job))
        mixed = [pair for pair in asked if not pair[0].account.limited]
        if mixed:
            self._prepare(mixed)
        # A call that answers several requests has one payer. Where somebody counts, requests do not share calls.
        for job in ready:
            own = [pair for pair in asked if pair[0] is job and job.account.limited]
            if own:
                self._prepare(own)

    def _next_round(self, job: _Job[Q, A]) -> list[Q]:
        while job.placed is None:
            try:
                answers = [job.answers[question] for question in job.round]
                job.round = job.asking.send(answers) if job.rounds else next(job.asking)
            except StopIteration as stop:
                job.placed = stop.value
                job.ended = time.monotonic()
                self._tell(done=1)
                break
            job.rounds += 1
            new = [question for question in dict.fromkeys(job.round) if not self._recall(job, question)]
            job.waiting = len(new)
            if new:
                return new
        return []

    def _recall(self, job: _Job[Q, A], question: Q) -> bool:
        if question in job.answers:
            job.memoised += 1
            return True
        known = job.account.memo.get(self._memo_key(job, question))
        if known is None:
            return False
        job.answers[question] = cast(
            Answer[A], _translated(known, {c.id: i for i, c in enumerate(job.request.candidates)})
        )
        job.memoised += 1
        return True

    def _memo_key(self, job: _Job[Q, A], question: Q) -> object:
        ids = tuple(job.request.candidates[index].id for index in question.indices)
        return self._key, type(question), getattr(question, "top", None), ids

    def _prepare(self, asked: Sequence[tuple[_Job[Q, A], Q]]) -> None:
        batch = [Asked(job.request, question) for job, question in asked]
        try:
            items = [_Item(call, tuple(asked[slot] for slot in call.slots)) for call in self._judge.prepare(batch)]
        except RankkitError as error:
            if self._on_error == "raise":
                raise
            self._prepare_apart(asked, error)
            return
        self._queue.extend(items)

    def _prepare_apart(self, asked: Sequence[tuple[_Job[Q, A], Q]], error: RankkitError) -> None:
        """One request's bad input must not fail the others of its batch."""
        jobs = list({id(job): job for job, _ in asked}.values())
        if len(jobs) > 1:
            for job in jobs:
                self._prepare([pair for pair in asked if pair[0] is job])
            return
        for job, question in asked:
            self._settle(job, question, Answer.failed(error))

    # -- calling

    def _submit(self) -> None:
        while self._queue and self._workers.free:
            item = self._queue.popleft()
            questions = 0 if item.fallback else len(item.owners)
            item.payer.start()
            reason = item.owners[0][0].stopped or item.payer.refuses(item.call.bound, questions)
            if reason:
                self._refuse(item, reason)
                continue
            item.payer.charge(item.call.bound, questions)
            self._workers.submit(item, _timed(item.call))

    def _refuse(self, item: _Item[Q, A], reason: str) -> None:
        for job, question in item.owners:
            job.stopped = job.stopped or reason
            self._settle(job, question, item.fallback or Answer.unasked())

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
                self._bill_unanswered(item)
                self._refuse(item, item.payer.refuses(Usage()) or "out of time")

    def _bill_unanswered(self, item: _Item[Q, A]) -> None:
        """A call that brought nothing was still made."""
        made = Usage(calls=item.call.bound.calls)
        item.owners[0][0].usage += made
        item.payer.charge(made)

    def _fail(self, item: _Item[Q, A], error: RankkitError) -> None:
        if self._on_error == "raise" and item.fallback is None:
            raise error
        self._bill_unanswered(item)
        for job, question in item.owners:
            if item.fallback is not None:
                job.failures[_words(error)] += 1
            self._settle(job, question, item.fallback or Answer.failed(error))

    def _record(self, item: _Item[Q, A], replies: Sequence[Reply[A]]) -> None:
        if len(replies) != len(item.owners):
            raise ContractViolation(f"{self._judge.name} gave {len(replies)} replies to {len(item.owners)} questions")
        for (job, question), reply in zip(item.owners, replies, strict=True):
            job.usage += reply.usage
            item.payer.charge(reply.usage)
            job.notes.update(reply.notes)
            if self._on_reply is not None:
                self._on_reply(Asked(job.request, question), reply)
            if reply.again is not None:
                job.outcomes["retried"] += 1
                self._queue.appendleft(_Item(reply.again, ((job, question),), fallback=reply.answer))
            else:
                self._settle(job, question, self._checked(job, question, reply.answer))

    def _checked(self, job: _Job[Q, A], question: Q, answer: Answer[A]) -> Answer[A]:
        if answer.value is None or question.accepts(answer.value):
            return answer
        ids = ", ".join(job.request.candidates[index].id for index in question.indices)
        error = InvalidOutput(
            f"{self._judge.name} answered {answer.value!r} about document(s) {ids}",
            hint="NaN or infinity often means a broken export or an overflow in half precision: try another file.",
        )
        if self._on_error == "raise":
            raise error
        return Answer.failed(error)

    def _settle(self, job: _Job[Q, A], question: Q, answer: Answer[A]) -> None:
        job.answers[question] = answer
        if answer.value is not None:
            ids = {index: job.request.candidates[index].id for index in question.indices}
            job.account.memo[self._memo_key(job, question)] = _translated(answer, ids)
        job.outcomes[answer.outcome.value] += 1
        job.defects.update(answer.defects)
        if answer.error is not None:
            job.failures[_words(answer.error)] += 1
        job.asked += answer.outcome is not Outcome.UNASKED
        job.waiting -= 1
        if job.waiting == 0:
            self._ready.append(job)
        self._tell(answered=1)

    # -- telling

    def _tell(self, *, done: int = 0, answered: int = 0) -> None:
        self._done += done
        self._answered += answered
        if self._progress is not None:
            self._progress(Progress(self._stage, self._done, self._total, self._answered))

    def _close(self, job: _Job[Q, A]) -> Ranking:
        placed = job.placed
        if placed is None:
            raise ContractViolation(f"{self._strategy.name} never came to an end")
        step = Step(
            stage=self._stage,
            usage=job.usage,
            seconds=job.ended - job.started,
            questions=job.asked,
            memoised=job.memoised,
            rounds=job.rounds,
            fingerprints=dict(self._judge.fingerprints),
            outcomes=dict(job.outcomes),
            defects=dict(job.defects),
            notes=dict(job.notes),
            failures=tuple(f"{text} ({count}x)" if count > 1 else text for text, count in job.failures.items()),
            stopped=job.stopped,
            diagnosis=dict(placed.diagnosis),
        )
        kind = placed.kind or (self._judge.score_kind if placed.scores else None)
        return Ranking(job.request, placed.order, placed.scores, kind, job.usage, (step,))


def _translated(answer: Answer[Any], names: Mapping[Any, Any]) -> Answer[Any]:
    """Orders and choices are answered by positions, which differ from stage to stage; a memo keeps them by ids."""
    value = answer.value
    if isinstance(value, tuple):
        return replace(answer, value=tuple(names[item] for item in value))
    return replace(answer, value=names[value]) if isinstance(value, int | str) else answer


def _words(error: RankkitError) -> str:
    return f"{type(error).__name__}: {error.message}"


def _timed(call: Call[A]) -> Callable[[], list[Reply[A]]]:
    """Run a call and spread the seconds it took over its replies."""

    def run() -> list[Reply[A]]:
        started = time.perf_counter()
        replies = call.run()
        share = (time.perf_counter() - started) / max(1, len(replies))
        return [replace(reply, usage=replace(reply.usage, seconds=share)) for reply in replies]

    return run
