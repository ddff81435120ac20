"""The one thread on which a model's native calls run.

Three things follow from it. Whoever waits for a call can be interrupted, Ctrl-C included, and then ends it. There is
one team of OpenMP threads a model, and not one for every thread that ever asked. And a forked child works: OpenMP makes
a thread that had a team before the fork wait for it for ever, but the thread that forks never has one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
#: Seconds between two looks for signals while a call runs.
_GLANCE = 0.1
_Work = SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]


class NativeThread:
    """A daemon: what runs on it at the end of the process is ended by ``native``, not waited for."""

    def __init__(self) -> None:
        self._work: _Work = SimpleQueue()
        threading.Thread(target=_serve, args=(self._work,), name="rankkit-llama", daemon=True).start()

    def run(self, call: Callable[[], T], end: Callable[[], None]) -> T:
        """What ``call`` returns. ``end`` makes it return soon, should the waiting be interrupted; either way it is over
        when this returns.
        """
        done: Future[T] = Future()
        try:
            # Inside: an interruption may come right behind it, when the call has begun already.
            self._work.put((call, done))
            # In short waits: a signal that comes just before a wait is seen only after it.
            while not done.done():
                wait([done], timeout=_GLANCE)
            return done.result()
        finally:
            while not done.done() and not done.cancel():
                end()
                _wait_on(done)

    def stop(self) -> None:
        """No more calls will come."""
        self._work.put(None)


def _wait_on(done: Future[Any]) -> None:
    try:
        wait([done])
    except KeyboardInterrupt:
        # Pressed twice. The call is about to end; to leave it behind would hand its memory to the next.
        return


def _serve(work: _Work) -> None:
    # It knows the queue only: a thread that held the model would keep it in memory for ever.
    while (item := work.get()) is not None:
        call, done = item
        if done.set_running_or_notify_cancel():
            try:
                done.set_result(call())
            except BaseException as error:  # noqa: BLE001  # handed to the thread that waits
                done.set_exception(error)
        del item, call, done
