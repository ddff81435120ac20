"""One gate per backend: how many of its calls run at once, over all runs, threads and event loops that use it.

The runner takes a place at the gate of a judge's backend before each call, and backends take one around the native
call itself, so that direct use is limited too. A place that is held in this thread or task, or by whoever started it,
is not taken twice.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar

from rankkit.core.cancellation import current
from rankkit.errors import ContractViolation


class Gate:
    """Lets ``places`` calls in at once, first come first served, whether they wait on threads or on event loops."""

    def __init__(self, places: int) -> None:
        if places < 1:
            raise ContractViolation(f"a gate with {places} places lets nobody in")
        self.places = places
        self._open_anew()
        _all_gates.add(self)

    def _open_anew(self) -> None:
        """As new, which a forked child needs: the threads that hold places are not in it."""
        self._lock = threading.Lock()
        self._inside = 0
        self._waiting: deque[_Waiter] = deque()

    def __repr__(self) -> str:
        return f"Gate({self.places})"

    def __reduce__(self) -> tuple[object, ...]:
        return Gate, (self.places,)

    @property
    def inside(self) -> int:
        """How many calls are inside now."""
        return self._inside

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for a place, on this thread, and hold it.

        Raises:
            Cancelled: the current cancellation was turned while it waited.
        """
        if self in _held.get():
            yield
            return
        self._wait_on_thread()
        with self._marked():
            yield

    @asynccontextmanager
    async def held_async(self) -> AsyncIterator[None]:
        """``held`` for a task: the event loop goes on while it waits."""
        if self in _held.get():
            yield
            return
        await self._wait_on_loop()
        with self._marked():
            yield

    async def entered_async(self) -> AbstractContextManager[None]:
        """Wait for a place while the event loop goes on. What is given holds it from then on, and must be entered where
        the call is made: on a thread, which may still be inside when the task that waits for it was cancelled.
        """
        if self in _held.get():
            return nullcontext()
        await self._wait_on_loop()
        return self._marked()

    @contextmanager
    def _marked(self) -> Iterator[None]:
        token = _held.set(_held.get() | {self})
        try:
            yield
        finally:
            _held.reset(token)
            self._leave()

    def _wait_on_thread(self) -> None:
        cancellation, event = current(), threading.Event()
        cancellation.check()
        waiter = self._enter_or_queue(event.set)
        if waiter is None:
            return
        forget = cancellation.on_cancel(event.set)
        try:
            event.wait()
            cancellation.check()
        except BaseException:
            self._give_up(waiter)
            raise
        finally:
            forget()

    async def _wait_on_loop(self) -> None:
        loop = asyncio.get_running_loop()
        turn = asyncio.Event()

        def call() -> None:
            # A loop that was closed meanwhile has nobody left who waits.
            if not loop.is_closed():
                loop.call_soon_threadsafe(turn.set)

        waiter = self._enter_or_queue(call)
        if waiter is None:
            return
        try:
            await turn.wait()
        except BaseException:
            self._give_up(waiter)
            raise

    def _enter_or_queue(self, call: Callable[[], None]) -> _Waiter | None:
        with self._lock:
            if self._inside < self.places and not self._waiting:
                self._inside += 1
                return None
            waiter = _Waiter(call)
            self._waiting.append(waiter)
            return waiter

    def _give_up(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.admitted:
                self._waiting.remove(waiter)
                return
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                # The place goes on from hand to hand: nobody can slip in between.
                waiter = self._waiting.popleft()
                waiter.admitted = True
            else:
                self._inside -= 1
                return
        waiter.call()


class _Waiter:
    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.admitted = False


_held: ContextVar[frozenset[Gate]] = ContextVar("rankkit_held_gates", default=frozenset())
_all_gates: weakref.WeakSet[Gate] = weakref.WeakSet()


def _after_fork() -> None:
    for gate in list(_all_gates):
        gate._open_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
