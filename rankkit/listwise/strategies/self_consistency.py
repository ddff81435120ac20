"""Permutation self-consistency: rank several shuffles of the input, and take the order in the middle of the results.

Tang et al., "Found in the Middle: Permutation Self-Consistency Improves Listwise Ranking in Large Language Models",
arXiv 2310.07712.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean, median
from typing import Literal, get_args

from rankkit.core.questions import Answer, Asking, Bounded, Order, Strategy, StrategyResult, Task
from rankkit.errors import ConfigError, nearest
from rankkit.listwise.strategies.lockstep import in_lockstep
from rankkit.listwise.strategies.windows import Permutation, at_least, head_of, spelled

#: How the places that a candidate got become one number.
Aggregation = Literal["borda", "median", "reciprocal"]


@dataclass(frozen=True, slots=True)
class SelfConsistency:
    """``samples`` copies of ``inner``: the first sees the candidates as they came, the others shuffled from ``seed``.

    A model that favours a position favours a different candidate in each copy, so the favours cancel out. The copies
    run side by side: ``samples`` times the questions of ``inner``, in as many rounds as one copy takes. For 100
    candidates and five samples of ``Sliding(20, 10)``: 45 questions in 9 rounds. (Of 20 samples' gain, the paper has
    two thirds at 5.) Promise, with a judge that is always right: what ``inner`` brings to the top stays there, though
    behind it copies of different starting points differ.

    ``by``: ``borda`` takes the mean place, ``median`` the median place, ``reciprocal`` the sum of 1 / (60 + place),
    which cares for the top. The paper's Kemeny order is what all three stand in for. Ties keep the first-stage order.

    Where a question of a shuffled copy has no answer, the first stage answers it: the shuffle itself is not knowledge.
    A copy without any answer has no vote. ``diagnostics`` tells the copies' ``agreement``: Spearman's rank correlation,
    mean over pairs; a judge near 0 answers by position, not by relevance.
    """

    inner: Strategy[Order, Permutation]
    samples: int = 5
    seed: int = 0
    by: Aggregation = "borda"
    depth: int | None = None

    def __post_init__(self) -> None:
        at_least(1, "samples", self.samples)
        at_least(1, "depth", self.depth)
        if self.by not in get_args(Aggregation):
            raise ConfigError(f"unknown aggregation {self.by!r}", hint=nearest(str(self.by), get_args(Aggregation)))
        if getattr(self.inner, "depth", None) is not None:
            raise ConfigError(
                f"{self.inner.name} within self-consistency would cut each shuffle at another place",
                hint="Give the depth to the self-consistency instead.",
            )

    @property
    def name(self) -> str:
        given = (("seed", self.seed, 0), ("by", self.by, "borda"), ("depth", self.depth, None))
        return spelled("self-consistency", self.inner.name, self.samples, given=given)

    @property
    def adaptive(self) -> bool:
        return self.inner.adaptive

    def order(self, task: Task) -> Asking[Order, Permutation]:
        head = head_of(task, self.depth)
        shuffles = [list(range(head)) for _ in range(self.samples)]
        for number, shuffled in enumerate(shuffles[1:], 1):
            random.Random(f"{self.seed}/{number}").shuffle(shuffled)
        copies = [_Copy(self.inner, tuple(shuffled), replace(task, n=head)) for shuffled in shuffles]
        results = yield from in_lockstep([copy.order() for copy in copies])
        votes = [placed.order for placed, copy in zip(results, copies, strict=True) if copy.answered]
        diagnostics = results[0].diagnostics
        if not votes:
            return StrategyResult(tuple(range(task.n)), diagnostics=diagnostics)
        order = aggregated(votes, self.by)
        if len(votes) > 1 and head > 1:
            diagnostics = (*diagnostics, ("agreement", agreement(votes)))
        return StrategyResult((*order, *range(head, task.n)), diagnostics=diagnostics)

    def most_questions(self, task: Task) -> int | None:
        """``samples`` times what ``inner`` asks at most; unknown where that is."""
        if not isinstance(self.inner, Bounded):
            return None
        most = self.inner.most_questions(replace(task, n=head_of(task, self.depth)))
        return None if most is None else self.samples * most


class _Copy:
    """One run of the inner strategy under other names: it calls ``i`` what the request calls ``shuffled[i]``."""

    def __init__(self, inner: Strategy[Order, Permutation], shuffled: Permutation, task: Task) -> None:
        self._inner = inner
        self._outer = shuffled
        self._own = {outer: own for own, outer in enumerate(shuffled)}
        self._moved = shuffled != tuple(range(task.n))
        self._task = task
        self.answered = False

    def order(self) -> Asking[Order, Permutation]:
        asking = self._inner.order(self._task)
        answers: list[Answer[Permutation]] | None = None
        while True:
            try:
                questions = next(asking) if answers is None else asking.send(answers)
            except StopIteration as stop:
                placed: StrategyResult = stop.value
                return replace(placed, order=self._named(placed.order))
            asked = [Order(self._named(question.indices), question.top) for question in questions]
            got = yield asked
            answers = [self._heard(question, answer) for question, answer in zip(asked, got, strict=True)]

    def _named(self, indices: Sequence[int]) -> Permutation:
        return tuple(self._outer[index] for index in indices)

    def _heard(self, question: Order, answer: Answer[Permutation]) -> Answer[Permutation]:
        self.answered = self.answered or answer.value is not None
        if answer.value is None and not self._moved:
            return answer
        order = sorted(question.indices) if answer.value is None else answer.value
        return replace(answer, value=tuple(self._own[index] for index in order))


def aggregated(orders: Sequence[Permutation], by: Aggregation) -> Permutation:
    """One order from several of the same candidates. Ties keep the order of the indices."""
    places = _places(orders)
    badness: Mapping[str, Callable[[list[int]], float]] = {
        "borda": fmean,
        "median": median,
        "reciprocal": lambda got: -sum(1.0 / (60 + place) for place in got),
    }
    rate = badness[by]
    return tuple(sorted(places, key=lambda index: (rate(places[index]), index)))


def agreement(orders: Sequence[Permutation]) -> float:
    """Spearman's rank correlation of at least two orders of at least two candidates, mean over pairs: from -1 to 1."""
    n = len(orders[0])
    places = list(_places(orders).values())
    distances = [
        sum((got[one] - got[other]) ** 2 for got in places) for one, other in combinations(range(len(orders)), 2)
    ]
    return 1.0 - 6.0 * fmean(distances) / (n * (n * n - 1))


def _places(orders: Sequence[Permutation]) -> dict[int, list[int]]:
    """For each candidate its place, from 1, in each of the orders."""
    places: dict[int, list[int]] = {index: [] for index in sorted(orders[0])} if orders else {}
    for order in orders:
        for place, index in enumerate(order, 1):
            places[index].append(place)
    return places
