"""The order that contradicts the comparisons least (Kemeny 1959, "Mathematics without Numbers").

Contradicting a pair costs the probability with which it was won. Finding the best order is NP-hard, but it falls
apart: where every item of one group beats every item of another, the first group comes first in a best order (the
extended Condorcet criterion, Truchon 1998). So only groups that beat one another in circles have to be searched.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from rankkit.pairwise.aggregation.matrix import WinMatrix

#: The largest circle of items that is solved exactly: its 2^12 subsets take some hundredths of a second.
EXACT = 12

_Costs = list[list[float]]


def kemeny_order(matrix: WinMatrix, *, exact: int = EXACT) -> list[int]:
    """The items, best first: a best order if no circle has more than ``exact`` items.

    A larger circle is put in Borda order (by the sum of wins), from which single items are moved to where they fit
    best for as long as that helps: a local optimum. Of equally good orders the one nearest to first-stage order is
    preferred.
    """
    # costs[i][j] is the price of j above i: how far i beat j. A pair not asked is even: the same price both ways.
    costs = [[_known(matrix.beats(i, j)) for j in range(matrix.n)] for i in range(matrix.n)]
    order: list[int] = []
    for circle in _circles(costs):
        order += _best(circle, costs) if len(circle) <= exact else _improved(_borda(circle, costs), costs)
    return order


def _known(value: float | None) -> float:
    return 0.5 if value is None else value


def _circles(costs: _Costs) -> list[list[int]]:
    """Groups in which everyone beats everyone, directly or through others, so that no group loses to a later one."""
    n = len(costs)
    reach = [sum(1 << j for j in range(n) if j != i and costs[i][j] > costs[j][i]) | 1 << i for i in range(n)]
    for middle in range(n):
        for i in range(n):
            if reach[i] >> middle & 1:
                reach[i] |= reach[middle]
    member = [next(j for j in range(n) if reach[i] >> j & 1 and reach[j] >> i & 1) for i in range(n)]
    groups = {first: [i for i in range(n) if member[i] == first] for first in dict.fromkeys(member)}
    above = {first: {g for g in groups if g != first and reach[g] >> first & 1} for first in groups}
    free = [first for first, betters in above.items() if not betters]
    heapq.heapify(free)
    order = []
    while free:
        done = heapq.heappop(free)
        order.append(groups[done])
        for first, betters in above.items():
            if done in betters:
                betters.remove(done)
                if not betters:
                    heapq.heappush(free, first)
    return order


def _best(items: Sequence[int], costs: _Costs) -> list[int]:
    """Dynamic programming over subsets: the cheapest order of a set is a first item and the cheapest order of the rest.

    Held and Karp's scheme, O(2^n n^2).
    """
    size = len(items)
    cheapest = [0.0] * (1 << size)
    leader = [0] * (1 << size)
    for chosen in range(1, 1 << size):
        members = [place for place in range(size) if chosen >> place & 1]
        best = float("inf")
        for first in members:
            over = sum(costs[items[other]][items[first]] for other in members if other != first)
            total = over + cheapest[chosen & ~(1 << first)]
            if total < best - 1e-12:
                best, leader[chosen] = total, first
        cheapest[chosen] = best
    order, left = [], (1 << size) - 1
    while left:
        order.append(items[leader[left]])
        left &= ~(1 << leader[left])
    return order


def _borda(items: Sequence[int], costs: _Costs) -> list[int]:
    return sorted(items, key=lambda i: -sum(costs[i][j] for j in items if j != i))


def _improved(order: list[int], costs: _Costs) -> list[int]:
    """Move one item at a time to its best place, until a whole round changes nothing. Each move costs less than
    before, so this ends.
    """
    moved = True
    while moved:
        moved = False
        for item in list(order):
            place = order.index(item)
            rest = order[:place] + order[place + 1 :]
            target = _cheapest_place(item, rest, costs, place)
            if target != place:
                order = [*rest[:target], item, *rest[target:]]
                moved = True
    return order


def _cheapest_place(item: int, rest: Sequence[int], costs: _Costs, place: int) -> int:
    """Where in ``rest`` the item costs least: walking down, each one passed now stands above it."""
    totals = [0.0]
    for other in rest:
        totals.append(totals[-1] + costs[item][other] - costs[other][item])
    best = min(totals)
    return place if totals[place] <= best + 1e-12 else totals.index(best)
