"""Rerankers in a row, cheap and wide first, expensive and narrow last; the row is a reranker too.

::

    cascade = cross_encoder.drop_after(20) >> duo.reorder_top(5).skip_if(MarginAbove(3.0))

What is found by a first stage (``rankkit.retrieval``) goes in; it is no stage itself.

Two ways to narrow, told apart by their verbs. ``drop_*`` (``drop_after``, ``drop_below``, ``drop_at_gap``) lets the
best of a stage's result go on and drops the tail, which is then in ``Ranking.dropped``. ``reorder_top(k)`` shows a
stage the best k of what comes in and keeps the tail behind them, as an evaluation at depth 100 needs it.

The stages of a ranking share one memo and one budget. A deadline is shared out: a stage may use an equal share of the
time that is left for it and the stages after it (and for its stand-in, if it has one), and what it leaves over is
theirs. With ``within(Budget(seconds=...))`` it has that time instead.

Scores are those of the last stage that gave any, each with its candidate: behind a listwise stage they need not fall.
A tail that this stage did not see has none, since scores of two models do not compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rankkit.attempts import Attempt, Part, attempt, plan_part
from rankkit.errors import ConfigError
from rankkit.fusion import Fusion
from rankkit.gates import Cut, DropAfter, Gate
from rankkit.plan import Plan
from rankkit.ranking import Ranking, Request, Step
from rankkit.reranker import BaseReranker, OnFailure, Reranker
from rankkit.runner import Account, OnProgress
from rankkit.stage import Stage
from rankkit.standing import Standing
from rankkit.usage import Budget

#: How a walk through the stages has a stage done: by running it, or by counting what it would cost.
_Perform = Callable[[Stage, Sequence[Part]], list[Attempt]]


@dataclass(frozen=True, repr=False)
class Cascade(BaseReranker):
    """Stages in a row. Cascades that say nothing about themselves are taken apart into their stages."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        flat: list[Stage] = []
        for stage in self.stages:
            flat += stage.reranker.stages if isinstance(stage.reranker, Cascade) and stage.bare else (stage,)
        if not flat:
            raise ConfigError("a cascade of no stages", hint="Give it at least one reranker.")
        object.__setattr__(self, "stages", tuple(flat))
        check_widths(self)

    @classmethod
    def of(cls, *rerankers: Reranker) -> Cascade:
        """``of(a, b)`` is ``a >> b``; of one reranker, a cascade of one stage."""
        return cls(tuple(Stage(reranker) for reranker in rerankers))

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.stages))

    def as_stage(
        self,
        *,
        top: int | None = None,
        gates: tuple[Gate, ...] = (),
        on_failure: OnFailure | Reranker | None = None,
        budget: Budget | None = None,
    ) -> Cascade:
        """Say something of all of this cascade as one stage; what is not given stays as it is, gates are added."""
        stage = self.stages[0] if len(self.stages) == 1 else Stage(self)
        changed = replace(
            stage,
            top=stage.top if top is None else top,
            gates=(*stage.gates, *gates),
            on_failure=stage.on_failure if on_failure is None else on_failure,
            budget=budget or stage.budget,
        )
        return Cascade((changed,))

    def dropping(self, cut: Cut) -> Cascade:
        """Add a cut behind the last stage."""
        last = self.stages[-1]
        return Cascade((*self.stages[:-1], replace(last, cuts=(*last.cuts, cut))))

    def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], progress: OnProgress | None
    ) -> list[Ranking]:
        """Each stage has its questions about all requests batched together; but requests with a deadline come one
        by one, so that none waits for the others while its clock runs.
        """
        if len(requests) > 1 and any(account.seconds_left() is not None for account in accounts):
            pairs = zip(requests, accounts, strict=True)
            return [self.rank_accounted([request], [account], progress)[0] for request, account in pairs]

        def perform(stage: Stage, parts: Sequence[Part]) -> list[Attempt]:
            return attempt(stage.reranker, parts, progress, tolerant=stage.on_failure != "raise")

        standings = [Standing(request, account) for request, account in zip(requests, accounts, strict=True)]
        self._walk(standings, perform)
        return [standing.ranking() for standing in standings]

    def plan_accounted(self, request: Request, account: Account) -> Plan:
        """The stages' plans, one after the other: as many candidates as a stage would get, in first-stage order.

        Questions, calls and rounds depend on how many candidates reach a stage; its tokens on which, so it is exact
        only if all do. Gates are assumed to let everything through unless they only count, score cuts to drop nothing,
        and nothing to fail.
        """
        return Plan(tuple(self._count(request, account).planned))

    def _count(self, request: Request, account: Account) -> Standing:
        standing = Standing(request, account)
        self._walk([standing], _count_parts)
        return standing

    def _walk(self, standings: Sequence[Standing], perform: _Perform) -> None:
        """The one way through the stages, for a run and for a plan."""
        for at, stage in enumerate(self.stages):
            sharers = len(self.stages) - at + (stage.stand_in is not None)
            _pass(stage, standings, sharers, perform)
            for standing in standings:
                for cut in stage.cuts:
                    standing.cut(cut)


