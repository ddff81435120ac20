"""Top-down partitioning: order the first window, then ask of all others at once whether they belong above its pivot.

Parry, MacAvaney, Ganguly, "Top-Down Partitioning for Efficient List-Wise Ranking", arXiv 2405.14589.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rankkit.core.questions import Answer, Asking, Order, StrategyResult, Task
from rankkit.errors import ConfigError
from rankkit.listwise.strategies.windows import (
    Permutation,
    arranged,
    at_least,
    fitting,
    head_of,
    question,
    shrinkage,
    spelled,
)


@dataclass(frozen=True, slots=True)
class TopDown:
    """Promise, with a judge that is always right: the best ``cutoff`` candidates stand first, best first.

    The candidate in place ``cutoff`` of the first window is the pivot. All blocks of ``window - 1`` others, each with
    the pivot in front, are one round of independent questions. Whoever comes out above the pivot joins those above it
    in the first window, and this pool is ordered again in the same way; everybody else stays behind, in the order the
    windows gave. Ends when nobody came out above the pivot or the pool fits into one window.

    Price for 100 candidates, window 20, cutoff 10: 6 questions in 2 rounds where the first stage was right; 7 in 3
    where some others join and the pool fits into a window; about 9 in 4 from a random order, 15 in 7 from a reversed
    one. Each two rounds leave at least ``window - cutoff + 1`` candidates behind, whatever the answers. The paper stops
    at a number of found candidates; here every candidate is looked at.

    Where fewer than ``window`` candidates fit into a question, window and cutoff shrink in proportion.
    """

    window: int = 20
    cutoff: int = 10
    depth: int | None = None

    adaptive = True

    def __post_init__(self) -> None:
        at_least(2, "window", self.window)
        at_least(1, "cutoff", self.cutoff)
        at_least(1, "depth", self.depth)
        if self.cutoff >= self.window:
            raise ConfigError(
                f"an impossible window: cutoff {self.cutoff} leaves nobody behind the pivot in a window of "
                f"{self.window}",
                hint=f"Give a cutoff from 1 to {self.window - 1}; half the window ({self.window // 2}) is usual.",
            )

    @property
    def name(self) -> str:
        return spelled("top-down", self.window, self.cutoff, given=(("depth", self.depth, None),))

    def order(self, task: Task) -> Asking[Order, Permutation]:
        head = head_of(task, self.depth)
        window, cutoff = self._fit(task)
        diagnostics = shrinkage(min(self.window, head), window)
        if min(window, head) < 2:
            return StrategyResult(tuple(range(task.n)), diagnostics=diagnostics)
        pool, behind, in_order = list(range(head)), list(range(head, task.n)), False
        while len(pool) > window and not in_order:
            [answer] = yield [question(pool[:window])]
            first = arranged(pool[:window], answer)
            pivot = first[cutoff - 1]
            blocks = [pool[start : start + window - 1] for start in range(window, len(pool), window - 1)]
            answers = yield [question((pivot, *block)) for block in blocks]
            parts = [_parted(pivot, block, answer) for block, answer in zip(blocks, answers, strict=True)]
            pool = _merged([first[: cutoff - 1], *(above for above, _ in parts)])
            behind = [pivot, *first[cutoff:], *(index for _, below in parts for index in below), *behind]
            in_order = not any(above for above, _ in parts)
        if len(pool) > 1 and not in_order:
            [answer] = yield [question(pool)]
            pool = arranged(pool, answer)
        return StrategyResult((*pool, *behind), diagnostics=diagnostics)

    def most_questions(self, task: Task) -> int:
        """Everybody comes out above the pivot each time, and only the tail of the first window stays behind."""
        pool = head_of(task, self.depth)
        window, cutoff = self._fit(task)
        if min(window, pool) < 2:
            return 0
        most = 0
        while pool > window:
            most += 1 + -(-(pool - window) // (window - 1))
            pool -= window - cutoff + 1
        return most + (pool > 1)

    def _fit(self, task: Task) -> tuple[int, int]:
        window = fitting(self.window, task)
        return window, max(1, self.cutoff * window // self.window)


def _merged(parts: Sequence[Sequence[int]]) -> list[int]:
    """The first of each part, then the second of each, ...: the best of all parts come into the next first window, and
    give it a pivot that few can beat.
    """
    rows = zip_longest(*parts)
    return [index for row in rows for index in row if index is not None]


def _parted(pivot: int, block: Sequence[int], answer: Answer[Permutation]) -> tuple[Sequence[int], Sequence[int]]:
    """Who is above and who below the pivot. Where nothing was learned, nobody has shown to be above."""
    if answer.value is None:
        return (), block
    place = answer.value.index(pivot)
    return answer.value[:place], answer.value[place + 1 :]
