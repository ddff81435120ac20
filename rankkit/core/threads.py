"""Daemon threads that run work which may block inside a native library, and the end of them all.

A daemon thread that is inside onnxruntime or llama.cpp when the interpreter goes takes the whole process with it
(SIGABRT), and a thread that is no daemon holds the interpreter back for as long as its call lasts. So the threads here
are daemons, and at exit whatever still runs is cancelled and waited for, before anything of the interpreter is taken
down.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from contextvars import Context

from rankkit.core.cancellation import Cancellation

#: What a thread is given to do, and the context that it does it in (the current cancellation, the gates held).
_Task = tuple[Context, Callable[[], None]]

#: How long the interpreter waits at exit for calls that were cancelled, all together. A native call ends within
#: milliseconds; what takes longer is somebody else's Python code, which may be left behind.
_PATIENCE = 2.0


class Threads:
    """At most as many threads as tasks that run at once; each task is run once, on some thread.

    ``close`` lets the threads end as soon as they have nothing to do.
    """

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        _pools.add(self)

    def ensure(self, count: int) -> None:
        """Have at least ``count`` threads."""
        while len(self._threads) < count:
            thread = threading.Thread(target=_work, args=(self._tasks,), name="rankkit-worker", daemon=True)
            self._threads.append(thread)
            _running.add(thread)
            thread.start()
        # Handlers run last in, first out: ours has to come before those of the libraries that the threads are in.
        atexit.unregister(_end_all)
        atexit.register(_end_all)

    def run(self, context: Context, task: Callable[[], None]) -> None:
        self._tasks.put((context, task))

    def close(self, *, patience: float = 0.0) -> None:
        """Let the threads end, and wait for them for ``patience`` seconds, all together."""
        for _ in self._threads:
            self._tasks.put(None)
        _join(self._threads, patience)
        self._threads = []


def _work(tasks: queue.SimpleQueue[_Task | None]) -> None:
    while (given := tasks.get()) is not None:
        context, task = given
        context.run(task)
        del context, task, given  # nothing of the work lives on while the thread waits


def _join(threads: list[threading.Thread], patience: float) -> None:
    deadline = time.monotonic() + patience
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))


_running: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_pools: weakref.WeakSet[Threads] = weakref.WeakSet()
#: Turned when the interpreter goes: from then on no work begins.
_exit = Cancellation()


def cancelled_at_exit(parent: Cancellation | None) -> Cancellation:
    """A new cancellation, turned with ``parent``, or when the interpreter goes. Close it when the work is over."""
    return Cancellation(_exit) if parent is None else Cancellation(parent, _exit)


def park_at_exit() -> None:
    """Where the interpreter is going, a daemon thread of the caller's does not come back: it would only complain that
    its work was cancelled. (Python stops such threads in the same way when they next want to run.)
    """
    if _exit.cancelled and threading.current_thread().daemon:
        threading.Event().wait()


def _end_all() -> None:
    _exit.cancel()
    for pool in list(_pools):
        pool.close()
    _join(list(_running), _PATIENCE)


def _after_fork() -> None:
    """The child has none of the threads, and the lock of the switch may have been held by one of them."""
    _exit.__init__()  # type: ignore[misc]
    _running.clear()
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