def _pass(stage: Stage, standings: Sequence[Standing], sharers: int, perform: _Perform) -> None:
    """Bring each request through a stage, or past it, up to its cuts."""
    going: list[tuple[Standing, Part, list[str]]] = []
    for standing in standings:
        standing.scored = False
        seconds = standing.seconds(stage, sharers)
        situation = standing.situation(stage, seconds)
        reason = stage.easy(situation)
        if reason:
            standing.skip(stage, reason)
        else:
            notes = [f"{gate!r} had no scores" for gate in stage.blind(situation)]
            going.append((standing, standing.part(stage, seconds), notes))
    troubled: list[Standing] = []
    tries = perform(stage, [part for _, part, _ in going]) if going else []
    for (standing, _, notes), tried in zip(going, tries, strict=True):
        standing.tell(stage, tried, notes)
        if not tried.trouble or (stage.on_failure == "partial" and tried.ranking is not None):
            if tried.ranking is not None:
                standing.adopt(tried.ranking)
        elif stage.on_failure == "raise":
            tried.raise_trouble(stage.name)
        else:
            troubled.append(standing)
    if stage.stand_in is not None and troubled:
        _stand_in(stage, stage.stand_in, troubled, sharers - 1, perform)


def _stand_in(stage: Stage, other: Reranker, standings: Sequence[Standing], sharers: int, perform: _Perform) -> None:
    """Run ``other`` where the stage failed. Where it fails as well, the order before the stage stays."""
    parts = [standing.part_for_stand_in(stage, sharers) for standing in standings]
    for standing, tried in zip(standings, perform(Stage(other), parts), strict=True):
        standing.tell(stage, tried, [f"in place of {stage.name}"])
        if tried.ranking is not None and not tried.trouble:
            standing.adopt(tried.ranking)


def _count_parts(stage: Stage, parts: Sequence[Part]) -> list[Attempt]:
    """Plan a stage as if its answers said that the order it gets is right."""
    return [_counted(stage.reranker, part) for part in parts]


def _counted(reranker: Reranker, part: Part) -> Attempt:
    if isinstance(reranker, Cascade):  # which may drop candidates
        standing = reranker._count(part.request, part.account)
        return Attempt(standing.ranking(), tuple(standing.steps), planned=tuple(standing.planned))
    planned = plan_part(reranker, part).stages
    ranking = Ranking(part.request, tuple(range(len(part.request))))
    return Attempt(ranking, tuple(Step(plan.stage, plan.usage) for plan in planned), planned=planned)


def check_widths(reranker: Reranker, width: int | None = None) -> None:
    """Refuse a stage that looks at, or keeps, more candidates than reach it: ``width`` of them, or any number.

    A stage may be skipped or fail, so only its own cuts count behind it, not those inside it.

    Raises:
        ConfigError: names the stage; also of one inside a stage, a fusion or a stand-in.
    """
    if isinstance(reranker, Fusion):
        for member in reranker.members:
            check_widths(member, width)
    for stage in reranker.stages if isinstance(reranker, Cascade) else ():
        _check_most(stage, "reorders the top", stage.top, width)
        seen = width if stage.top is None else stage.top
        for inside in (stage.reranker, stage.stand_in):
            if inside is not None:
                check_widths(inside, seen)
        for cut in stage.cuts:
            if isinstance(cut, DropAfter):
                _check_most(stage, "keeps", cut.k, width)
                width = cut.k


def _check_most(stage: Stage, words: str, wanted: int | None, width: int | None) -> None:
    if width is not None and wanted is not None and wanted > width:
        raise ConfigError(
            f"{stage!r} {words} {wanted}, but only {width} candidates reach it",
            hint=f"Give it {width} or fewer, or let what comes before it keep more.",
        )
