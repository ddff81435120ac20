"""Rerankers in a row, cheap and wide first, expensive and narrow last; the row is a reranker too.

::

    cascade = cross_encoder.drop_after(20) >> duo.reorder_top(5).skip_if(MarginAbove(3.0))

What is found by a first stage (``rankkit.retrieval``) goes in; it is no stage itself.

Two ways to narrow, with verbs of their own. ``drop_*`` (``drop_after``, ``drop_below``, ``drop_at_gap``) lets the
best of a stage's result go on and drops the tail, which is then in ``Ranking.dropped``. ``reorder_top(k)`` shows a
stage the best k of what comes in and keeps the tail behind them, as an evaluation at depth 100 needs it.

The stages of a ranking share one memo and one budget. A deadline is shared out: a stage may use an equal share of the
time that is left for it and the stages after it (and for its fallback, if it has one), and what it leaves over is
theirs. With ``with_budget(Budget(seconds=...))`` it has that time instead.

Scores are those of the last stage that gave any, each with its candidate: behind a listwise stage they need not fall.
A tail that this stage did not see has none, since scores of two models do not compare.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from rankkit.core.budgeting import Account
from rankkit.core.events import logger
from rankkit.core.execution import Execution
from rankkit.core.gates import Cut, DropAfter, DropAtGap, DropBelow, Gate
from rankkit.core.plan import Plan
from rankkit.core.ranking import Ranking, Request, ScoreKind, Step
from rankkit.core.relevance import keep_relevant
from rankkit.core.reranker import AccountedReranker, Reranker, children_of
from rankkit.core.step import HAD_NO_SCORES
from rankkit.core.usage import Budget
from rankkit.core.workers import drive
from rankkit.errors import ConfigError
from rankkit.pipeline.cascade_state import CascadeState
from rankkit.pipeline.parts import StageOutcome, SubRequest, attempt, name_of, plan_part
from rankkit.pipeline.stage import OnFailure, Stage

#: How a walk through the stages has a stage done: by running it, or by counting what it would cost.
_Perform = Callable[[Stage, Sequence[SubRequest]], Awaitable[list[StageOutcome]]]


class BaseReranker(AccountedReranker):
    """A reranker that can be put together with others to a ``Cascade``, cheap and wide first, expensive and narrow
    last. Subclasses write ``rank_accounted``, for many requests at once, and ``plan_accounted``.

    ::

        cross_encoder.drop_after(20) >> duo.drop_after(5)     # 5 candidates come out
        cross_encoder >> duo.reorder_top(20)                  # all come out, the best 20 in duo's order
    """

    def __rshift__(self, other: Reranker) -> Cascade:
        """``self >> other``: what comes out of ``self`` goes into ``other``."""
        return Cascade.of(self, other)

    def __rrshift__(self, other: Reranker) -> Cascade:
        """``other >> self`` where ``other`` has only ``rank``."""
        return Cascade.of(other, self)

    def reorder_top(self, k: int) -> Cascade:
        """Look at the best ``k`` of what comes in only; the tail stays behind them, in its order."""
        return Cascade.of(self).as_stage(top=k)

    def drop_after(self, k: int) -> Cascade:
        """Only the best ``k`` go on, whatever happened in the stage; the others are in ``Ranking.dropped``."""
        return Cascade.of(self).dropping(DropAfter(k))

    def drop_below(self, score: float) -> Cascade:
        """Only those scored ``score`` or more go on (in the unit of this reranker's scores)."""
        return Cascade.of(self).dropping(DropBelow(score))

    def keep_if(self, at_least: float = 0.5) -> Cascade:
        """Only those go on that are relevant with a probability of ``at_least`` so much, perhaps none. The ``Step``
        says whose probability that is, and whether it was ever calibrated.

        Raises:
            ConfigError: its scores say no probability of relevance (logits, similarities, wins), or there are none.
        """
        return Cascade.of(self).dropping(keep_relevant(self, at_least))

    def drop_at_gap(self, *, least: int = 1) -> Cascade:
        """Only those before the largest drop in score go on, at least ``least`` of them."""
        return Cascade.of(self).dropping(DropAtGap(least))

    def skip_if(self, *gates: Gate) -> Cascade:
        """Do not run where one of the gates finds it not worth it; the order that stands goes on"""
        return Cascade.of(self).as_stage(gates=gates)

    def on_failure(self, policy: OnFailure | Reranker) -> Cascade:
        """What follows an error, a timeout or an exhausted budget; the ``Step`` says so in every case.

        ``"keep"`` the order before the stage (which is what a cascade does if nothing else is said); ``"partial"``
        takes what the stage had come to when its budget or time ran out; ``"raise"`` the error (``BudgetExhausted``
        for a limit); or another reranker, to be run instead.
        """
        return Cascade.of(self).as_stage(on_failure=policy)

    def with_budget(self, budget: Budget) -> Cascade:
        """Keep this stage within limits of its own, for each request, beside those of the whole ranking."""
        return Cascade.of(self).as_stage(budget=budget)

    def with_instruction(self, instruction: str) -> Cascade:
        """What counts beside the query, for requests that do not say so themselves. An empty one leaves theirs out:
        for a stage that cannot follow instructions, before one that can.
        """
        return Cascade.of(self).as_stage(instruction=instruction)


@dataclass(frozen=True, repr=False)
class Cascade(BaseReranker):
    """Stages in a row. Cascades that say nothing about themselves are taken apart into their stages."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        flat: list[Stage] = []
        for stage in self.stages:
            flat += stage.reranker.stages if isinstance(stage.reranker, Cascade) and stage.is_plain else (stage,)
        if not flat:
            raise ConfigError("a cascade of no stages", hint="Give it at least one reranker.")
        object.__setattr__(self, "stages", tuple(flat))
        object.__setattr__(self, "leaves_scores", _leave_scores(children_of(self)))
        check_widths(self)

    def children(self) -> tuple[Reranker, ...]:
        """Each stage's reranker, and behind it its fallback, if it has one."""
        inside = ((stage.reranker, stage.fallback) for stage in self.stages)
        return tuple(reranker for pair in inside for reranker in pair if reranker is not None)

    @property
    def score_kind(self) -> ScoreKind | None:
        """That of its last stage, if its fallback's is the same."""
        last = self.stages[-1]
        kinds = {getattr(one, "score_kind", None) for one in (last.reranker, last.fallback) if one is not None}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def zero_to_one(self) -> bool:
        last = self.stages[-1]
        return all(getattr(one, "zero_to_one", False) for one in (last.reranker, last.fallback) if one is not None)

    def refuses_instruction(self) -> str:
        return next(filter(None, (stage.refuses_instruction(given=True) for stage in self.stages)), "")

    def planned_children(self) -> tuple[Reranker, ...]:
        """Without the fallbacks."""
        return tuple(stage.reranker for stage in self.stages)

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
        instruction: str | None = None,
    ) -> Cascade:
        """Say something of all of this cascade as one stage; what is not given stays as it is, gates are added."""
        stage = self.stages[0] if len(self.stages) == 1 else Stage(self)
        changed = replace(
            stage,
            top=stage.top if top is None else top,
            gates=(*stage.gates, *gates),
            on_failure=stage.on_failure if on_failure is None else on_failure,
            budget=budget or stage.budget,
            instruction=stage.instruction if instruction is None else instruction,
        )
        return Cascade((changed,))

    def dropping(self, cut: Cut) -> Cascade:
        """Add a cut behind the last stage."""
        last = self.stages[-1]
        return Cascade((*self.stages[:-1], replace(last, cuts=(*last.cuts, cut))))

    async def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], execution: Execution
    ) -> list[Ranking]:
        """Each stage has its questions about all requests batched together; but requests with a deadline come one
        by one, so that none waits for the others while its clock runs.
        """
        if len(requests) > 1 and any(account.seconds_left() is not None for account in accounts):
            pairs = zip(requests, accounts, strict=True)
            return [(await self.rank_accounted([request], [account], execution))[0] for request, account in pairs]

        async def perform(stage: Stage, parts: Sequence[SubRequest]) -> list[StageOutcome]:
            return await attempt(stage.reranker, parts, execution, tolerant=stage.on_failure != "raise")

        states = [CascadeState(request, account) for request, account in zip(requests, accounts, strict=True)]
        await self._walk(states, perform)
        return [state.ranking() for state in states]

    def plan_accounted(self, request: Request, account: Account) -> Plan:
        """The stages' plans, one after the other: as many candidates as a stage would get, in first-stage order.

        Questions, calls and rounds depend on how many candidates reach a stage; its tokens on which, so it is exact
        only if all do. Gates are assumed to let everything through unless they only count, score cuts to drop nothing,
        and nothing to fail.
        """
        return Plan(tuple(self._count(request, account).planned))

    def _count(self, request: Request, account: Account) -> CascadeState:
        state = CascadeState(request, account)
        drive(self._walk([state], _count_parts))
        return state

    async def _walk(self, states: Sequence[CascadeState], perform: _Perform) -> None:
        """The one way through the stages, for a run and for a plan."""
        for at, stage in enumerate(self.stages):
            sharers = len(self.stages) - at + (stage.fallback is not None)
            await _pass(stage, states, sharers, perform)
            for state in states:
                for cut in stage.cuts:
                    state.cut(cut)
                state.leave()


