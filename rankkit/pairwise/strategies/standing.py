"""The table after some rounds: scores from all that was answered."""

from __future__ import annotations

from rankkit.pairwise.aggregation import Aggregation
from rankkit.pairwise.bouts import Bouts
from rankkit.questions import Placed


def standing(bouts: Bouts, n: int, aggregation: Aggregation) -> Placed:
    """Order the first ``n`` by their scores. Who met nobody has no score, but the place of an even record."""
    matrix = bouts.matrix(n)
    values = aggregation.scores(matrix)
    order = tuple(sorted(range(n), key=lambda item: -values[item]))
    met = [bool(others) for others in matrix.opponents()]
    return Placed(order, tuple(float(values[item]) if met[item] else None for item in order), aggregation.kind)
