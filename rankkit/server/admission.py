"""Who may be ranked now, who waits, and who is asked to come again: a bounded number of each, first come first served.

What happens at once inside is the backends' business: their gates (``core.limits``) let the calls of all requests in
by turns, so a long list does not hold up a short one.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rankkit.server.problems import refused

#: How fast the expected time of a request follows what is seen.
_WEIGHT = 0.1


class Admission:
    """``places`` requests are inside at once and ``queue`` more wait. For one event loop. ``on_change`` is called with
    both numbers.
    """

    def __init__(self, places: int, queue: int, on_change: Callable[[int, int], None]) -> None:
        self._places = places
        self._queue = queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._inside = 0
        self._typical_seconds = 0.0
        self._on_change = on_change

    @asynccontextmanager
    async def place(self, timeout: float) -> AsyncIterator[None]:
        """Hold a place, at once or after waiting for it, ``timeout`` seconds at most.

        Raises:
            WireError: 429 where the queue is full, 504 where the time was over before there was a place.
        """
        if self._inside < self._places and not self._waiting:
            self._inside += 1
        elif len(self._waiting) >= self._queue:
            words = f"{self._inside} requests are being ranked and {len(self._waiting)} wait: try again later"
            raise refused(429, "overloaded", words, retry=self.retry_after)
        else:
            await self._wait(timeout)
        entered = time.monotonic()
        self._changed()
        try:
            yield
        finally:
            self._typical_seconds += _WEIGHT * (time.monotonic() - entered - self._typical_seconds)
            self._leave()
            self._changed()

    def _changed(self) -> None:
        self._on_change(self._inside, len(self._waiting))

    @property
    def retry_after(self) -> int:
        """Whole seconds, at least one, in which the queue as it is should be worked off."""
        turns = (len(self._waiting) + 1) / self._places
        return min(60, max(1, math.ceil(turns * self._typical_seconds)))

    async def _wait(self, timeout: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._changed()
        try:
            async with asyncio.timeout(timeout):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._leave()  # the place was handed over in the moment that nobody waited any more
            elif turn in self._waiting:
                self._waiting.remove(turn)
            self._changed()
            if isinstance(error, TimeoutError):
                raise refused(
                    504, "deadline", "the time of this request was over while it waited in the queue"
                ) from error
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # cancelled, but not yet gone
                turn.set_result(None)  # the place goes on from hand to hand
                return
        self._inside -= 1
