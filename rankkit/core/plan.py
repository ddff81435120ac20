"""What a ranking would cost, before anything is paid.

A plan is not a formula beside the algorithm: it is the very same run, with the very same judge preparing its calls,
except that no call is made and every question is answered as if the first-stage order were right. Where a strategy's
questions do not depend on the answers, that is exact; where they do (``adaptive``), it is what the run does if that
order is right, ``Plan.exact`` says so, and ``questions_at_most`` is what a strategy promises for the worst answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar, cast

from rankkit.core.budgeting import Account
from rankkit.core.execution import Execution
from rankkit.core.judge import BoundQuestion, Call, Judge, PlansApart, Reply
from rankkit.core.questions import Answer, Bounded, Choose, Compare, Order, Question, Score, Strategy, Task
from rankkit.core.ranking import Candidate, Request, ScoreKind
from rankkit.core.runner import Runner
from rankkit.core.usage import Budget, Usage
from rankkit.core.workers import drive

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage's part of a plan. ``rounds`` is how many calls must wait for one another.

    Questions, usage and rounds are those of that run, its tokens counted from above. ``questions_at_most`` and
    ``usage_at_most`` hold for every run (to the rounding of a tokenizer at the edges of passages); ``None`` where
    nothing is known. Where ``exact``, every run is the same. Tries again and fallbacks are in neither.
    """

    stage: str
    questions: int
    usage: Usage
    sequential_rounds: int
    exact: bool
    questions_at_most: int | None = None
    usage_at_most: Usage | None = None

    def inexact(self) -> StagePlan:
        """The same where other candidates may arrive, or another number of them: no bound is known then."""
        return replace(self, exact=False, questions_at_most=None, usage_at_most=None)


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
    def questions_at_most(self) -> int | None:
        """``None`` where it is not known of some stage."""
        known = [stage.questions_at_most for stage in self.stages if stage.questions_at_most is not None]
        return sum(known) if len(known) == len(self.stages) else None

    @property
    def usage_at_most(self) -> Usage | None:
        """``None`` where it is not known of some stage."""
        known = [stage.usage_at_most for stage in self.stages if stage.usage_at_most is not None]
        return sum(known, Usage()) if len(known) == len(self.stages) else None

    @property
    def sequential_rounds(self) -> int:
        return sum(stage.sequential_rounds for stage in self.stages)

    @property
    def exact(self) -> bool:
        return all(stage.exact for stage in self.stages)


class CountingJudge(Generic[Q, A]):
    """Prepares calls as ``judge`` does, and answers without making them: the first-stage order is always right."""

    concurrency = 1

    def __init__(self, judge: Judge[Q, A]) -> None:
        self._judge: Judge[Q, A] = judge.planning() if isinstance(judge, PlansApart) else judge
        self.widest: Q | None = None

    @property
    def name(self) -> str:
        return self._judge.name

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return self._judge.fingerprints

    @property
    def score_kind(self) -> ScoreKind | None:
        return self._judge.score_kind

    def max_group_size(self, request: Request) -> int | None:
        return self._judge.max_group_size(request)

    def prepare(self, asked: Sequence[BoundQuestion[Q]]) -> Iterable[Call[A]]:
        for item in asked:
            if self.widest is None or len(item.question.indices) > len(self.widest.indices):
                self.widest = item.question
        for call in self._judge.prepare(asked):
            questions = [asked[slot].question for slot in call.slots]
            yield Call(call.slots, call.bound, partial(_assume, questions, call.bound))


def _assume(questions: Sequence[Question], bound: Usage) -> list[Reply[A]]:
    usages = [bound] + [Usage()] * (len(questions) - 1)
    answers = [Answer(cast(A, _prior(question))) for question in questions]
    return [Reply(answer, usage) for answer, usage in zip(answers, usages, strict=True)]


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
    counting = CountingJudge(judge)
    runner = Runner(counting, strategy, stage=stage, execution=Execution(rehearsal=True))
    [ranking] = drive(runner.run([request], [account]))
    # The seconds are those of counting, and say nothing of a run's.
    [step] = (replace(step, usage=replace(step.usage, seconds=0.0)) for step in ranking.steps)
    task = Task(len(request), judge.max_group_size(request) if len(request) > 1 else None)
    most = strategy.most_questions(task) if isinstance(strategy, Bounded) else None
    if not strategy.adaptive:
        most = step.questions
    # No first round depends on an answer: where no second one can follow, every run is the same.
    exact = not strategy.adaptive or (step.sequential_rounds <= 1 and step.questions == most)
    dearest = step.usage if exact else _most(judge, request, counting.widest, most)
    return Plan((StagePlan(step.stage, step.questions, step.usage, step.sequential_rounds, exact, most, dearest),))


def _most(judge: Judge[Q, A], request: Request, widest: Q | None, questions: int | None) -> Usage | None:
    """What so many questions can cost at most. No strategy asks wider ones in another run, and the dearest of a size
    would be about copies of the longest candidate.
    """
    if questions is None:
        return None
    if widest is None or questions == 0:
        return Usage()
    if isinstance(judge, PlansApart):
        # What it remembers costs nothing: asked about everybody once, at worst one by one, it has nothing left to pay.
        pairs = [BoundQuestion(request, cast(Q, Compare(index, index + 1))) for index in range(len(request) - 1)]
        whole = sum((call.bound for call in judge.planning().prepare(pairs)), Usage())
        return replace(whole, calls=len(request))
    narrow = _about_copies(widest, min(2, len(widest.indices)))
    longest = max(request.candidates, key=lambda one: _bound(judge, request, one, narrow).input_tokens)
    bound = _bound(judge, request, longest, widest)
    cost = None if bound.cost is None else questions * bound.cost
    return Usage(
        calls=questions * bound.calls,
        input_tokens=questions * bound.input_tokens,
        output_tokens=questions * bound.output_tokens,
        cost=cost,
    )


def _bound(judge: Judge[Q, A], request: Request, candidate: Candidate, question: Q) -> Usage:
    """The bound of a question that names nobody but copies of one candidate."""
    count = len(question.indices)
    copies = tuple(replace(candidate, id=f"{candidate.id}/{number}") for number in range(count))
    asked = BoundQuestion(Request(request.query, copies), _about_copies(question, count))
    return sum((call.bound for call in judge.prepare([asked])), Usage())


def _about_copies(question: Q, count: int) -> Q:
    """The same kind of question about the first ``count`` candidates."""
    match question:
        case Order():
            return cast(Q, Order(tuple(range(count))))
        case Choose():
            return cast(Q, Choose(tuple(range(count))))
        case Compare():
            return cast(Q, Compare(0, 1))
    return cast(Q, Score(0))
