"""``Workers`` for an event loop: what can wait waits on the loop, what cannot gets a thread. The loop never blocks."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from functools import partial
from typing import TypeVar

from rankkit.core.cancellation import Cancellation, current
from rankkit.core.threads import Threads
from rankkit.core.workers import Work, Workers
from rankkit.errors import Cancelled

K = TypeVar("K")
R = TypeVar("R")


class AsyncWorkers(Workers[K, R]):
    """A task for each piece of work. When the task that waits in ``collect`` is cancelled, so is all that runs."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._threads = Threads()
        self._tasks: dict[int, asyncio.Task[R]] = {}
        self._busy = 0

    def _start(self, ticket: int, work: Work[R], cancellation: Cancellation) -> None:
        task = asyncio.get_running_loop().create_task(self._run(work, cancellation))
        self._tasks[ticket] = task
        # A native call hears of it by its cancellation, a coroutine by its task.
        cancellation.on_cancel(partial(_cancel, task))

    async def _run(self, work: Work[R], cancellation: Cancellation) -> R:
        with cancellation.active():
            if work.arun is None:
                place = nullcontext() if work.gate is None else await work.gate.entered_async()
                return await self._on_thread(partial(_inside, place, work.run))
            async with AsyncExitStack() as stack:
                if work.gate is not None:
                    await stack.enter_async_context(work.gate.held_async())
                return await work.arun()

    async def _on_thread(self, run: Callable[[], R]) -> R:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[R] = loop.create_future()

        def task() -> None:
            try:
                value = run()
            except BaseException as error:  # noqa: BLE001  # not swallowed: it is the future's
                _hand_over(loop, result, None, error)
            else:
                _hand_over(loop, result, value, None)

        self._busy += 1
        self._threads.ensure(self._busy)
        self._threads.run(contextvars.copy_context(), task)
        try:
            return await result
        finally:
            self._busy -= 1 if result.done() and not result.cancelled() else 0

    async def _ended(self, timeout: float | None) -> list[tuple[int, R | BaseException]]:
        waiting = {self._tasks[ticket]: ticket for ticket in self._running}
        if not waiting:
            return []
        done, _ = await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        return [(waiting[task], self._result(self._tasks.pop(waiting[task]))) for task in done]

    @staticmethod
    def _result(task: asyncio.Task[R]) -> R | BaseException:
        if task.cancelled():
            return Cancelled("this work was cancelled", hint="Its time was over, or nobody waits for it any more.")
        error = task.exception()
        return task.result() if error is None else error

    async def _close(self, *, interrupted: bool) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._threads.close()
        if self._tasks:
            # Cancelled tasks end at once: those that wait for a thread leave it to end by itself.
            await asyncio.wait(list(self._tasks.values()))
            for task in self._tasks.values():
                if not task.cancelled():
                    task.exception()  # looked at, so that nobody is warned of an error that nobody waits for
        self._tasks.clear()

    def _abandoned(self, ticket: int) -> None:
        self._tasks.pop(ticket, None)


def _inside(place: AbstractContextManager[None], run: Callable[[], R]) -> R:
    with place:
        current().check()  # cancelled while it waited for a thread: nothing is begun
        return run()


def _cancel(task: asyncio.Task[R]) -> None:
    if not task.get_loop().is_closed():
        task.get_loop().call_soon_threadsafe(task.cancel)


def _hand_over(
    loop: asyncio.AbstractEventLoop, result: asyncio.Future[R], value: R | None, error: BaseException | None
) -> None:
    def settle() -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]  # the value of a run that raised nothing

    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            if not loop.is_closed():  # closed between the question and the call: nobody waits any more
                raise
