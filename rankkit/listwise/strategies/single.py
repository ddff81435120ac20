"""One question about everything, where the context allows it."""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.core.questions import Asking, Order, StrategyResult, Task
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.listwise.strategies.windows import Permutation, at_least, fitting, head_of, shrinkage, spelled


@dataclass(frozen=True, slots=True)
class Single:
    """Do not window what fits into one question: 100 candidates, 1 question, 1 round.

    Promise, with a judge that is always right: everything in its place. What does not fit into one question is ordered
    by ``Sliding`` with the largest window that does, half of it a step; the ranking's ``diagnostics`` then tells that
    window. ``top_k`` as there.
    """

    depth: int | None = None
    top_k: int | None = None

    adaptive = True  # exact only where everything fits, which a strategy does not know before it has its task

    def __post_init__(self) -> None:
        at_least(1, "depth", self.depth)
        at_least(1, "top_k", self.top_k)

    @property
    def name(self) -> str:
        return spelled("single", given=(("depth", self.depth, None), ("top_k", self.top_k, None)))

    def order(self, task: Task) -> Asking[Order, Permutation]:
        head = head_of(task, self.depth)
        window = fitting(head, task)
        diagnostics = shrinkage(head, window)
        if window < 2:
            return StrategyResult(tuple(range(task.n)), diagnostics=diagnostics)
        placed = yield from self._sliding(window).order(task)
        return StrategyResult(placed.order, diagnostics=diagnostics)

    def most_questions(self, task: Task) -> int:
        """One, or as many as there are windows."""
        window = fitting(head_of(task, self.depth), task)
        return 0 if window < 2 else self._sliding(window).most_questions(task)

    def _sliding(self, window: int) -> Sliding:
        return Sliding(window, max(1, window // 2), depth=self.depth, top_k=self.top_k)
