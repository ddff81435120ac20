"""One gate for all who use a backend: threads, event loops and forked children."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import os
import threading

import pytest

from rankkit.core.cancellation import Cancellation
from rankkit.core.limits import Gate
from rankkit.errors import Cancelled, ContractViolation


class Counted:
    """How many are inside at once, at most."""

    def __init__(self) -> None:
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def __enter__(self) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *raised: object) -> None:
        with self.lock:
            self.now -= 1


def test_threads_and_event_loops_share_the_places():
    gate, counted, barrier = Gate(3), Counted(), threading.Barrier(6)

    def on_thread() -> None:
        barrier.wait()
        for _ in range(50):
            with gate.held(), counted:
                pass

    async def task() -> None:
        for _ in range(10):
            async with gate.held_async():
                with counted:
                    await asyncio.sleep(0)

    async def tasks() -> None:
        await asyncio.gather(*(task() for _ in range(8)))

    def on_loop() -> None:
        barrier.wait()
        asyncio.run(tasks())

    threads = [threading.Thread(target=run) for run in (on_thread,) * 4 + (on_loop,) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 1 <= counted.most <= 3 and gate.inside == 0


def test_first_come_first_served():
    gate, order = Gate(1), []

    async def guest(name: int) -> None:
        async with gate.held_async():
            order.append(name)
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*map(guest, range(5)))

    asyncio.run(all_of_them())
    assert order == [0, 1, 2, 3, 4]


def test_a_place_that_is_held_is_not_taken_twice():
    gate = Gate(1)
    with gate.held(), gate.held():
        assert gate.inside == 1
    assert gate.inside == 0


def test_who_is_cancelled_while_waiting_leaves_the_queue():
    gate, switch, ended = Gate(1), Cancellation(), []

    def wait() -> None:
        with switch.active(), pytest.raises(Cancelled), gate.held():
            ended.append("inside")

    with gate.held():
        thread = threading.Thread(target=wait)
        thread.start()
        switch.cancel()
        thread.join(10)
    assert not thread.is_alive() and ended == [] and gate.inside == 0
    with gate.held():
        assert gate.inside == 1


def test_a_task_that_is_cancelled_while_waiting_leaves_the_queue():
    gate = Gate(1)

    async def waits() -> None:
        async with gate.held_async():
            raise AssertionError("never inside")

    async def run() -> None:
        async with gate.held_async():
            task = asyncio.create_task(waits(), context=contextvars.Context())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert gate.inside == 0
    asyncio.run(asyncio.wait_for(_enter(gate), 5))


async def _enter(gate: Gate) -> None:
    async with gate.held_async():
        assert gate.inside == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_wait_for_threads_that_it_does_not_have():
    gate = Gate(1)
    with gate.held():
        child = os.fork()
        if child == 0:  # pragma: no cover
            os._exit(7 if gate.inside else 0)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_copy_is_a_gate_of_its_own():
    gate = Gate(2)
    with gate.held():
        other = copy.deepcopy(gate)
    assert other.places == 2 and other.inside == 0 and other is not gate


def test_a_gate_without_places_is_a_mistake():
    with pytest.raises(ContractViolation):
        Gate(0)
