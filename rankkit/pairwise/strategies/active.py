"""The top k, as sure as so many questions can make it: each round asks what tells most about it.

Sorting asks as little as it can and believes every answer; all pairs ask everything. This lies between, for judges that
err: a posterior over all strengths (``posterior``) says how likely each candidate belongs to the top k, and which pairs
are likeliest the wrong way round where that matters. Active ranking from pairwise comparisons goes back to Jamieson
and Nowak (2011, arXiv 1109.3701); asking by the posterior to Chu and Ghahramani (2005, "Extensions of Gaussian
Processes for Ranking: Semi-supervised and Active Learning") and Chen et al. (2013, "Pairwise Ranking Aggregation in a
Crowdsourced Setting").
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rankkit.core.questions import StrategyResult, Task
from rankkit.core.ranking import ScoreKind
from rankkit.core.step import TOO_CLOSE
from rankkit.errors import ConfigError
from rankkit.pairwise.comparisons import Comparisons, Pair, SortProgram
from rankkit.pairwise.strategies.base import PairStrategy
from rankkit.pairwise.strategies.tournament import Tournament

if TYPE_CHECKING:
    from rankkit.pairwise.strategies.posterior import Posterior

#: Questions a candidate where no limit is given.
EACH = 3
#: Pairs that are asked in both orders before the judge's favour for a position is measured, and the share of them on
#: which the two orders may disagree if one order is to be enough from then on.
PROBED = 20
DISAGREEING = 0.1
#: Candidates that pairs are chosen among, for each place of the top: the others are out of the question.
CONTENDERS = 4
#: A candidate's pairs in one round, at most: the answers to others may make a further one needless.
TOGETHER_EACH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Active(PairStrategy):
    """At most ``questions`` are asked (three for each candidate when ``None``), and no more once the best ``top_k`` are
    known, as a set, with probability ``confidence``.

    It begins with a tournament, whose answers are the fewest that can give the exact top k; then ``together`` pairs a
    round are asked. As long as no answers contradict one another the order follows all of them, and a judge that is
    always right gives the exact top k, in order, if ``questions`` allow the tournament. After that the order is
    that of the mean strengths. The scores are each candidate's probability of belonging to the top k, as far as the
    answers tell; diagnostics are the probability that the top k is right as a set (``settled``), how many candidates
    are neither likely in nor likely out (``too_close``), and the judge's ``error_rate`` as it seems. A top k that is
    not ``settled`` is noted as too close to call.

    ``correlation`` says how good the first stage is: that of its order with the judge's. Pairs are asked in both orders
    until twenty show that the judge has no favour for a position, and all along where it has one.
    """

    name = "active"

    questions: int | None = None
    confidence: float = 0.9
    correlation: float = 0.5
    together: int = 10

    def __post_init__(self) -> None:
        PairStrategy.__post_init__(self)
        for option, value in (("questions", self.questions), ("together", self.together)):
            if value is not None and value < 1:
                raise ConfigError(f"active: {option} is {value}", hint="Give 1 or more.")
        if not 0.0 < self.confidence <= 1.0:
            raise ConfigError(f"active: a confidence of {self.confidence}", hint="Give more than 0, and 1 at most.")
        if not 0.0 <= self.correlation < 1.0:
            raise ConfigError(f"active: a correlation of {self.correlation}", hint="Give 0 or more, and less than 1.")

    def most_questions(self, task: Task) -> int:
        n = task.n if self.depth is None else min(self.depth, task.n)
        return min(self._limit(n), PairStrategy.most_questions(self, task))

    def _limit(self, n: int) -> int:
        return EACH * n if self.questions is None else self.questions

    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        if n < 2:
            return StrategyResult(tuple(range(n)))
        # It brings numpy, which specs are checked without.
        from rankkit.pairwise.strategies.posterior import Posterior

        purse = _Purse(comparisons, self._limit(n))
        yield from purse.spent_on(Tournament(top_k=k).program(comparisons, n, k))
        posterior = Posterior(n, k, self.correlation)
        yield from purse.spent_on(self._rounds(comparisons, posterior, n, k))
        answers = comparisons.answers
        if not answers:
            return StrategyResult(tuple(range(n)))
        posterior.update(answers)
        return self._result(posterior, comparisons, n, k)

    def _rounds(self, comparisons: Comparisons, posterior: Posterior, n: int, k: int) -> SortProgram[None]:
        """Ask what is worth most, until the top is settled or nothing is left to ask."""
        while True:
            posterior.update(comparisons.answers)
            order = _order(posterior, comparisons, n)
            pairs = self._chosen(posterior, comparisons, k) if posterior.settled(order[:k]) < self.confidence else []
            if not pairs:
                return
            yield pairs

    def _chosen(self, posterior: Posterior, comparisons: Comparisons, k: int) -> list[Pair]:
        """Of the pairs not asked yet those worth most, and nobody in too many of them."""
        pairs: list[Pair] = []
        times: dict[int, int] = {}
        for worth, (i, j) in posterior.misplaced(CONTENDERS * k):
            if worth <= 0.0 or len(pairs) == self.together:
                break
            if max(times.get(i, 0), times.get(j, 0)) < TOGETHER_EACH and not comparisons.met(i, j):
                pairs.append((i, j))
                times[i], times[j] = times.get(i, 0) + 1, times.get(j, 0) + 1
        return pairs

    def _result(self, posterior: Posterior, comparisons: Comparisons, n: int, k: int) -> StrategyResult:
        order = _order(posterior, comparisons, n)
        settled = posterior.settled(order[:k])
        in_top = posterior.in_top
        chances = falling([float(in_top[item]) for item in order])
        open_ones = sum(1.0 - self.confidence < chance < self.confidence for chance in chances)
        diagnostics = (
            ("settled", settled),
            ("too_close", float(open_ones)),
            ("error_rate", posterior.error_rate),
        )
        notes = (TOO_CLOSE,) if settled < self.confidence else ()
        return StrategyResult(tuple(order), tuple(chances), ScoreKind.PROBABILITY, diagnostics, notes)


class _Purse:
    """So many questions, and how many orders of a pair are asked for each."""

    def __init__(self, comparisons: Comparisons, limit: int) -> None:
        self._comparisons = comparisons
        self._limit = limit

    def spent_on(self, program: SortProgram[object]) -> Generator[Sequence[Pair], None, None]:
        """Let a program ask for as long as there are questions left."""
        try:
            pairs = next(program)
            while not self._comparisons.closed:
                wanted = dict.fromkeys((min(pair), max(pair)) for pair in pairs)
                new = [pair for pair in wanted if not self._comparisons.met(*pair)]
                while new:
                    allowed = self._allowed()
                    if not allowed:
                        return
                    yield new[:allowed]
                    del new[:allowed]
                    if self._comparisons.closed:
                        return
                pairs = program.send(None)
        except StopIteration:
            return
        finally:
            program.close()

    def _allowed(self) -> int:
        """How many pairs may be asked together: up to the point where it is decided whether one order is enough."""
        left = self._limit - self._comparisons.asked
        if self._comparisons.one_sided:
            return left
        probed, disagreeing = self._comparisons.both_orders()
        if probed >= PROBED and disagreeing <= DISAGREEING * probed:
            self._comparisons.one_sided = True
            return left
        if left < 2:  # an order of a pair is better than nothing
            self._comparisons.one_sided = True
            return left
        return min(left // 2, PROBED - probed) if probed < PROBED else left // 2


def _order(posterior: Posterior, comparisons: Comparisons, n: int) -> list[int]:
    """As all answers have it if that is possible, those of whom they say nothing by mean strength; else by that."""
    means = [float(mean) for mean in posterior.means]
    consistent = followed(comparisons.wins(), means)
    return consistent or sorted(range(n), key=lambda item: -means[item])


def followed(wins: Sequence[Pair], strengths: Sequence[float]) -> list[int] | None:
    """The order in which every winner is above its loser, the strongest of those that are free to come next first;
    ``None`` where the wins contradict one another.
    """
    losers: list[list[int]] = [[] for _ in strengths]
    above = [0] * len(strengths)
    for winner, loser in wins:
        losers[winner].append(loser)
        above[loser] += 1
    free = [(-strengths[item], item) for item, count in enumerate(above) if not count]
    heapq.heapify(free)
    order = []
    while free:
        item = heapq.heappop(free)[1]
        order.append(item)
        for loser in losers[item]:
            above[loser] -= 1
            if not above[loser]:
                heapq.heappush(free, (-strengths[loser], loser))
    return order if len(order) == len(strengths) else None


def falling(values: Sequence[float]) -> list[float]:
    """The values nearest to these that never rise: neighbours that do share their mean (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, size = value, 1
        while pools and pools[-1][0] < mean:
            before, count = pools.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        pools.append((mean, size))
    return [mean for mean, size in pools for _ in range(size)]
