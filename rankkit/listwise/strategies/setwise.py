"""Setwise sorting: heapsort and bubble passes whose comparison is "which of these is the most relevant?".

Zhuang et al., "A Setwise Approach for Effective and Highly Efficient Zero-shot Ranking with Large Language Models",
arXiv 2310.09497. With ``children`` others in each comparison, it asks for one best of ``children + 1``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rankkit.core.questions import Answer, Asking, Choose, StrategyResult, Task
from rankkit.listwise.strategies.lockstep import in_lockstep
from rankkit.listwise.strategies.windows import at_least, fitting, head_of, shrinkage, spelled

_Sifting = Generator[Sequence[Choose], Sequence[Answer[int]], None]
_Finding = Generator[Sequence[Choose], Sequence[Answer[int]], list[int]]


@dataclass(frozen=True, slots=True)
class _Setwise(ABC):
    """What both sorts have: parameters, and the rest of the order behind the best."""

    children: int = 3
    top_k: int = 10
    depth: int | None = None

    kind: ClassVar[str]
    adaptive: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least(1, "children", self.children)
        at_least(1, "top_k", self.top_k)
        at_least(1, "depth", self.depth)

    @property
    def name(self) -> str:
        return spelled(self.kind, self.children, given=(("top_k", self.top_k, 10), ("depth", self.depth, None)))

    def order(self, task: Task) -> Asking[Choose, int]:
        head = head_of(task, self.depth)
        children = fitting(self.children + 1, task) - 1
        best: list[int] = (yield from self._best(head, children)) if children > 0 else []
        found = set(best)
        rest = (index for index in range(task.n) if index not in found)
        return StrategyResult((*best, *rest), diagnostics=shrinkage(min(self.children + 1, head), children + 1))

    def most_questions(self, task: Task) -> int:
        children = fitting(self.children + 1, task) - 1
        return self._most(head_of(task, self.depth), children) if children > 0 else 0

    @abstractmethod
    def _most(self, head: int, children: int) -> int:
        """How many questions ``_best`` asks at most."""

    @abstractmethod
    def _best(self, head: int, children: int) -> _Finding:
        """The best ``top_k`` of the first ``head`` candidates, best first."""


@dataclass(frozen=True, slots=True)
class SetwiseHeapsort(_Setwise):
    """Promise, with a judge that is always right: the best ``top_k`` stand first, best first. The others follow in
    first-stage order.

    A heap in which each candidate stands above ``children`` others (above 2 where only pairs may be asked about). It
    is built level by level, and the subtrees of a level side by side, so building takes few rounds; taking the best
    out, one after another, has to wait. Where a question has no answer, the first stage answers it.

    Price for 100 candidates, 3 children, top 10: at least 33 questions in 4 rounds to build the heap, then up to 4 for
    each place after the first, each waiting for the one before. Where the first stage was right that is 69 questions
    in 40 rounds, in a random order about 82 in 44.
    """

    kind = "setwise-heapsort"

    def _most(self, head: int, children: int) -> int:
        """Everybody sinks to the bottom, in the building and after each removal."""
        arity = max(2, children)
        built = sum(_deepest(head, node, children) for level in _levels(head, arity) for node in level)
        return built + sum(_deepest(head - taken, 0, children) for taken in range(1, min(self.top_k, head)))

    def _best(self, head: int, children: int) -> _Finding:
        heap, best = list(range(head)), list[int]()
        for level in reversed(_levels(head, max(2, children))):
            yield from in_lockstep([_sift(heap, node, children) for node in level])
        while heap and len(best) < self.top_k:
            best.append(heap[0])
            last = heap.pop()
            if heap and len(best) < self.top_k:
                heap[0] = last
                yield from _sift(heap, 0, children)
        return best


@dataclass(frozen=True, slots=True)
class SetwiseBubble(_Setwise):
    """Promise, with a judge that is always right: the best ``top_k`` stand first, best first. The others follow in
    first-stage order.

    One pass from the back to the front for each place: the best of each ``children + 1`` moves to their front, which is
    the last place of the next group. A group that was asked about is not asked about again, whatever its order now:
    later passes ask only about what the earlier ones changed.

    Price for 100 candidates, 3 children, top 10, one question after another: 33 in the first pass, and 39 in all where
    the first stage was right; in a random order about 280, at most 318.
    """

    kind = "setwise-bubble"

    def _most(self, head: int, children: int) -> int:
        """Every group of every pass: each begins at the winner of the one behind it."""
        return sum(-(-(head - place - 1) // children) for place in range(min(self.top_k, head)))

    def _best(self, head: int, children: int) -> _Finding:
        order, known = list(range(head)), dict[frozenset[int], int]()
        places = min(self.top_k, head)
        for place in range(places):
            end = head
            while end - place > 1:
                start = max(place, end - children - 1)
                group = order[start:end]
                winner = known.get(frozenset(group))
                if winner is None:
                    [answer] = yield [Choose(tuple(group))]
                    winner = group[0] if answer.value is None else answer.value
                    if answer.value is not None:
                        known[frozenset(group)] = winner
                order[start:end] = [winner, *(index for index in group if index != winner)]
                end = start + 1
        return order[:places]


def _levels(n: int, arity: int) -> list[list[int]]:
    """The nodes of a heap of ``n`` that have children, level by level from the root."""
    levels, level = list[list[int]](), [0]
    while parents := [node for node in level if node * arity + 1 < n]:
        levels.append(parents)
        level = [child for node in parents for child in range(node * arity + 1, node * arity + arity + 1)]
    return levels


def _sift(heap: list[int], node: int, children: int) -> _Sifting:
    """Let the candidate at ``node`` sink, in place, until it is the best of its group."""
    arity = max(2, children)
    while (first := node * arity + 1) < len(heap):
        below = range(first, min(first + arity, len(heap)))
        winner = heap[node]
        for start in range(0, len(below), children):
            group = (winner, *(heap[place] for place in below[start : start + children]))
            [answer] = yield [Choose(group)]
            winner = min(group) if answer.value is None else answer.value
        if winner == heap[node]:
            return
        place = next(place for place in below if heap[place] == winner)
        heap[node], heap[place] = heap[place], heap[node]
        node = place


def _deepest(size: int, node: int, children: int) -> int:
    """What ``_sift`` asks at most: the leftmost way down is the longest, and no way has fuller groups."""
    arity, most = max(2, children), 0
    while (first := node * arity + 1) < size:
        most += -(-min(arity, size - first) // children)
        node = first
    return most
