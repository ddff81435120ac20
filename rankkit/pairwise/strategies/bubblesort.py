"""Bubble passes from the last candidate to the first: each brings the next best to the top.

PRP-Sliding-K (Qin et al., arXiv 2306.17563). A pass that changes nothing is the last one; no pass compares again what
is known, so a good first stage makes it short: at least n - 1 comparisons, at most k (n - (k + 1) / 2).
"""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.core.questions import StrategyResult
from rankkit.pairwise.comparisons import Comparisons, SortProgram
from rankkit.pairwise.strategies.base import PairStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class BubbleSort(PairStrategy):
    """The passes run behind one another, two places apart: n + 2 k rounds at most instead of k n, with the same
    comparisons. A pass that turns out to be one too many only meets pairs that are known.
    """

    name = "bubblesort"

    def _most_pairs(self, n: int, k: int) -> int:
        """Pass r leaves the first r places alone."""
        return sum(n - 1 - r for r in range(k))

    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        line = list(range(n))
        for step in range(n + 2 * k):
            # Pass r is about to compare places i - 1 and i; the first r places are final by then.
            at = [n - 1 - (step - 2 * r) for r in range(k)]
            due = [i for r, i in enumerate(at) if r < i < n]
            yield [(line[i - 1], line[i]) for i in due]
            for i in due:
                if comparisons.better(line[i], line[i - 1]):
                    line[i - 1], line[i] = line[i], line[i - 1]
        return StrategyResult(tuple(line))
