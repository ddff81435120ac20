"""A few daemon threads that run calls and hand their results back to the one thread that keeps the books.

The standard pool will not do: it joins its threads at interpreter exit, so a call that hangs for ever would hang the
user's program too. Here a call that is given up on can be abandoned; its thread ends with it, or with the program.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from rankkit.errors import RankkitError

K = TypeVar("K")
R = TypeVar("R")


class Workers(Generic[K, R]):
    """Runs at most ``count`` jobs at once, each known by its key. ``inline`` runs them on the caller's thread instead.

    Used by one thread only. A ``RankkitError`` of a job is its result; any other exception is a bug and is raised by
    ``collect``.
    """

    def __init__(self, count: int, *, inline: bool) -> None:
        self._count = max(1, count)
        self._inline = inline
        self._running: dict[int, K] = {}
        self._next = 0
        self._threads = 0
        self._abandoned = 0
        self._todo: queue.SimpleQueue[tuple[int, Callable[[], R]] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, R | BaseException]] = queue.SimpleQueue()

    def __enter__(self) -> Workers[K, R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in range(self._threads + self._abandoned):
            self._todo.put(None)

    @property
    def free(self) -> bool:
        return len(self._running) < (1 if self._inline else self._count)

    @property
    def running(self) -> list[K]:
        return list(self._running.values())

    def submit(self, key: K, job: Callable[[], R]) -> None:
        ticket, self._next = self._next, self._next + 1
        self._running[ticket] = key
        if self._inline:
            self._done.put((ticket, _outcome(job)))
            return
        if self._threads < len(self._running):
            self._threads += 1
            threading.Thread(target=_work, args=(self._todo, self._done), name="rankkit-worker", daemon=True).start()
        self._todo.put((ticket, job))

    def collect(self, timeout: float | None) -> list[tuple[K, R | RankkitError]]:
        """Everything that has ended; waits for the first of it, ``timeout`` seconds at most."""
        ended: list[tuple[K, R | RankkitError]] = []
        while self._running:
            try:
                ticket, result = self._done.get(block=not ended, timeout=timeout)
            except queue.Empty:
                break
            if ticket not in self._running:
                continue
            if isinstance(result, BaseException) and not isinstance(result, RankkitError):
                raise result
            ended.append((self._running.pop(ticket), result))
        return ended

    def abandon(self, key: K) -> None:
        """Forget a running job: its result, should it still come, is dropped, and a new thread takes its place."""
        for ticket, running in list(self._running.items()):
            if running is key:
                del self._running[ticket]
                self._threads -= 1
                self._abandoned += 1


def _outcome(job: Callable[[], R]) -> R | BaseException:
    try:
        return job()
    except BaseException as error:  # noqa: BLE001  # not swallowed: handed to the thread that asked
        return error


def _work(
    todo: queue.SimpleQueue[tuple[int, Callable[[], R]] | None],
    done: queue.SimpleQueue[tuple[int, R | BaseException]],
) -> None:
    while (item := todo.get()) is not None:
        ticket, job = item
        done.put((ticket, _outcome(job)))
