"""Everybody meets everybody, in one round: n (n - 1) / 2 comparisons, and the most robust order that they can buy.

duoT5's re-ranking (arXiv 2101.05667) and PRP-Allpair (Qin et al., "Large Language Models are Effective Text Rankers
with Pairwise Ranking Prompting", arXiv 2306.17563). With ``depth`` it is all pairs of the top m.
"""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.core.questions import StrategyResult
from rankkit.pairwise.aggregation.methods import SYM_SUM, Aggregation
from rankkit.pairwise.comparisons import Comparisons, SortProgram
from rankkit.pairwise.strategies.base import PairStrategy
from rankkit.pairwise.strategies.result import scored_result


@dataclass(frozen=True, slots=True, kw_only=True)
class AllPairs(PairStrategy):
    """One round; ``aggregation`` makes the order. ``top_k`` saves nothing here."""

    name = "allpairs"
    adaptive = False

    aggregation: Aggregation = SYM_SUM

    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        # Neighbours first: a budget that ends in the middle has then treated everybody alike.
        yield [(i, i + distance) for distance in range(1, n) for i in range(n - distance)]
        return scored_result(comparisons, n, self.aggregation)
