"""What one request has cost so far, and what it may cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rankkit.core.questions import Answer
from rankkit.core.usage import Budget, Usage


class Account:
    """The account of one request for as long as it is being ranked: what was spent, what may be, what is known.

    A stage's account with its own budget has the whole ranking's account as ``parent``: both must agree to a call.
    Several threads may charge it (the members of a fusion do): what is asked and charged together holds the ``lock``,
    which is one for an account and all above and below it. ``clock`` gives seconds.
    """

    def __init__(
        self,
        budget: Budget | None = None,
        parent: Account | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget or Budget()
        self.parent = parent
        self.clock: Callable[[], float] = clock if parent is None else parent.clock
        self.lock: threading.RLock = threading.RLock() if parent is None else parent.lock
        self._started: float | None = None
        self.spent = Usage()
        self.questions = 0
        self.memo: dict[object, Answer[object]] = {} if parent is None else parent.memo
        #: Whether there is a limit, here or above. Without one everything is counted too: it is the usage of a ranking
        #: that ends in an error, which has no ``Step``.
        self.limited: bool = not self.budget.unlimited or (parent is not None and parent.limited)

    def start(self) -> None:
        """Start the clock, once: with the first call of the request, not while it waits in a batch for its turn."""
        if self._started is None:
            self._started = self.clock()
        if self.parent is not None:
            self.parent.start()

    @property
    def elapsed(self) -> float:
        return 0.0 if self._started is None else self.clock() - self._started

    def seconds_left(self) -> float | None:
        """Until the nearest deadline; ``None`` without one."""
        if not self.limited:
            return None
        own = None if self.budget.seconds is None else self.budget.seconds - self.elapsed
        above = self.parent.seconds_left() if self.parent is not None else None
        return above if own is None else own if above is None else min(own, above)

    def refuses(self, bound: Usage, questions: int = 0) -> str:
        """Name the limit that ``bound`` more would break, or ``""``."""
        if not self.limited:
            return ""
        total = self.spent + bound
        own = self.budget.refuses(questions=self.questions + questions, usage=total, seconds=self.elapsed)
        return own or (self.parent.refuses(bound, questions) if self.parent is not None else "")

    def reserve(self, bound: Usage, questions: int = 0) -> str:
        """Charge what a call can cost at most before it is made, if it may be: else the limit that it would break."""
        with self.lock:
            reason = self.refuses(bound, questions)
            if not reason:
                self.charge(bound, questions)
            return reason

    def charge(self, usage: Usage, questions: int = 0) -> None:
        with self.lock:
            self.spent += usage
            self.questions += questions
            if self.parent is not None:
                self.parent.charge(usage, questions)

    def refund(self, bound: Usage) -> None:
        """Take a reservation back: the call is over and its real cost is charged instead."""
        minus = Usage(-bound.calls, -bound.input_tokens, -bound.output_tokens, 0, 0.0, bound.cost and -bound.cost)
        self.charge(minus)
