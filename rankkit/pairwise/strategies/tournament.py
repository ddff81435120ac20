"""A tournament graph: what follows from earlier comparisons is not asked.

Whoever lost, directly or to somebody who lost, cannot be next; only the unbeaten have to meet. When one is left it is
the best, and the next best is among those who lost to it directly: exact for a transitive judge, with n - 1
comparisons for the first place and a handful for each further one. This is selection by a knockout tournament (Knuth,
volume 3, section 5.3.3), which BlitzRank ("Principled Zero-shot Ranking Agents with Tournament Graphs", arXiv
2602.05448) generalises to k-way questions.

Who meets whom decides how many comparisons the further places need: those who lost directly to a winner are as many as
the matches it played. So those who are likely to win should play few. The likely ones are known beforehand, from the
first stage, and better with every match: the winner of a match stands for all that are below it. That is the problem of
the shortest prefix code, and Huffman's algorithm (1952) solves it: the two least likely meet first. The expected number
of matches of a winner is then within one of the entropy of the guess.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from rankkit.core.questions import StrategyResult
from rankkit.pairwise.comparisons import Comparisons, SortProgram
from rankkit.pairwise.strategies.base import PairStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Tournament(PairStrategy):
    """Matches whose players are settled are asked together: a handful of rounds for each place."""

    name = "tournament"

    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        field_of_play = _Field(n, k)
        unbeaten: Sequence[int] = range(n)
        best: list[int] = []
        while len(best) < k:
            winner = yield from field_of_play.knockout(comparisons, unbeaten)
            best.append(winner)
            unbeaten = field_of_play.beaten[winner]
        return StrategyResult(tuple(best))


@dataclass(slots=True)
class _Field:
    """Who lost to whom so far: a forest, each item below the one that beat it.

    ``chances[item]`` is the guess that the best of all is the item or one below it, in proportion: the first ``k`` of
    the first stage are nearly alike, and then it falls off as 1 / rank.
    """

    n: int
    k: int
    beaten: list[list[int]] = field(init=False)
    chances: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.beaten = [[] for _ in range(self.n)]
        self.chances = [1.0 / (self.k + item) for item in range(self.n)]

    def knockout(self, comparisons: Comparisons, players: Sequence[int]) -> SortProgram[int]:
        """Let them play until one is left, in the order of a Huffman tree."""
        matches = _draw([self.chances[player] for player in players])
        at = list(players) + [-1] * len(matches)
        while at[-1] < 0:
            ready = [m for m, (a, b) in enumerate(matches) if at[len(players) + m] < 0 and at[a] >= 0 and at[b] >= 0]
            yield [(at[matches[m][0]], at[matches[m][1]]) for m in ready]
            for m in ready:
                one, other = (at[side] for side in matches[m])
                winner, loser = (one, other) if comparisons.better(one, other) else (other, one)
                self.beaten[winner].append(loser)
                self.chances[winner] += self.chances[loser]
                at[len(players) + m] = winner
        return at[-1]


def _draw(chances: Sequence[float]) -> list[tuple[int, int]]:
    """The matches of a Huffman tree. Sides below ``len(chances)`` are players, others winners of earlier matches."""
    heap = [(chance, side) for side, chance in enumerate(chances)]
    heapq.heapify(heap)
    matches: list[tuple[int, int]] = []
    while len(heap) > 1:
        (one_chance, one), (other_chance, other) = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, (one_chance + other_chance, len(chances) + len(matches)))
        matches.append((one, other))
    return matches
