"""The frame of every pairwise strategy: its options, and what becomes of the candidates that it does not compare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from rankkit.core.questions import Asking, Compare, StrategyResult, Task
from rankkit.errors import ConfigError
from rankkit.pairwise.comparisons import Comparisons, SortProgram


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStrategy(ABC):
    """``top_k`` places have to be right (all when ``None``); whoever is not placed follows in first-stage order.

    Only the first ``depth`` candidates are compared at all. Each pair is asked in both orders, since models favour a
    position; with ``one_sided`` only as the first stage has it, its better one shown first, at half the price.
    """

    name: ClassVar[str]
    adaptive: ClassVar[bool] = True

    top_k: int | None = None
    depth: int | None = None
    one_sided: bool = False

    def __post_init__(self) -> None:
        for option, value in (("top_k", self.top_k), ("depth", self.depth)):
            if value is not None and value < 1:
                raise ConfigError(f"{self.name}: {option} is {value}", hint="Give 1 or more, or leave it out for all.")

    def order(self, task: Task) -> Asking[Compare, float]:
        comparisons = Comparisons(one_sided=self.one_sided)
        n = task.n if self.depth is None else min(self.depth, task.n)
        k = n if self.top_k is None else min(self.top_k, n)
        placed = yield from comparisons.play(self.program(comparisons, n, k))
        inside = set(placed.order)
        rest = [item for item in range(task.n) if item not in inside]
        scores = None if placed.scores is None else (*placed.scores, *(None for _ in rest))
        diagnostics = (*comparisons.diagnostics(), *placed.diagnostics)
        return StrategyResult((*placed.order, *rest), scores, placed.kind, diagnostics, placed.notes)

    def most_questions(self, task: Task) -> int:
        """No pair is asked about twice, so all of them is the most; some methods know better."""
        n = task.n if self.depth is None else min(self.depth, task.n)
        k = n if self.top_k is None else min(self.top_k, n)
        return min(n * (n - 1) // 2, self._most_pairs(n, k)) * (1 if self.one_sided else 2)

    def _most_pairs(self, n: int, k: int) -> int:
        return n * (n - 1) // 2

    @abstractmethod
    def program(self, comparisons: Comparisons, n: int, k: int) -> SortProgram[StrategyResult]:
        """Place the first ``k`` of the candidates 0 to ``n - 1``, and as many more as are known from it."""
