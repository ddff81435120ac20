"""The table after some rounds: scores from all that was answered."""

from __future__ import annotations

from rankkit.core.questions import StrategyResult
from rankkit.pairwise.aggregation.methods import Aggregation
from rankkit.pairwise.comparisons import Comparisons


def scored_result(comparisons: Comparisons, n: int, aggregation: Aggregation) -> StrategyResult:
    """Order the first ``n`` by their scores. Who met nobody has no score, but the place of an even record."""
    matrix = comparisons.matrix(n)
    values = aggregation.scores(matrix)
    order = tuple(sorted(range(n), key=lambda item: -values[item]))
    met = [bool(others) for others in matrix.opponents()]
    return StrategyResult(order, tuple(float(values[item]) if met[item] else None for item in order), aggregation.kind)
