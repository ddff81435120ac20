"""Ending work that is no longer wanted: a time budget ran out, a task was cancelled, the program ends.

Whoever starts work makes a ``Cancellation`` and runs the work inside ``active()``. Whoever does the work (a backend,
inside a native call) says how it can be ended::

    options = RunOptions()
    with current().ended_by(lambda: setattr(options, "terminate", True)):
        session.run(...)

Nothing here knows threads, event loops or runtimes; ``workers`` and ``async_workers`` make the cancellations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rankkit.errors import Cancelled


class Cancellation:
    """A one-way switch that any thread may turn. With ``parents``, turned when one of them is turned."""

    def __init__(self, *parents: Cancellation) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._stops: dict[int, Callable[[], None]] = {}
        self._next = 0
        self._leave = [parent.on_cancel(self.cancel) for parent in parents]

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Turn it, and end what runs now. Again changes nothing."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            stops, self._stops = list(self._stops.values()), {}
        for stop in stops:
            stop()

    def on_cancel(self, stop: Callable[[], None]) -> Callable[[], None]:
        """Have ``stop`` called once when it is turned (now, if it was), by whichever thread turns it: it must be quick
        and must not raise. Gives the function that takes this back.
        """
        with self._lock:
            if not self._cancelled:
                ticket, self._next = self._next, self._next + 1
                self._stops[ticket] = stop
                return lambda: self._forget(ticket)
        stop()
        return _nothing

    def _forget(self, ticket: int) -> None:
        with self._lock:
            self._stops.pop(ticket, None)

    def close(self) -> None:
        """The work is over: the parents need not think of it any more."""
        for leave in self._leave:
            leave()

    def check(self) -> None:
        """Raises:
        Cancelled: it was turned.
        """
        if self._cancelled:
            raise Cancelled("this work was cancelled", hint="Its time was over, or nobody waits for it any more.")

    @contextmanager
    def ended_by(self, stop: Callable[[], None]) -> Iterator[None]:
        """Around a call that blocks: ``stop`` is what makes it return.

        Raises:
            Cancelled: it was turned before, or meanwhile; whatever the call raised for it is the cause.
        """
        self.check()
        forget = self.on_cancel(stop)
        try:
            yield
        except Cancelled:
            raise
        except Exception as error:
            if self._cancelled:
                raise Cancelled("this work was cancelled while a model ran") from error
            raise
        finally:
            forget()

    @contextmanager
    def active(self) -> Iterator[Cancellation]:
        """Make it the ``current`` one of this thread or task."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)


def _nothing() -> None: ...


_current: ContextVar[Cancellation | None] = ContextVar("rankkit_cancellation", default=None)


def current() -> Cancellation:
    """The cancellation that this thread or task works under; one that nobody turns, if there is none."""
    return _current.get() or Cancellation()


def enclosing() -> Cancellation | None:
    """The cancellation that this thread or task works under, if there is one."""
    return _current.get()
