"""Who beat whom: the outcome of comparisons, complete or partial, and how to read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rankkit.errors import InputError


@dataclass(frozen=True, slots=True)
class WinMatrix:
    """What ``n`` items' comparisons came to.

    ``asked[first, second]`` is P(first beats second) when they were shown in this order. The two orders of a pair are
    two entries; either or both may be missing.

    Raises:
        InputError: an index outside 0..n-1, an item against itself, or no probability.
    """

    n: int
    asked: Mapping[tuple[int, int], float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for (first, second), probability in self.asked.items():
            if first == second or not (0 <= first < self.n and 0 <= second < self.n):
                raise InputError(
                    f"a comparison of {first} with {second} among {self.n} items",
                    hint="Items are numbered from 0, and none is compared with itself.",
                )
            if not 0.0 <= probability <= 1.0:
                raise InputError(f"P({first} beats {second}) is {probability!r}", hint="Give a number from 0 to 1.")

    @classmethod
    def of_permutations(cls, n: int, permutations: Iterable[Sequence[int]]) -> WinMatrix:
        """Read samples of an order, best first, each of all or of some of the items: P(i beats j) is the share of the
        samples with both in which i comes first.
        """
        wins: dict[tuple[int, int], int] = {}
        for permutation in permutations:
            if len(set(permutation)) < len(permutation):
                raise InputError(f"a permutation names an item twice: {tuple(permutation)}")
            for place, winner in enumerate(permutation):
                for loser in permutation[place + 1 :]:
                    wins[winner, loser] = wins.get((winner, loser), 0) + 1
        met = {pair for i, j in wins for pair in ((i, j), (j, i))}
        shares = {(i, j): wins.get((i, j), 0) / (wins.get((i, j), 0) + wins.get((j, i), 0)) for i, j in met}
        return cls(n, shares)

    def shown_first(self, i: int, j: int) -> float | None:
        """P(i beats j) as answered with i shown first; the other order's answer turned round where only that exists."""
        straight = self.asked.get((i, j))
        if straight is not None:
            return straight
        turned = self.asked.get((j, i))
        return None if turned is None else 1.0 - turned

    def beats(self, i: int, j: int) -> float | None:
        """P(i beats j) with the favour for a position taken out: the mean over both orders, or the one there is."""
        straight, turned = self.shown_first(i, j), self.shown_first(j, i)
        return None if straight is None or turned is None else (straight + 1.0 - turned) / 2.0

    def opponents(self) -> list[list[int]]:
        """For each item those that it met, in ascending order."""
        met: list[set[int]] = [set() for _ in range(self.n)]
        for i, j in self.asked:
            met[i].add(j)
            met[j].add(i)
        return [sorted(others) for others in met]
