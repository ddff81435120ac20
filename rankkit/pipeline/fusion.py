"""Several rerankers side by side, their results made one.

::

    fuse(cross_encoder, language_model)                                        # reciprocal ranks
    fuse(small, large, method="scores", weights=[0.3, 0.7], normalise="zscore")  # of two models that score

``"rrf"`` adds up 1 / (k + rank): Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
individual Rank Learning Methods", SIGIR 2009, with their k = 60. ``"weighted"`` adds up ranks, as shares of the list
(1 for the first, 1 / n for the last). ``"scores"`` adds up the members' scores, made comparable by ``normalise``.
Weights multiply a member's part in each of them. Equal sums keep the first-stage order.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, runtime_checkable

from rankkit.core.budgeting import Account
from rankkit.core.execution import Execution, OnProgress, Progress
from rankkit.core.plan import Plan
from rankkit.core.ranking import Ranking, Request, ScoreKind
from rankkit.core.reranker import AccountedReranker, Reranker
from rankkit.core.usage import Budget, Usage
from rankkit.core.workers import Work, drive
from rankkit.errors import ConfigError, RankkitError, nearest
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pipeline.parts import StageOutcome, SubRequest, attempt, name_of, plan_part, share_of

T = TypeVar("T")

Method = Literal["rrf", "weighted", "scores"]
Normalise = Literal["minmax", "zscore", "rank"]

#: What becomes of a member that fails: it is left out, the others are fused; or its error ends the ranking.
OnMemberFailure = Literal["leave_out", "raise"]


@runtime_checkable
class _Waits(Protocol):
    """A judge that knows whether its calls wait for a server: this machine has nothing to do meanwhile."""

    @property
    def waits(self) -> bool: ...


def _waits(judge: object) -> bool:
    return isinstance(judge, _Waits) and judge.waits


def fuse(
    *members: Reranker,
    method: Method = "rrf",
    weights: Sequence[float] | None = None,
    normalise: Normalise = "minmax",
    k: int = 60,
    on_member_failure: OnMemberFailure = "leave_out",
) -> Fusion:
    """Rerankers that each rank all candidates, as one (see the module). One weight a member; 1 each if not given."""
    given = tuple(float(weight) for weight in weights) if weights is not None else (1.0,) * len(members)
    return Fusion(members, method, given, normalise, k, on_member_failure)


@dataclass(frozen=True, repr=False)
class Fusion(BaseReranker):
    """What ``fuse`` makes. Members run one after the other, on one budget and memo; a deadline is shared out to them.
    Two or more that wait for servers run side by side, but only where nothing except a clock shows the difference:
    without any limit, and with judges of their own (see ``_waiting``).

    A member that fails (an error, a limit, nothing but failed questions) has no part in the sum, and its ``Step``
    says why; where all fail, the first-stage order stands, without scores. A candidate that no member kept is
    dropped; one that some members dropped or did not score gets nothing from these, or as little as their worst.
    """

    leaves_scores: ClassVar[bool | None] = True
    members: tuple[Reranker, ...]
    method: Method
    weights: tuple[float, ...]
    normalise: Normalise = "minmax"
    k: int = 60
    on_member_failure: OnMemberFailure = "leave_out"

    def __post_init__(self) -> None:
        if not self.members:
            raise ConfigError("a fusion of no rerankers", hint="Give it at least one.")
        for member in self.members:
            if not isinstance(member, Reranker):
                raise ConfigError(f"{member!r:.80} is no reranker", hint="Give any object with rank(request).")
        _one_of("method", self.method, get_args(Method))
        _one_of("normalise", self.normalise, get_args(Normalise))
        _one_of("on_member_failure", self.on_member_failure, get_args(OnMemberFailure))
        if len(self.weights) != len(self.members):
            raise ConfigError(f"{len(self.weights)} weights for {len(self.members)} rerankers", hint="Give one each.")
        if not all(math.isfinite(weight) and weight >= 0 for weight in self.weights) or not any(self.weights):
            raise ConfigError(f"weights are {self.weights}", hint="Give numbers of 0 or more, one of them above 0.")
        if self.k < 0:
            raise ConfigError(f"k is {self.k}", hint="Give 0 or more; 60 is the paper's.")

    def __repr__(self) -> str:
        words = [name_of(member) for member in self.members]
        words += [f"method={self.method!r}"] if self.method != "rrf" else []
        words += [f"weights={self.weights}"] if set(self.weights) != {1.0} else []
        words += [f"normalise={self.normalise!r}"] if self.method == "scores" else []
        words += [f"k={self.k}"] if self.method == "rrf" and self.k != 60 else []
        words += [f"on_member_failure={self.on_member_failure!r}"] if self.on_member_failure != "leave_out" else []
        return f"fuse({', '.join(words)})"

    def children(self) -> tuple[Reranker, ...]:
        return self.members

    async def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], execution: Execution
    ) -> list[Ranking]:
        """Each member has its questions about all requests batched together; requests with a deadline go one by one."""
        if len(requests) > 1 and any(account.seconds_left() is not None for account in accounts):
            pairs = zip(requests, accounts, strict=True)
            return [(await self.rank_accounted([request], [account], execution))[0] for request, account in pairs]
        waiting = [] if any(account.limited for account in accounts) else self._waiting()
        if waiting:
            execution = replace(execution, progress=_one_at_a_time(execution.progress))
        ranked: dict[int, list[StageOutcome] | RankkitError] = {}
        async with execution.workers(len(waiting)) as workers:
            for at in waiting:
                ranks = partial(self._ranked, at, requests, accounts, execution)
                workers.submit(at, Work(partial(_driven, ranks), ranks))
            for at in range(len(self.members)):
                if at not in waiting:
                    ranked[at] = outcome = await self._ranked(at, requests, accounts, execution)
                    if isinstance(outcome, RankkitError):
                        break
            while workers.running:  # after an error too: nothing is left running behind the caller's back
                ranked |= await workers.collect(None)
        by_member = [_or_raised(ranked[at]) for at in sorted(ranked)]
        each = zip(*by_member, strict=True) if requests else ()
        return [self._fused(request, tries) for request, tries in zip(requests, each, strict=True)]

    async def _ranked(
        self, at: int, requests: Sequence[Request], accounts: Sequence[Account], execution: Execution
    ) -> list[StageOutcome] | RankkitError:
        """What came of one member and each request, or the error that ends the ranking."""
        member, tolerant = self.members[at], self.on_member_failure != "raise"
        try:
            tries = await attempt(member, self._parts(at, requests, accounts), execution, tolerant=tolerant)
            if not tolerant:
                for tried in tries:
                    tried.raise_trouble(name_of(member))
        except RankkitError as error:
            return error
        return tries

    def _waiting(self) -> list[int]:
        """The members that can run side by side, if there are two or more.

        They must not meet in the memo, or what is paid would depend on who comes first: so no member may hold judges
        unseen (a cascade), and no other member's judge may give the same answers. One whose replies are recorded
        keeps its turn, so that the record's order is always the same.
        """
        judged = {at: member for at, member in enumerate(self.members) if isinstance(member, JudgeReranker)}
        if any(isinstance(member, AccountedReranker) for at, member in enumerate(self.members) if at not in judged):
            return []
        keys = {at: frozenset(member.judge.fingerprints.items()) for at, member in judged.items()}
        alone = [at for at, key in keys.items() if list(keys.values()).count(key) == 1]
        able = [at for at in alone if _waits(judged[at].judge) and judged[at].on_reply is None]
        return able if len(able) > 1 else []

    def plan_accounted(self, request: Request, account: Account) -> Plan:
        """The members' plans, one after the other."""
        plans = [plan_part(member, self._parts(at, [request], [account])[0]) for at, member in enumerate(self.members)]
        return Plan(tuple(stage for plan in plans for stage in plan.stages))

    def _parts(self, at: int, requests: Sequence[Request], accounts: Sequence[Account]) -> list[SubRequest]:
        parts = []
        for request, account in zip(requests, accounts, strict=True):
            left = account.seconds_left()
            share = None if left is None else share_of(left, len(self.members) - at)
            parts.append(SubRequest.of(request, account, range(len(request)), Budget(seconds=share)))
        return parts

    def _fused(self, request: Request, tries: Sequence[StageOutcome]) -> Ranking:
        """One request's rankings made one."""
        steps = tuple(step for tried in tries for step in tried.steps)
        usage = sum((step.usage for step in steps), Usage())
        everybody = tuple(range(len(request)))
        useful = [
            (tried.ranking, weight, name_of(member))
            for tried, weight, member in zip(tries, self.weights, self.members, strict=True)
            if tried.ranking is not None and not tried.trouble
        ]
        if not useful:
            return Ranking(request, everybody, usage=usage, steps=steps)
        shares = [
            {place: weight * worth for place, worth in self._worths(ranking, name).items()}
            for ranking, weight, name in useful
        ]
        sums = {place: math.fsum(share.get(place, 0.0) for share in shares) for place in everybody}
        kept = {place for ranking, _, _ in useful for place in ranking.order}
        order = tuple(sorted(kept, key=lambda place: (-sums[place], place)))
        scores = tuple(sums[place] for place in order)
        dropped = tuple(place for place in everybody if place not in kept)
        return Ranking(request, order, scores, ScoreKind.FUSED, usage, steps, dropped)

    def _worths(self, ranking: Ranking, name: str) -> Mapping[int, float]:
        """What a member thinks of each candidate, by position."""
        if self.method == "rrf":
            return {row.index: 1.0 / (self.k + row.rank) for row in ranking}
        if self.method == "weighted" or self.normalise == "rank":
            return {row.index: (len(ranking) + 1 - row.rank) / len(ranking) for row in ranking}
        own = () if ranking.scores_from else ranking  # those of an earlier stage are not what this order says
        scores = {row.index: row.score for row in own if row.score is not None}
        if not scores:
            if not len(ranking):
                return {}
            raise ConfigError(
                f"{name} gave no scores, so there are none to fuse",
                hint='Listwise methods give an order only: use method="rrf", "weighted", or normalise="rank".',
            )
        normal = dict(zip(scores, normalised(list(scores.values()), self.normalise), strict=True))
        worst = 0.0 if self.normalise == "minmax" else min(normal.values())
        return {place: normal.get(place, worst) for place in range(len(ranking.request))}


