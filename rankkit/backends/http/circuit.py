"""A circuit: after repeated failures in a row, calls fail at once for a while instead of waiting for a dead server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rankkit.backends.http.forks import anew_in_children
from rankkit.errors import CircuitOpen, ConfigError


class Circuit:
    """Opens after ``failures`` failed calls in a row and stays open for ``cooldown`` seconds.

    After that one call is let through as a trial while the others still fail at once; its success closes the circuit,
    its failure starts another ``cooldown``. Safe to share between threads.
    """

    def __init__(
        self, *, failures: int = 5, cooldown: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if failures < 1 or cooldown < 0:
            raise ConfigError(
                f"a circuit of {failures} failures and a cooldown of {cooldown:g} seconds is not possible",
                hint="Give at least 1 failure and 0 seconds or more.",
            )
        self._failures = failures
        self._cooldown = cooldown
        self._clock = clock
        self._in_a_row = 0
        self._open_until = float("-inf")
        self._reason = ""
        self.start_anew()
        anew_in_children(self)

    def start_anew(self) -> None:
        """In a forked child: a thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self._failures, self._cooldown, self._clock)

    def __repr__(self) -> str:
        return f"Circuit(failures={self._failures}, cooldown={self._cooldown:g})"

    def before_call(self) -> None:
        """Let a call through, or not.

        Raises:
            CircuitOpen: too many calls failed just before.
        """
        with self._lock:
            if self._in_a_row < self._failures:
                return
            wait = self._open_until - self._clock()
            if wait > 0:
                error = CircuitOpen(
                    f"not asked: the last {self._in_a_row} calls failed, the latest with: {self._reason}",
                    hint=f"The next call is let through in {wait:.1f} seconds.",
                )
                error.sent = False
                raise error
            # The others wait as long as if this trial had failed already: one that never reports back blocks nobody.
            self._open_until = self._clock() + self._cooldown

    def succeeded(self) -> None:
        with self._lock:
            self._in_a_row = 0

    def failed(self, reason: str) -> None:
        """``reason`` is repeated to those who are not let through, so it must be fit to be shown."""
        with self._lock:
            self._in_a_row += 1
            self._reason = reason
            self._open_until = self._clock() + self._cooldown


def _rebuild(failures: int, cooldown: float, clock: Callable[[], float]) -> Circuit:
    return Circuit(failures=failures, cooldown=cooldown, clock=clock)
