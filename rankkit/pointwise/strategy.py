"""Score every candidate and sort: the whole of the pointwise paradigm."""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.core.questions import Asking, Score, StrategyResult, Task
from rankkit.core.ranking import ScoreKind
from rankkit.judging.probability_maps import ProbabilityMap


@dataclass(frozen=True, slots=True)
class ScoreAll:
    """One round of independent questions. Equal scores keep the first-stage order; unscored candidates follow.

    With ``calibrated``, scores are the probabilities that it makes of the judge's own; these still make the order, also
    where probabilities are equal.
    """

    name = "pointwise"
    adaptive = False

    calibrated: ProbabilityMap | None = None

    def order(self, task: Task) -> Asking[Score, float]:
        scores: list[float | None] = []
        if task.n:
            answers = yield [Score(index) for index in range(task.n)]
            scores = [answer.value for answer in answers]
        order = tuple(sorted(range(task.n), key=lambda index: _badness(scores[index])))
        raw = tuple(scores[index] for index in order)
        if self.calibrated is None:
            return StrategyResult(order, raw)
        made = tuple(None if score is None else self.calibrated.probability(score) for score in raw)
        return StrategyResult(order, made, ScoreKind.CALIBRATED if made else None, raw_scores=raw)

    def kind_of(self, judges: ScoreKind | None) -> ScoreKind | None:
        """What the scores mean, of a judge whose own are of this kind."""
        return judges if self.calibrated is None else ScoreKind.CALIBRATED


def _badness(score: float | None) -> tuple[bool, float]:
    return (True, 0.0) if score is None else (False, -score)