def _driven(ranks: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The same on a thread."""
    return drive(ranks())


def _one_at_a_time(progress: OnProgress | None) -> OnProgress | None:
    """A listener that several threads call, but never two at once."""
    if progress is None:
        return None
    lock = threading.Lock()

    def pass_on(event: Progress) -> None:
        with lock:
            progress(event)

    return pass_on


def _or_raised(tries: list[StageOutcome] | RankkitError) -> list[StageOutcome]:
    if isinstance(tries, RankkitError):
        raise tries
    return tries


def normalised(scores: Sequence[float], how: Literal["minmax", "zscore"]) -> list[float]:
    """Scores of one query on a scale that others share. Finite in, finite out.

    ``"minmax"`` puts them between 0 (the worst) and 1 (the best); where all are equal, a single one included, each is
    the best: 1. ``"zscore"`` counts standard deviations from their mean; where all are equal, 0.
    """
    max_group_size = max(map(abs, scores), default=0.0) or 1.0
    scaled = [score / max_group_size for score in scores]  # differences and squares of huge scores would be infinite
    if how == "minmax":
        low, high = min(scaled, default=0.0), max(scaled, default=0.0)
        return [(score - low) / (high - low) if high > low else 1.0 for score in scaled]
    mean = math.fsum(scaled) / max(1, len(scaled))
    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scaled) / max(1, len(scaled)))
    if min(scaled, default=0.0) == max(scaled, default=0.0) or not deviation:
        return [0.0] * len(scaled)
    return [(score - mean) / deviation for score in scaled]


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}", hint=nearest(str(value), allowed))
