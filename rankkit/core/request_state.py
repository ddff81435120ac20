"""One request on its way through a strategy: what was asked, what is known, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, cast

from rankkit.core.budgeting import Account
from rankkit.core.events import new_id
from rankkit.core.judge import Judge, Reply
from rankkit.core.questions import Answer, Asking, Outcome, Question, StrategyResult
from rankkit.core.ranking import Ranking, Request
from rankkit.core.step import Step
from rankkit.core.usage import Usage
from rankkit.errors import ContractViolation, RankkitError

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")

#: The note of a try that brought nothing and may have cost something.
CHARGED_AT_BOUND = "charged at its bound"


@dataclass(slots=True)
class RequestState(Generic[Q, A]):
    """What the runner knows of one request. ``stage`` is the name of its ``Step``; answers are kept under ``key`` in
    the account's memo, which stages of a cascade share.

    Its time is its own: from its first call (not while it waits for its turn in a batch) to the end of its strategy.
    """

    stage: str
    judge: Judge[Q, A]
    key: object
    request: Request
    account: Account
    asking: Asking[Q, A]
    result: StrategyResult | None = None
    stopped: str = ""
    usage: Usage = field(default_factory=Usage)
    outcomes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    _round: Sequence[Q] = ()
    _answers: dict[Q, Answer[A]] = field(default_factory=dict)
    _waiting: int = 0
    event_id: int = field(default_factory=new_id)
    _started: float | None = None
    _ended: float = 0.0
    _asked: int = 0
    _cached_answers: int = 0
    _sequential_rounds: int = 0
    _defects: Counter[str] = field(default_factory=Counter)
    _failures: Counter[str] = field(default_factory=Counter)

    def begin(self) -> bool:
        """Start its clock, with its first call. Whether this was the first."""
        self.account.start()
        if self._started is not None:
            return False
        self._started = self.account.clock()
        return True

    @property
    def ended(self) -> bool:
        return self.result is not None

    def go_on(self) -> list[Q]:
        """The questions of the next round that has something new to ask; none where the strategy has ended."""
        while self.result is None:
            try:
                answers = [self._answers[question] for question in self._round]
                self._round = self.asking.send(answers) if self._sequential_rounds else next(self.asking)
            except StopIteration as stop:
                self.result = stop.value
                break
            self._sequential_rounds += 1
            new = [question for question in dict.fromkeys(self._round) if not self._recall(question)]
            self._waiting = len(new)
            if new:
                return new
        return []

    def _recall(self, question: Q) -> bool:
        if question not in self._answers:
            known = self.account.memo.get(self._memo_key(question))
            if known is None:
                return False
            places = {candidate.id: index for index, candidate in enumerate(self.request.candidates)}
            self._answers[question] = cast(Answer[A], _translated(known, places))
        self._cached_answers += 1
        return True

    def _memo_key(self, question: Q) -> object:
        ids = tuple(self.request.candidates[index].id for index in question.indices)
        # A stage of a cascade may leave the instruction out.
        return self.key, self.request.query.instruction, type(question), getattr(question, "top", None), ids

    def pay(self, reply: Reply[A]) -> None:
        """Charge a reply, whatever comes of it."""
        self.usage += reply.usage
        self.account.charge(reply.usage)
        self.notes.update(reply.notes)

    def pay_unanswered(self, usage: Usage) -> None:
        """Charge a call that brought no answer: what it may have cost, since nobody knows better."""
        self.usage += usage
        self.account.charge(usage)
        if usage.tokens or usage.cost:
            self.notes[CHARGED_AT_BOUND] += usage.calls

    def fail(self, error: RankkitError) -> None:
        """Write down what went wrong."""
        self._failures[f"{type(error).__name__}: {error.message}"] += 1

    def settle(self, question: Q, answer: Answer[A], *, remember: bool = True) -> bool:
        """Take in the answer that stands. Whether it was the last one that the round waits for.

        Not to ``remember`` is for one that stands for want of a better, where another stage may still get that.
        """
        self._answers[question] = answer
        if answer.value is not None and remember:
            ids = {index: self.request.candidates[index].id for index in question.indices}
            self.account.memo[self._memo_key(question)] = _translated(answer, ids)
        self.outcomes[answer.outcome.value] += 1
        self._defects.update(answer.defects)
        if answer.error is not None:
            self.fail(answer.error)
        self._asked += answer.outcome is not Outcome.UNASKED
        self._waiting -= 1
        self._ended = self.account.clock()
        return self._waiting == 0

    def ranking(self) -> Ranking:
        """What came of it, with its ``Step``.

        Raises:
            ContractViolation: the strategy has not ended.
        """
        if self.result is None:
            raise ContractViolation(f"the strategy of {self.stage} never came to an end")
        step = Step(
            stage=self.stage,
            usage=self.usage,
            seconds=0.0 if self._started is None else self._ended - self._started,
            questions=self._asked,
            cached_answers=self._cached_answers,
            sequential_rounds=self._sequential_rounds,
            fingerprints=dict(self.judge.fingerprints),
            outcomes=dict(self.outcomes),
            defects=dict(self._defects),
            notes=dict(self.notes + Counter(self.result.notes)),
            failures=tuple(f"{text} ({count}x)" if count > 1 else text for text, count in self._failures.items()),
            stopped=self.stopped,
            diagnostics=dict(self.result.diagnostics),
            order=tuple(self.request.candidates[index].id for index in self.result.order),
            scores=self.result.scores,
            raw_scores=self._raw_scores(self.result),
            raw_kind=str(self.judge.score_kind or "") if self.result.raw_scores else "",
        )
        kind = self.result.kind or (self.judge.score_kind if self.result.scores else None)
        return Ranking(self.request, self.result.order, self.result.scores, kind, self.usage, (step,))

    def _raw_scores(self, result: StrategyResult) -> dict[str, float]:
        along = zip(result.order, result.raw_scores or (), strict=False)
        return {self.request.candidates[index].id: score for index, score in along if score is not None}


def _translated(answer: Answer[Any], names: Mapping[Any, Any]) -> Answer[Any]:
    """Orders and choices are answered by positions, which differ from stage to stage; a memo keeps them by ids."""
    value = answer.value
    if isinstance(value, tuple):
        return replace(answer, value=tuple(names[item] for item in value))
    return replace(answer, value=names[value]) if isinstance(value, int | str) else answer
