"""Strengths behind the wins: P(i beats j) = s_i / (s_i + s_j) (Bradley and Terry 1952, Biometrika 39)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rankkit.errors import ConfigError
from rankkit.pairwise.aggregation.matrix import WinMatrix

#: One opponent of an item: the share of the comparison that the item won, the share it lost, and who it was.
_Comparison = tuple[float, float, int]


def bradley_terry(matrix: WinMatrix, *, prior: float = 0.1, tolerance: float = 1e-7, limit: int = 300) -> list[float]:
    """Log-strengths that make the outcome most likely; a probability counts as that share of a win.

    ``prior`` is the weight of an even comparison of every item with one of strength 1. It keeps the strengths
    finite for items that won or lost everything, and tells unconnected groups apart from nothing. The fixed-point
    iteration is that of Newman (2023, "Efficient Computation of Rankings from Pairwise Comparisons", JMLR 24): the
    same solution as the classic minorise-maximise steps (Hunter 2004) in far fewer of them. It ends when no
    log-strength moves by more than ``tolerance``, or after ``limit`` rounds.
    """
    if prior < 0:
        raise ConfigError(f"a Bradley-Terry prior of {prior}", hint="Give 0 or more; 0.1 is a tenth of a comparison.")
    comparisons = _comparisons_of(matrix)
    strengths = [1.0] * matrix.n
    for _ in range(limit):
        moved = 0.0
        for item, own in enumerate(comparisons):
            strength = _updated(strengths, item, own, prior)
            moved = max(moved, abs(math.log(strength / strengths[item])))
            strengths[item] = strength
        if prior > 0.0:
            moved = max(moved, _recentre(strengths))
        if moved <= tolerance:
            break
    # Equal records must give equal scores, whatever the last step left between them.
    return [round(math.log(strength), 5) for strength in strengths]


def _updated(strengths: Sequence[float], item: int, comparisons: Sequence[_Comparison], prior: float) -> float:
    own = strengths[item]
    won = lost = prior / 2.0 / (own + 1.0)
    for share_won, share_lost, other in comparisons:
        both = own + strengths[other]
        won += share_won * strengths[other] / both
        lost += share_lost / both
    # Only without a prior can either be nothing; such a strength has no finite best value and stays as it is.
    return won / lost if won > 0.0 and lost > 0.0 else own


def _recentre(strengths: list[float]) -> float:
    """Take one Newton step for all strengths together, and return its size. Only the weak prior holds their common
    level, which would else be the slowest of all to settle.
    """
    wins = [strength / (strength + 1.0) for strength in strengths]
    curvature = sum(win * (1.0 - win) for win in wins)
    surplus = sum(0.5 - win for win in wins)
    step = max(-1.0, min(1.0, surplus / curvature)) if curvature > 0.0 else 0.0
    for item in range(len(strengths)):
        strengths[item] *= math.exp(step)
    return abs(step)


def _comparisons_of(matrix: WinMatrix) -> list[list[_Comparison]]:
    rows: list[list[_Comparison]] = []
    for i, others in enumerate(matrix.opponents()):
        shares = ((matrix.beats(i, j), j) for j in others)
        rows.append([(share, 1.0 - share, j) for share, j in shares if share is not None])
    return rows