def _leave_scores(rerankers: Sequence[Reranker]) -> bool | None:
    """Whether candidates come out with scores of one of them, where that is known."""
    known = {getattr(reranker, "leaves_scores", None) for reranker in rerankers}
    return True if True in known else None if None in known else False


async def _pass(stage: Stage, states: Sequence[CascadeState], sharers: int, perform: _Perform) -> None:
    """Bring each request through a stage, or past it, up to its cuts."""
    going: list[tuple[CascadeState, SubRequest, list[str]]] = []
    for state in states:
        state.scored = False
        seconds = state.seconds(stage, sharers)
        situation = state.situation(stage, seconds)
        reason = stage.skip_reason(situation)
        if reason:
            state.skip(stage, reason)
        else:
            notes = [f"{gate!r}{HAD_NO_SCORES}" for gate in stage.gates_without_scores(situation)]
            going.append((state, state.part(stage, seconds), notes))
    troubled: list[CascadeState] = []
    tries = await perform(stage, [part for _, part, _ in going]) if going else []
    for (state, _, notes), tried in zip(going, tries, strict=True):
        state.record_steps(stage, tried, notes)
        if not tried.trouble or (stage.on_failure == "partial" and tried.ranking is not None):
            if tried.trouble:
                _warn(stage, state, "what it had come to is used")
            if tried.ranking is not None:
                state.apply_ranking(tried.ranking, stage.name)
        elif stage.on_failure == "raise":
            tried.raise_trouble(stage.name)
        else:
            troubled.append(state)
            _warn(stage, state, "its fallback runs" if stage.fallback else "the order before it stands")
    if stage.fallback is not None and troubled:
        await _run_fallback(stage, stage.fallback, troubled, sharers - 1, perform)


