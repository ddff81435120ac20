"""Score every candidate and sort: the whole of the pointwise paradigm."""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.core.questions import Asking, Score, StrategyResult, Task


@dataclass(frozen=True, slots=True)
class ScoreAll:
    """One round of independent questions. Equal scores keep the first-stage order; unscored candidates follow."""

    name = "pointwise"
    adaptive = False

    def order(self, task: Task) -> Asking[Score, float]:
        scores: list[float | None] = []
        if task.n:
            answers = yield [Score(index) for index in range(task.n)]
            scores = [answer.value for answer in answers]
        order = tuple(sorted(range(task.n), key=lambda index: _badness(scores[index])))
        return StrategyResult(order, tuple(scores[index] for index in order))


def _badness(score: float | None) -> tuple[bool, float]:
    return (True, 0.0) if score is None else (False, -score)
