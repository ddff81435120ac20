"""The tournament graph for questions about several candidates at once (BlitzRank, arXiv 2602.05448).

An order of s candidates is s (s - 1) / 2 comparisons for the price of one question. All that is known, directly or
because it follows, is kept as a graph without circles; each question holds at least two candidates of which it is not
known who is better, so every answer teaches something. Exact for a transitive judge.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rankkit.core.questions import Answer, Asking, Choose, Order, Outcome, StrategyResult, Task
from rankkit.errors import ConfigError
from rankkit.pairwise.comparisons import PATIENCE

Q = TypeVar("Q", bound=Order | Choose)
A = TypeVar("A")


class Known:
    """Who is above whom, with all that follows from it. Sets of items are the bits of an integer."""

    def __init__(self, n: int) -> None:
        self.above = [0] * n
        self.below = [0] * n

    def put(self, better: int, worse: int) -> None:
        """Note that one is above the other, unless the contrary is known already: the earlier answer stands."""
        if better == worse or self.above[better] >> worse & 1 or self.above[worse] >> better & 1:
            return
        uppers, lowers = self.above[better] | 1 << better, self.below[worse] | 1 << worse
        for item in _bits(lowers):
            self.above[item] |= uppers
        for item in _bits(uppers):
            self.below[item] |= lowers

    def unbeaten(self, items: Iterable[int], placed: int) -> list[int]:
        """Those above which there is nobody but who is placed already."""
        return [item for item in items if not self.above[item] & ~placed]


def _bits(mask: int) -> Iterable[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


@dataclass(frozen=True, slots=True, kw_only=True)
class _KWay(Generic[Q, A]):
    """``size`` candidates a question, or as many as fit the judge if those are fewer."""

    name: ClassVar[str]
    adaptive: ClassVar[bool] = True

    size: int = 20
    top_k: int | None = None
    depth: int | None = None

    def __post_init__(self) -> None:
        for option, value, least in (("size", self.size, 2), ("top_k", self.top_k, 1), ("depth", self.depth, 1)):
            if value is not None and value < least:
                raise ConfigError(f"{self.name}: {option} is {value}", hint=f"Give {least} or more.")

    def order(self, task: Task) -> Asking[Q, A]:
        n, k, size = self._fit(task)
        best: list[int] = yield from self._best(n, k, size)
        rest = (item for item in range(task.n) if item not in best)
        return StrategyResult((*best, *rest))

    def most_questions(self, task: Task) -> int:
        """A knockout of all that are left for each place: of a group that was asked about, one stays unbeaten."""
        n, k, size = self._fit(task)
        return sum(_knockout(n - placed, size) for placed in range(k))

    def _fit(self, task: Task) -> tuple[int, int, int]:
        n = task.n if self.depth is None else min(self.depth, task.n)
        k = n if self.top_k is None else min(self.top_k, n)
        return n, k, max(2, self.size if task.max_group_size is None else min(self.size, task.max_group_size))

    def _best(self, n: int, k: int, size: int) -> Generator[Sequence[Q], Sequence[Answer[A]], list[int]]:
        known, placed, fruitless = Known(n), 0, 0
        best: list[int] = []
        left = list(range(n))
        while len(best) < k:
            unbeaten = known.unbeaten(left, placed)
            if len(unbeaten) == 1 or fruitless >= PATIENCE:
                best.append(unbeaten[0])
                left.remove(unbeaten[0])
                placed |= 1 << unbeaten[0]
                continue
            questions = [self._question(group) for group in self._groups(known, unbeaten, left, k, size)]
            answers = yield questions
            for question, answer in zip(questions, answers, strict=True):
                self._learn(known, question, answer.value)
            spent = any(answer.outcome is Outcome.UNASKED for answer in answers)
            fruitless = PATIENCE if spent else 0 if any(a.value is not None for a in answers) else fruitless + 1
        return best

    def _groups(
        self, known: Known, unbeaten: Sequence[int], left: Sequence[int], k: int, size: int
    ) -> list[tuple[int, ...]]:
        if len(unbeaten) > size:
            groups = [tuple(unbeaten[start : start + size]) for start in range(0, len(unbeaten), size)]
            return [group for group in groups if len(group) > 1]
        return [(*unbeaten, *self._fill(known, unbeaten, left, k)[: size - len(unbeaten)])]

    def _fill(self, known: Known, unbeaten: Sequence[int], left: Sequence[int], k: int) -> list[int]:
        return []

    @abstractmethod
    def _question(self, group: tuple[int, ...]) -> Q: ...

    @abstractmethod
    def _learn(self, known: Known, question: Q, value: A | None) -> None:
        """Take in an answer. Without one the first-stage order stands, so that nothing is asked twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTournament(_KWay[Order, tuple[int, ...]]):
    """Asks for orders. Room in a question goes to those with the fewest known betters, who may be next."""

    name = "tournament"

    def _fill(self, known: Known, unbeaten: Sequence[int], left: Sequence[int], k: int) -> list[int]:
        eligible = [item for item in left if item not in unbeaten and known.above[item].bit_count() < k]
        return sorted(eligible, key=lambda item: known.above[item].bit_count())

    def _question(self, group: tuple[int, ...]) -> Order:
        return Order(group)

    def _learn(self, known: Known, question: Order, value: tuple[int, ...] | None) -> None:
        order = sorted(question.indices) if value is None else value
        # All pairs, not only neighbours: with circles in the answers, a neighbour may be ruled out by what is known.
        for better, worse in itertools.combinations(order, 2):
            known.put(better, worse)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceTournament(_KWay[Choose, int]):
    """Asks for the best one only: a knockout of tables of ``size``."""

    name = "tournament"

    def _question(self, group: tuple[int, ...]) -> Choose:
        return Choose(group)

    def _learn(self, known: Known, question: Choose, value: int | None) -> None:
        winner = min(question.indices) if value is None else value
        for other in question.indices:
            known.put(winner, other)


def _knockout(unbeaten: int, size: int) -> int:
    most = 0
    while unbeaten > 1:
        unbeaten = -(-unbeaten // size)
        most += unbeaten
    return most
