"""Sliding windows, back to front: each window carries its best up into the next.

Sun et al., "Is ChatGPT Good at Search? Investigating Large Language Models as Re-Ranking Agents", arXiv 2304.09542.
"""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.core.questions import Asking, Order, StrategyResult, Task
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


def spans(n: int, window: int, step: int) -> list[tuple[int, int]]:
    """The places ``[start, end)`` of the windows over ``n`` candidates, in the order they are asked.

    100 candidates, window 20, step 10: (80, 100), (70, 90), ..., (0, 20). The first begins at the very end and the last
    at place 0, shorter if need be, so that every candidate is in one: 25 give (5, 25), (0, 15), and 15 give (0, 15).
    """
    end = n
    places = [(max(0, end - window), end)] if n else []
    while places and places[-1][0] > 0:
        end -= step
        places.append((max(0, end - window), end))
    return places


@dataclass(frozen=True, slots=True)
class Sliding:
    """Promise, with a judge that is always right: after ``passes`` passes the best ``passes * (window - step)``
    candidates stand first, best first; everything does where one window holds it all.

    Price: ``1 + ceil((n - window) / step)`` questions a pass, each waiting for the one before. For 100 candidates,
    window 20, step 10: 9 questions in 9 rounds. A further pass goes over the new order; when one changed nothing, the
    others are not made (a plan, for which the first stage is right, therefore shows one). Where fewer than ``window``
    candidates fit into a question, window and step shrink in proportion, and so does the promise; the ranking's
    ``diagnostics`` then tells the window used.

    ``top_k``: how many places of the result matter. ``None`` asks for full permutations, as the field does. A number
    asks the last window for that many places only and the others for the ``window - step`` that they carry up: a
    generating model then writes about half as much. The price is that the order behind those places is whatever the
    judge makes of it, and that further passes promise no more than the first.
    """

    window: int = 20
    step: int = 10
    passes: int = 1
    depth: int | None = None
    top_k: int | None = None

    adaptive = True

    def __post_init__(self) -> None:
        at_least(2, "window", self.window)
        at_least(1, "step", self.step)
        at_least(1, "passes", self.passes)
        at_least(1, "depth", self.depth)
        at_least(1, "top_k", self.top_k)
        if self.step >= self.window:
            raise ConfigError(
                f"an impossible window: a step of {self.step} carries nothing from one window of {self.window} "
                "to the next",
                hint=f"Give a step from 1 to {self.window - 1}; half the window ({self.window // 2}) is usual.",
            )

    @property
    def name(self) -> str:
        given = (("passes", self.passes, 1), ("depth", self.depth, None), ("top_k", self.top_k, None))
        return spelled("sliding", self.window, self.step, given=given)

    def order(self, task: Task) -> Asking[Order, Permutation]:
        order = list(range(task.n))
        head = head_of(task, self.depth)
        window, step = self._fit(task)
        diagnostics = shrinkage(min(self.window, head), window)
        if min(window, head) < 2:
            return StrategyResult(tuple(order), diagnostics=diagnostics)
        for _ in range(self.passes):
            before = order.copy()
            for start, end in spans(head, window, step):
                [answer] = yield [question(order[start:end], self._top(start, window - step))]
                order[start:end] = arranged(order[start:end], answer)
            if order == before:
                break
        return StrategyResult(tuple(order), diagnostics=diagnostics)

    def most_questions(self, task: Task) -> int:
        """Every window in every pass."""
        head = head_of(task, self.depth)
        window, step = self._fit(task)
        return 0 if min(window, head) < 2 else self.passes * len(spans(head, window, step))

    def _fit(self, task: Task) -> tuple[int, int]:
        window = fitting(self.window, task)
        # Rounded down: a window that had to shrink keeps at least the share that it carries up.
        return window, max(1, self.step * window // self.window)

    def _top(self, start: int, carried: int) -> int | None:
        if self.top_k is None:
            return None
        return carried if start else self.top_k
