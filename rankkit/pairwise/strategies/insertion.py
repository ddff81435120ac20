"""Binary insertion into the best ``k`` so far: a candidate that loses to the last of them is out at once.

With a good first stage most are, so this comes to little more than n comparisons; each that gets in costs about
log2 k more. Candidates are taken in first-stage order, so that the bar is high early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.core.questions import StrategyResult
from rankkit.errors import ConfigError
from rankkit.pairwise.comparisons import Comparisons, SortProgram, side_by_side
from rankkit.pairwise.strategies.base import PairStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion(PairStrategy):
    """``together`` candidates look for their places at the same time: fewer rounds, but those of one group do not
    raise the bar for one another.
    """

    name = "insertion"

    together: int = 8

    def __post_init__(self) -> None:
        # slots=True makes a new class, which the short form of super() does not know.
        PairStrategy.__post_init__(self)
        if self.together < 1:
            raise ConfigError(f"insertion of {self.together} candidates together", hint="Give 1 or more.")

    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        best: list[int] = []
        out: list[int] = []
        for start in range(0, n, self.together):
            group = range(start, min(start + self.together, n))
            if len(best) == k:
                yield [(item, best[-1]) for item in group]
            entering = [item for item in group if len(best) < k or comparisons.better(item, best[-1])]
            best = yield from _inserted(comparisons, best, entering)
            out += [item for item in group if item not in entering] + best[k:]
            del best[k:]
        return StrategyResult((*best, *sorted(out)))


def _inserted(comparisons: Comparisons, line: Sequence[int], items: Sequence[int]) -> SortProgram[list[int]]:
    """``line`` with ``items`` in their places. Those that fall into the same gap are sorted among themselves."""
    if not items:
        return list(line)
    if not line:
        return (yield from _inserted(comparisons, items[:1], items[1:]))
    places = yield from side_by_side([_place(comparisons, line, item) for item in items])
    gaps = [[item for item, place in zip(items, places, strict=True) if place == gap] for gap in range(len(line) + 1)]
    filled = yield from side_by_side([_inserted(comparisons, [], gap) for gap in gaps])
    merged = list(filled[0])
    for item, gap in zip(line, filled[1:], strict=True):
        merged += [item, *gap]
    return merged


def _place(comparisons: Comparisons, line: Sequence[int], item: int) -> SortProgram[int]:
    low, high = 0, len(line)
    while low < high:
        # The last of the line was met at the door: it is known, and costs nothing.
        middle = (low + high) // 2
        yield [(item, line[middle])]
        if comparisons.better(item, line[middle]):
            high = middle
        else:
            low = middle + 1
    return low
