"""Running a reranker as a part of something larger (a cascade, a fusion): its failure is a value here, not the end.

Any object with ``rank`` can be a part. One that is an ``AccountedReranker`` keeps its own budget and deadline; one
that has only ``rank(request)`` is asked request by request, counts as one call before it is made, and is left behind
on its thread when time runs out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from rankkit.core.budgeting import Account
from rankkit.core.cancellation import current
from rankkit.core.execution import Execution
from rankkit.core.plan import Plan, StagePlan
from rankkit.core.questions import Outcome
from rankkit.core.ranking import Ranking, Request, Step
from rankkit.core.reranker import AccountedReranker, Reranker
from rankkit.core.usage import Budget, Usage
from rankkit.core.workers import Work, outcome_of
from rankkit.errors import BackendError, BudgetExhausted, Cancelled, ConfigError, ContractViolation, RankkitError

_ASKED_AGAIN = "asked again, after another request of the batch failed"


@dataclass(frozen=True, slots=True)
class SubRequest:
    """Some candidates of a request, ``places[i]`` being where candidate ``i`` stands in the whole, and the account
    that their ranking is charged to.
    """

    request: Request
    account: Account
    places: tuple[int, ...]

    @classmethod
    def of(
        cls, whole: Request, parent: Account, places: Sequence[int], budget: Budget, instruction: str | None = None
    ) -> SubRequest:
        """``instruction`` stands in place of the request's own where that has none; an empty one leaves it out."""
        part, query = whole.select(places), whole.query
        if instruction is not None and (instruction == "" or not query.instruction):
            part = replace(part, query=replace(query, instruction=instruction))
        return cls(part, Account(budget, parent=parent), tuple(places))


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What came of a reranker and a request: a ranking, or the error in its place. ``steps`` describe it either way."""

    ranking: Ranking | None
    steps: tuple[Step, ...] = ()
    error: RankkitError | None = None
    planned: tuple[StagePlan, ...] = ()

    @property
    def trouble(self) -> str:
        """Why this counts as failed, or ``""``: an error, or a limit or failed questions in each step that was made.

        A cascade or a fusion one of whose parts came through has dealt with the others' trouble itself.
        """
        if self.error is not None:
            return words(self.error)
        steps = self.steps if self.ranking is None else self.ranking.steps
        troubles = [_trouble_of(step) for step in steps if not step.skipped]
        return troubles[0] if troubles and all(troubles) else ""

    def raise_trouble(self, name: str) -> None:
        """Raise the ``trouble``, if there is any."""
        if self.error is not None:
            raise self.error
        if self.trouble:
            raise BudgetExhausted(
                f"{name} did not come to its end: {self.trouble}",
                hint='Raise the limit, give the stage fewer candidates, or let it fail with on_failure("keep").',
            )


def _trouble_of(step: Step) -> str:
    learned = step.cached_answers or step.outcomes.get(Outcome.OK) or step.outcomes.get(Outcome.REPAIRED)
    return step.stopped or ("" if learned or not step.failures else step.failures[0])


async def attempt(
    reranker: Reranker, parts: Sequence[SubRequest], execution: Execution, *, tolerant: bool = True
) -> list[StageOutcome]:
    """Rank each part. Without ``tolerant``, an error is raised as soon as it occurs; with it, each part has its own;
    but a ``ConfigError`` is always raised.

    An error of one request ends the batch that it was in. The others are then asked again, one by one: what they
    had been answered is remembered and is not paid for twice.
    """
    if not isinstance(reranker, AccountedReranker):
        return [await _attempt_rank_only(reranker, part, execution, tolerant=tolerant) for part in parts]
    accounts = [Account(parent=part.account) for part in parts]
    started = time.monotonic()
    try:
        rankings = await reranker.rank_accounted([part.request for part in parts], accounts, execution)
    except (ConfigError, Cancelled):  # a mistake in the set-up, or nobody waits: not this request's bad luck
        raise
    except RankkitError as error:
        if not tolerant:
            raise
        seconds, name = time.monotonic() - started, name_of(reranker)
        # No step came back, but the accounts have the usage; a call that still runs is in it with its bound.
        lost = [Step(name, account.spent, seconds, account.questions) for account in accounts]
        if len(parts) == 1:
            return [StageOutcome(None, (replace(lost[0], failures=(words(error),)),), error)]
        again = [(await attempt(reranker, [part], execution))[0] for part in parts]
        return [_with_lost(one, step) for one, step in zip(again, lost, strict=True)]
    return [StageOutcome(ranking, ranking.steps or (Step(name_of(reranker), ranking.usage),)) for ranking in rankings]


def _with_lost(again: StageOutcome, lost: Step) -> StageOutcome:
    if not lost.usage.calls:
        return again
    return replace(again, steps=(replace(lost, notes={_ASKED_AGAIN: 1}), *again.steps))


async def _attempt_rank_only(
    reranker: Reranker, part: SubRequest, execution: Execution, *, tolerant: bool
) -> StageOutcome:
    name, account = name_of(reranker), part.account
    refused = account.refuses(Usage(calls=1))
    if refused:
        return StageOutcome(None, (Step(name, stopped=refused),))
    account.start()
    started = account.clock()
    ranking = await _rank_elsewhere(reranker, part.request, name, execution, account.seconds_left())
    seconds = account.clock() - started
    if ranking is None:
        return StageOutcome(None, (Step(name, seconds=seconds, stopped=account.refuses(Usage()) or "out of time"),))
    if isinstance(ranking, RankkitError):
        if not tolerant or isinstance(ranking, ConfigError):
            raise ranking
        return StageOutcome(None, (Step(name, seconds=seconds, failures=(words(ranking),)),), ranking)
    account.charge(ranking.usage)
    return StageOutcome(ranking, ranking.steps or (Step(name, ranking.usage, seconds),))


async def _rank_elsewhere(
    reranker: Reranker, request: Request, name: str, execution: Execution, seconds: float | None
) -> Ranking | RankkitError | None:
    """Its ranking or its error; ``None`` where it took longer than ``seconds``. On this very thread if nothing speaks
    against it, since other people's objects may belong to it.
    """
    work = Work(partial(_ranked, reranker, request, name))
    if seconds is None and not execution.on_loop:
        result = outcome_of(work, current())
        if isinstance(result, BaseException) and not isinstance(result, RankkitError):
            raise result
        return result
    async with execution.workers(1) as workers:
        workers.submit(name, work)
        ended: list[tuple[str, Ranking | RankkitError]] = await workers.collect(timeout=seconds)
        if not ended:
            workers.abandon(name)
            return None
    return ended[0][1]


def _ranked(reranker: Reranker, request: Request, name: str) -> Ranking:
    """The one place where the exceptions of other people's rerankers become rankkit's."""
    try:
        ranking = reranker.rank(request)
    except (RankkitError, ContractViolation):
        raise
    except Exception as error:
        raise BackendError(
            f"{name} failed with {type(error).__name__}: {error}", hint="The error is from that reranker's own code."
        ) from error
    if not isinstance(ranking, Ranking) or ranking.request.candidates != request.candidates:
        raise ContractViolation(f"{name} must return a Ranking of the request that it was given, not {ranking!r:.200}")
    return ranking


def plan_part(reranker: Reranker, part: SubRequest) -> Plan:
    """What an attempt would cost. Of an object that has only ``rank`` nothing is known."""
    if not isinstance(reranker, AccountedReranker):
        return Plan((StagePlan(name_of(reranker), 0, Usage(), 0, exact=False),))
    return reranker.plan_accounted(part.request, Account(parent=part.account))


def share_of(seconds: float, sharers: int) -> float:
    """An equal share of the time left, in whole milliseconds: people will read it."""
    return round(max(seconds, 0.0) / sharers, 3)


def name_of(reranker: Reranker) -> str:
    """How steps and pipelines call it: its ``repr`` where it has one of its own, else its type's name."""
    return type(reranker).__name__ if type(reranker).__repr__ is object.__repr__ else repr(reranker)


def words(error: RankkitError) -> str:
    return f"{type(error).__name__}: {error.message}"
