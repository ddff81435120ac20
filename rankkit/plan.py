"""What a ranking would cost, before anything is paid.

A plan is not a formula beside the algorithm: it is the very same run, with the very same judge preparing its calls,
except that no call is made and every question is answered as if the first-stage order were right. Where a strategy's
questions do not depend on the answers, that is exact; where they do (``adaptive``), it is the likely course, and
``Plan.exact`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar, cast

from rankkit.judge import Asked, Call, Judge, PlansApart, Reply
from rankkit.questions import Answer, Choose, Compare, Order, Question, Score, Strategy
from rankkit.ranking import Ranking, Request, ScoreKind
from rankkit.runner import Account, Runner
from rankkit.usage import Budget, Usage

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage's part of a plan. Tokens are upper bounds; ``rounds`` is how many calls must wait for one another."""

    stage: str
    questions: int
    usage: Usage
    rounds: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Plan:
    stages: tuple[StagePlan, ...]

    @property
    def usage(self) -> Usage:
        return sum((stage.usage for stage in self.stages), Usage())

    @property
    def calls(self) -> int:
        return self.usage.calls

    @property
    def questions(self) -> int:
        return sum(stage.questions for stage in self.stages)

    @property
    def rounds(self) -> int:
        return sum(stage.rounds for stage in self.stages)

    @property
    def exact(self) -> bool:
        return all(stage.exact for stage in self.stages)


class CountingJudge(Generic[Q, A]):
    """Prepares calls as ``judge`` does, and answers without making them: the first-stage order is always right."""

    concurrency = 1

    def __init__(self, judge: Judge[Q, A]) -> None:
        self._judge: Judge[Q, A] = judge.planning() if isinstance(judge, PlansApart) else judge

    @property
    def name(self) -> str:
        return self._judge.name

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return self._judge.fingerprints

    @property
    def score_kind(self) -> ScoreKind | None:
        return self._judge.score_kind

    def largest(self, request: Request) -> int | None:
        return self._judge.largest(request)

    def prepare(self, asked: Sequence[Asked[Q]]) -> Iterable[Call[A]]:
        for call in self._judge.prepare(asked):
            questions = [asked[slot].question for slot in call.slots]
            yield Call(call.slots, call.bound, partial(_assume, questions, call.bound))


def _assume(questions: Sequence[Question], bound: Usage) -> list[Reply[A]]:
    bills = [bound] + [Usage()] * (len(questions) - 1)
    answers = [Answer(cast(A, _prior(question))) for question in questions]
    return [Reply(answer, bill) for answer, bill in zip(answers, bills, strict=True)]


def _prior(question: Question) -> object:
    """What the first stage, which put better candidates at lower positions, would have answered."""
    match question:
        case Score(index):
            return float(-index)
        case Compare(first, second):
            return 1.0 if first < second else 0.0
        case Order(indices):
            return tuple(sorted(indices))
        case Choose(indices):
            return min(indices)


def plan_ranking(judge: Judge[Q, A], strategy: Strategy[Q, A], request: Request, budget: Budget, stage: str) -> Plan:
    return plan_on(judge, strategy, request, Account(budget), stage)


def plan_on(judge: Judge[Q, A], strategy: Strategy[Q, A], request: Request, account: Account, stage: str) -> Plan:
    """``plan_ranking`` on the caller's account: a cascade's stages share one, so memo and limits are counted too."""
    runner = Runner(CountingJudge(judge), strategy, stage=stage)
    [ranking] = runner.run([request], [account])
    return plan_of(ranking, exact=not strategy.adaptive)


def plan_of(ranking: Ranking, *, exact: bool) -> Plan:
    """Read a plan off the steps of a ranking that was only counted."""
    return Plan(tuple(StagePlan(step.stage, step.questions, step.usage, step.rounds, exact) for step in ranking.steps))
