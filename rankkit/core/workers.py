"""The I/O seam: what runs calls, on threads here, on an event loop in ``async_workers``. All else is written once.

``rank`` and its like are ``async`` inside and never wait but for ``Workers.collect``. On threads ``collect`` blocks
instead of waiting, so ``drive`` runs such a coroutine to its end without any event loop.
"""

from __future__ import annotations

import contextvars
import queue
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar

from rankkit.core.cancellation import Cancellation, enclosing
from rankkit.core.limits import Gate
from rankkit.core.threads import Threads, cancelled_at_exit, park_at_exit
from rankkit.errors import ContractViolation, RankkitError

K = TypeVar("K")
R = TypeVar("R")

#: How long an error or an interruption waits for the calls that it has cancelled, in seconds.
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Work(Generic[R]):
    """Something that takes time: ``run`` on a thread, or ``arun`` on an event loop where that is possible. ``gate``
    limits how many run at once wherever they come from.
    """

    run: Callable[[], R]
    arun: Callable[[], Awaitable[R]] | None = None
    gate: Gate | None = None


class Workers(ABC, Generic[K, R]):
    """Runs at most ``count`` pieces of work at once, each known by its key.

    Used by one thread or task only. A ``RankkitError`` of the work is its result; any other exception is a bug and is
    raised by ``collect``. Whatever still runs when the ``async with`` block is left is cancelled.
    """

    def __init__(self, count: int) -> None:
        self._count = max(1, count)
        self._running: dict[int, tuple[K, Cancellation]] = {}
        self._next = 0

    async def __aenter__(self) -> Workers[K, R]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, cancellation in self._running.values():
            cancellation.cancel()
            cancellation.close()
        await self._close(interrupted=error is not None)
        self._running.clear()

    @property
    def free(self) -> bool:
        return len(self._running) < self._count

    @property
    def running(self) -> list[K]:
        return [key for key, _ in self._running.values()]

    def submit(self, key: K, work: Work[R]) -> None:
        ticket, self._next = self._next, self._next + 1
        cancellation = cancelled_at_exit(enclosing())
        self._running[ticket] = key, cancellation
        self._start(ticket, work, cancellation)

    async def collect(self, timeout: float | None) -> list[tuple[K, R | RankkitError]]:
        """Everything that has ended; waits for the first of it, ``timeout`` seconds at most."""
        ended: list[tuple[K, R | RankkitError]] = []
        for ticket, result in await self._ended(timeout):
            if ticket not in self._running:
                continue  # abandoned meanwhile
            key, cancellation = self._running.pop(ticket)
            cancellation.close()
            if isinstance(result, BaseException) and not isinstance(result, RankkitError):
                raise result
            ended.append((key, result))
        return ended

    def abandon(self, key: K) -> None:
        """End a piece of work that nobody waits for any more: its result, should it still come, is dropped."""
        for ticket, (running, cancellation) in list(self._running.items()):
            if running is key:
                del self._running[ticket]
                cancellation.cancel()
                cancellation.close()
                self._abandoned(ticket)

    @abstractmethod
    def _start(self, ticket: int, work: Work[R], cancellation: Cancellation) -> None: ...

    @abstractmethod
    async def _ended(self, timeout: float | None) -> list[tuple[int, R | BaseException]]: ...

    @abstractmethod
    async def _close(self, *, interrupted: bool) -> None: ...

    def _abandoned(self, ticket: int) -> None: ...


class ThreadWorkers(Workers[K, R]):
    """On threads of their own, so that the caller's can be interrupted and can be left at exit; ``inline`` on the
    caller's instead, one piece of work at a time, for what takes no time.
    """

    def __init__(self, count: int, *, inline: bool = False) -> None:
        super().__init__(1 if inline else count)
        self._inline = inline
        self._threads = Threads()
        self._lost = 0
        self._done: queue.SimpleQueue[tuple[int, R | BaseException]] = queue.SimpleQueue()

    def _start(self, ticket: int, work: Work[R], cancellation: Cancellation) -> None:
        def task() -> None:
            result: R | BaseException = outcome_of(work, cancellation)
            self._done.put((ticket, result))

        if self._inline:
            task()
            return
        self._threads.ensure(len(self._running) + self._lost)
        self._threads.run(contextvars.copy_context(), task)

    async def _ended(self, timeout: float | None) -> list[tuple[int, R | BaseException]]:
        ended: list[tuple[int, R | BaseException]] = []
        while len(ended) < len(self._running):
            try:
                ended.append(self._done.get(block=not ended, timeout=timeout))
            except queue.Empty:
                break
        park_at_exit()
        return ended

    async def _close(self, *, interrupted: bool) -> None:
        self._threads.close(patience=_PATIENCE if interrupted else 0.0)

    def _abandoned(self, ticket: int) -> None:
        self._lost += 1  # its thread is busy until the call has noticed


def outcome_of(work: Work[R], cancellation: Cancellation) -> R | BaseException:
    """Run it here, at its gate and under its cancellation."""
    try:
        with cancellation.active(), work.gate.held() if work.gate is not None else nullcontext():
            return work.run()
    except BaseException as error:  # noqa: BLE001  # not swallowed: handed to whoever asked for the work
        return error


def drive(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine that waits for nothing but ``ThreadWorkers``, on this thread and without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: R = stop.value
        return result
    coroutine.close()
    raise ContractViolation("something in a synchronous ranking waited for an event loop")
