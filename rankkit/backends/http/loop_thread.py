"""An event loop on a thread of its own, where all that waits for servers runs, whoever asks.

So logic is written once, as coroutines: a caller without an event loop waits for the result on his thread, one with
an event loop awaits it there, and all of them share one pool of connections, which outlives any one call. The caller's
context goes along: the cancellation that he works under, the gates that he holds.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rankkit.backends.http.forks import anew_in_children
from rankkit.core.cancellation import current
from rankkit.errors import Cancelled

R = TypeVar("R")
T = TypeVar("T")

#: How long ``close`` waits for connections to be closed, in seconds.
PATIENCE = 2.0


@dataclass(frozen=True, eq=False)
class _Open(Generic[R]):
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    resource: R


class LoopThread(Generic[R]):
    """Runs coroutines on a loop on which a ``resource`` is open. Both are made when first needed.

    ``close`` ends the thread; so does the garbage collector, and the end of the program. What is asked for after
    ``close`` opens them anew. A forked child opens its own.
    """

    def __init__(self, resource: Callable[[], AbstractAsyncContextManager[R]]) -> None:
        """``resource`` must not refer to the owner of this object, or neither is ever collected."""
        self._resource = resource
        self.start_anew()
        anew_in_children(self)

    def start_anew(self) -> None:
        self._lock = threading.Lock()
        self._open: _Open[R] | None = None
        self._end: Callable[[], object] | None = None

    @property
    def resource(self) -> R:
        """For coroutines that run here.

        Raises:
            Cancelled: it was closed meanwhile.
        """
        opened = self._open
        if opened is None or opened.loop is not asyncio.get_running_loop():
            raise _closed()
        return opened.resource

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine here and wait for it.

        Raises:
            Cancelled: the current cancellation was turned, or this object was closed, meanwhile.
        """
        future = self._submit(work)
        try:
            with current().ended_by(lambda: _cancel(future)):
                return future.result()
        except CancelledError:
            pass
        except BaseException:
            _cancel(future)
            raise
        raise _closed()

    async def run_async(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The same for a task of any event loop. Cancelling the task ends the work."""
        future = self._submit(work)
        task = asyncio.current_task()
        try:
            with current().ended_by(lambda: _cancel(future)):
                return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            _cancel(future)
            if task is None or task.cancelling():
                raise
        except BaseException:
            _cancel(future)
            raise
        current().check()
        raise _closed()

    def close(self) -> None:
        """End what runs, give connections back, and wait for the thread."""
        with self._lock:
            end, self._open, self._end = self._end, None, None
        if end is not None:
            end()

    def _submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        current().check()
        with self._lock:
            if self._open is None:
                self._open = self._started()
            return asyncio.run_coroutine_threadsafe(work(), self._open.loop)

    def _started(self) -> _Open[R]:
        ready: Future[_Open[R]] = Future()
        thread = threading.Thread(target=_serve, args=(self._resource, ready), name="rankkit-http", daemon=True)
        thread.start()
        opened = ready.result()
        self._end = weakref.finalize(self, _end, opened, thread, os.getpid())
        return opened


def _serve(resource: Callable[[], AbstractAsyncContextManager[R]], ready: Future[_Open[R]]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_DaemonExecutor())
        stop = asyncio.Event()
        async with resource() as made:
            ready.set_result(_Open(loop, stop, made))
            await stop.wait()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    try:
        asyncio.run(main())
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


def _end(opened: _Open[Any], thread: threading.Thread, owner: int) -> None:
    """Called by ``close``, by the garbage collector on any thread, or at exit. In a forked child there is no thread,
    and the loop's handles belong to the parent too: they are left alone.
    """
    if os.getpid() != owner or opened.loop.is_closed():
        return
    try:
        opened.loop.call_soon_threadsafe(opened.stop.set)
    except RuntimeError:
        if not opened.loop.is_closed():
            raise
    if thread is not threading.current_thread():
        thread.join(PATIENCE)


def _cancel(future: Future[Any]) -> None:
    future.cancel()


def _closed() -> Cancelled:
    return Cancelled("the connections were closed during a call", hint="Close a backend when nobody uses it any more.")


class _DaemonExecutor(ThreadPoolExecutor):
    """For what an event loop cannot wait for, which is the name of a host being looked up. The standard executor's
    threads are waited for when the program ends, for as long as a lookup takes.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any) -> Future[T]:  # type: ignore[override]  # all that loops use
        future: Future[T] = Future()

        def look_up() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args)
            except BaseException as error:  # noqa: BLE001  # not swallowed: it is the future's
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=look_up, name="rankkit-lookup", daemon=True).start()
        return future