def _warn(stage: Stage, state: CascadeState, what: str) -> None:
    # Without the errors' own words, which may quote a server, and a server a document.
    kinds = ", ".join(dict.fromkeys(step.trouble for step in state.steps[-1:] if step.trouble)) or "no answer"
    logger.warning("stage %s failed, query %s (%s): %s", stage.name, state.request.query.id or "-", kinds, what)


async def _run_fallback(
    stage: Stage, other: Reranker, states: Sequence[CascadeState], sharers: int, perform: _Perform
) -> None:
    """Run ``other`` where the stage failed. Where it fails as well, the order before the stage stays."""
    parts = [state.part_for_fallback(stage, sharers) for state in states]
    for state, tried in zip(states, await perform(Stage(other), parts), strict=True):
        state.record_steps(stage, tried, [f"in place of {stage.name}"])
        if tried.ranking is not None and not tried.trouble:
            state.apply_ranking(tried.ranking, name_of(other))


async def _count_parts(stage: Stage, parts: Sequence[SubRequest]) -> list[StageOutcome]:
    """Plan a stage as if its answers said that the order it gets is right."""
    return [_counted(stage.reranker, part) for part in parts]


def _counted(reranker: Reranker, part: SubRequest) -> StageOutcome:
    if isinstance(reranker, Cascade):  # which may drop candidates
        state = reranker._count(part.request, part.account)
        return StageOutcome(state.ranking(), tuple(state.steps), planned=tuple(state.planned))
    planned = plan_part(reranker, part).stages
    ranking = Ranking(part.request, tuple(range(len(part.request))))
    return StageOutcome(ranking, tuple(Step(plan.stage, plan.usage) for plan in planned), planned=planned)


def check_widths(reranker: Reranker, width: int | None = None) -> None:
    """Refuse a stage that looks at, or keeps, more candidates than reach it: ``width`` of them, or any number.

    A stage may be skipped or fail, so only its own cuts count behind it, not those inside it.

    Raises:
        ConfigError: names the stage; also of one inside a stage, a fusion or a fallback.
    """
    if not isinstance(reranker, Cascade):
        for child in children_of(reranker):
            check_widths(child, width)
        return
    for stage in reranker.stages:
        _check_most(stage, "reorders the top", stage.top, width)
        seen = width if stage.top is None else stage.top
        for inside in (stage.reranker, stage.fallback):
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
