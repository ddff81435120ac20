"""A heap in first-stage order; the best is taken off its top, ``k`` times.

Heapsort as in PRP (Qin et al., arXiv 2306.17563) and llm-rankers (Zhuang et al., arXiv 2310.09497), with two savings:
an item that is put into a gap at the top first lets the better children move up all the way and then climbs back,
which is one comparison a level instead of two (Wegener 1993, "Bottom-up heapsort"); and no pair is compared twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.core.questions import StrategyResult
from rankkit.pairwise.comparisons import Comparisons, SortProgram, side_by_side
from rankkit.pairwise.strategies.base import PairStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapSort(PairStrategy):
    """The heap is built level by level, all nodes of a level side by side; the ``k`` removals follow one another."""

    name = "heapsort"

    def _most_pairs(self, n: int, k: int) -> int:
        """Everybody sinks to the bottom while the heap is built; who fills a gap climbs all the way back."""
        built = sum(_deepest(n, node) for node in range(n // 2))
        return built + sum(_deepest(n - taken, 0) for taken in range(1, k))

    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        heap = list(range(n))
        level = n.bit_length() - 2
        while level >= 0:
            nodes = range(2**level - 1, min(2 ** (level + 1) - 1, n // 2))
            yield from side_by_side([_sink(comparisons, heap, node) for node in nodes])
            level -= 1
        best = []
        for left in range(k, 0, -1):
            best.append(heap[0])
            last = heap.pop()
            if heap and left > 1:
                yield from _fill(comparisons, heap, last)
        return StrategyResult(tuple(best))


def _sink(comparisons: Comparisons, heap: list[int], place: int) -> SortProgram[None]:
    """Let the item at ``place`` change places with its better child for as long as that one is better."""
    item = heap[place]
    while (child := 2 * place + 1) < len(heap):
        if child + 1 < len(heap):
            yield [(heap[child], heap[child + 1])]
            child += comparisons.better(heap[child + 1], heap[child])
        yield [(item, heap[child])]
        if not comparisons.better(heap[child], item):
            break
        heap[place], place = heap[child], child
    heap[place] = item


def _deepest(size: int, place: int) -> int:
    """The pairs of the leftmost, and so the longest, way down: two children and the item against one, each level."""
    most = 0
    while (child := 2 * place + 1) < size:
        most += 2 if child + 1 < size else 1
        place = child
    return most


def _fill(comparisons: Comparisons, heap: list[int], item: int) -> SortProgram[None]:
    """Fill the gap at the top from below, down to a leaf, then let ``item`` climb from there."""
    place = 0
    while (child := 2 * place + 1) < len(heap):
        if child + 1 < len(heap):
            yield [(heap[child], heap[child + 1])]
            child += comparisons.better(heap[child + 1], heap[child])
        heap[place], place = heap[child], child
    while place > 0:
        parent = (place - 1) // 2
        yield [(item, heap[parent])]
        if not comparisons.better(item, heap[parent]):
            break
        heap[place], place = heap[parent], parent
    heap[place] = item
