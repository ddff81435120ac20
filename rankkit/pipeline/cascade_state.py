"""Where one request stands between two stages of a cascade."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rankkit.core.budgeting import Account
from rankkit.core.gates import Cut, KeepRelevant, Situation
from rankkit.core.plan import StagePlan
from rankkit.core.ranking import Ranking, Request, ScoreKind, Step
from rankkit.core.step import HAD_NO_SCORES
from rankkit.core.usage import Budget, Usage
from rankkit.pipeline.parts import StageOutcome, SubRequest, share_of
from rankkit.pipeline.stage import Stage


@dataclass(slots=True)
class CascadeState:
    """The order so far, as positions in the request, and how it came about.

    ``scores`` are by position; ``kind`` is theirs. ``known`` holds as long as the order does not depend on an answer,
    so that a plan knows which candidates a stage will see; ``counted`` as long as it knows how many.
    """

    request: Request
    account: Account
    order: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    scores: dict[int, float] = field(default_factory=dict)
    kind: ScoreKind | None = None
    steps: list[Step] = field(default_factory=list)
    planned: list[StagePlan] = field(default_factory=list)
    known: bool = True
    counted: bool = True
    scored: bool = False
    scorer: str = ""
    scores_from: str = ""

    def __post_init__(self) -> None:
        self.order = list(range(len(self.request)))

    # -- before a stage

    def situation(self, stage: Stage, seconds: float | None) -> Situation:
        head = self.order[: stage.top]
        own: Mapping[int, float | None] = {place: self.request.candidates[place].score for place in head}
        found = [(self.scores or own).get(place) for place in head]
        numbers = [score for score in found if score is not None and math.isfinite(score)]
        return Situation(len(head), tuple(sorted(numbers, reverse=True)), seconds)

    def seconds(self, stage: Stage, sharers: int) -> float | None:
        """How long the stage may take: its own limit, or an equal share of what is left of the deadline."""
        left = self.account.seconds_left()
        own = stage.budget.seconds
        if left is None:
            return own
        return share_of(left, sharers) if own is None else min(own, max(left, 0.0))

    def part(self, stage: Stage, seconds: float | None) -> SubRequest:
        return SubRequest.of(
            self.request,
            self.account,
            self.order[: stage.top],
            replace(stage.budget, seconds=seconds),
            stage.instruction,
        )

    def part_for_fallback(self, stage: Stage, sharers: int) -> SubRequest:
        left = self.account.seconds_left()
        budget = Budget(seconds=None if left is None else share_of(left, sharers))
        return SubRequest.of(self.request, self.account, self.order[: stage.top], budget, stage.instruction)

    # -- after it

    def skip(self, stage: Stage, reason: str) -> None:
        self.steps.append(Step(stage.name, skipped=reason))
        exact = self.counted and all(gate.certain for gate in stage.gates)
        self.planned.append(StagePlan(stage.name, 0, Usage(), 0, exact, 0 if exact else None))

    def record_steps(self, stage: Stage, tried: StageOutcome, notes: Sequence[str] = ()) -> None:
        """Write down what the attempt has to say of itself, whatever becomes of its result."""
        self.steps += tried.steps
        for note in notes:
            self.note(note)
        seen = len(self.order[: stage.top])
        certain = all(gate.certain for gate in stage.gates)
        exact = certain and self.counted and (self.known or seen == len(self.request))
        self.planned += (plan if exact else plan.inexact() for plan in tried.planned)
        self.known = False

    def note(self, words: str, count: int = 1) -> None:
        last = self.steps.pop()
        self.steps.append(replace(last, notes={**last.notes, words: last.notes.get(words, 0) + count}))

    def apply_ranking(self, ranking: Ranking, stage: str) -> None:
        """Take over the order of the candidates that the stage has seen, and its scores if it gave any."""
        seen = len(ranking.request)
        head, tail = self.order[:seen], self.order[seen:]
        self.order = [*(head[index] for index in ranking.order), *tail]
        self.dropped = [*(head[index] for index in ranking.dropped), *self.dropped]
        given = {row.index: row.score for row in ranking if row.score is not None}
        if given:
            self.scores = {head[index]: score for index, score in given.items()}
            self.kind = ranking.score_kind
            self.scorer, self.scores_from = stage, ranking.scores_from
            self.scored = not ranking.scores_from
        elif self.scores and len(ranking):
            self.scores_from = self.scores_from or self.scorer

    def cut(self, cut: Cut) -> None:
        """Let the cut drop its tail. By scores it may only if the last stage gave some: its bound is in their unit."""
        if cut.needs_scores:
            self.counted = False
            if not self.scored:
                if self.order and self.steps:
                    self.note(f"{cut!r}{HAD_NO_SCORES}")
                return
        found = [self.scores.get(place) for place in self.order]
        places = cut.kept(found)
        if isinstance(cut, KeepRelevant) and self.order and self.steps:
            self.note(cut.note, len(places))
            if unscored := found.count(None):
                self.note("documents without a score, not kept", unscored)
        kept = [self.order[place] for place in places]
        inside = set(kept)
        gone = [place for place in self.order if place not in inside]
        if gone and cut.needs_scores:
            self.note(f"dropped by {cut!r}", len(gone))
        self.order, self.dropped = kept, [*gone, *self.dropped]

    def leave(self) -> None:
        """The stage and its cuts are done: its last step keeps the order that it leaves behind."""
        if self.steps:
            ids = tuple(self.request.candidates[place].id for place in self.order)
            scores = tuple(self.scores.get(place) for place in self.order) if self.scored else None
            self.steps[-1] = replace(self.steps[-1], order=ids, scores=scores)

    def ranking(self) -> Ranking:
        scores = tuple(self.scores.get(place) for place in self.order) if self.scores else None
        usage = sum((step.usage for step in self.steps), Usage())
        kind = None if scores is None else self.kind
        carried = self.scores_from if scores is not None else ""
        steps, dropped = tuple(self.steps), tuple(self.dropped)
        return Ranking(self.request, tuple(self.order), scores, kind, usage, steps, dropped, carried)
