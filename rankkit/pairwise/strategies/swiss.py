"""Swiss rounds, as in chess: equals meet equals, nobody meets twice, and the table decides.

A fixed number of rounds, each n / 2 comparisons that can all be asked at once; no exactness, but every answer counts
and a wrong one is made good by the next. The final table is an aggregation of everything that was answered, by
default Bradley-Terry, which knows how strong one's opponents were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.core.questions import StrategyResult
from rankkit.errors import ConfigError
from rankkit.pairwise.aggregation.methods import BRADLEY_TERRY, Aggregation
from rankkit.pairwise.comparisons import Comparisons, Pair, SortProgram
from rankkit.pairwise.strategies.base import PairStrategy
from rankkit.pairwise.strategies.result import scored_result


@dataclass(frozen=True, slots=True, kw_only=True)
class Swiss(PairStrategy):
    """``rounds`` of them, twice log2 n rounded up when ``None``; n - 1 at most, since then all have met."""

    name = "swiss"

    rounds: int | None = None
    aggregation: Aggregation = BRADLEY_TERRY

    def __post_init__(self) -> None:
        PairStrategy.__post_init__(self)
        if self.rounds is not None and self.rounds < 1:
            raise ConfigError(f"{self.rounds} Swiss rounds", hint="Give 1 or more, or leave it out.")

    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        points = [0.0] * n
        met: set[Pair] = set()
        for _ in range(min(self.rounds or 2 * max(1, n - 1).bit_length(), max(0, n - 1))):
            table = sorted(range(n), key=lambda item: -points[item])
            pairs = _pairing(table, points, met)
            met.update(pairs)
            yield pairs
            for i, j in pairs:
                won = comparisons.probability(i, j)
                points[i] += 0.5 if won is None else won
                points[j] += 0.5 if won is None else 1.0 - won
        return scored_result(comparisons, n, self.aggregation)


def _pairing(table: Sequence[int], points: Sequence[float], met: set[Pair]) -> list[Pair]:
    """Walk down the table; each meets someone new with as many points: the upper half of equals the lower half (the
    Dutch system), or else the next below. Who has met all below sits the round out, as one does in an odd number.
    """
    left = list(table)
    pairs = []
    while len(left) > 1:
        item = left.pop(0)
        equals = sum(points[other] == points[item] for other in left)
        preferred = [*left[equals // 2 : equals], *left[: equals // 2], *left[equals:]]
        rival = next((other for other in preferred if (min(item, other), max(item, other)) not in met), None)
        if rival is not None:
            left.remove(rival)
            pairs.append((min(item, rival), max(item, rival)))
    return pairs
