"""Quickselect: everybody meets one pivot at once, and only the side that matters is taken further (Hoare 1961).

The fewest rounds of the adaptive strategies: all comparisons with a pivot are one round, and both sides go on side by
side. The pivot of a long list is found in a sample from its top, as in Floyd and Rivest (1975), "Expected
time bounds for selection".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.core.questions import StrategyResult
from rankkit.pairwise.comparisons import Comparisons, SortProgram, side_by_side
from rankkit.pairwise.strategies.base import PairStrategy

#: Lists of at least this many times the places needed are worth a sample to find the pivot in.
LONG = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickSelect(PairStrategy):
    """Places what lies above the last pivots exactly, and everybody else on the right side of each pivot."""

    name = "quickselect"

    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        return StrategyResult(tuple((yield from _select(comparisons, list(range(n)), k))))


def _select(comparisons: Comparisons, items: Sequence[int], need: int) -> SortProgram[list[int]]:
    """The items with the best ``need`` in order in front."""
    if need <= 0 or len(items) < 2:
        return list(items)
    pivot = yield from _pivot(comparisons, items, need)
    others = [item for item in items if item != pivot]
    yield [(item, pivot) for item in others]
    above = [item for item in others if comparisons.better(item, pivot)]
    below = [item for item in others if not comparisons.better(item, pivot)]
    left = need - len(above) - 1
    first, second = yield from side_by_side([_select(comparisons, above, need), _select(comparisons, below, left)])
    return [*first, pivot, *second]


def _pivot(comparisons: Comparisons, items: Sequence[int], need: int) -> SortProgram[int]:
    if len(items) < LONG * need:
        return items[min(need, len(items) - 1) // 2]
    # The middle of as many as are needed: with a useful first stage about that many more are as good among the others.
    place = max(1, need // 2)
    ordered = yield from _select(comparisons, items[: max(2, need)], place)
    return ordered[place - 1]
