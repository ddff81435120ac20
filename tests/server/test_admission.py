"""Who waits and who is asked to come again."""

from __future__ import annotations

import asyncio

import pytest

from rankkit.server.admission import Admission
from rankkit.server.exchange import WireError


class Watched:
    """An admission, and what it said of itself last."""

    def __init__(self, places: int, queue: int) -> None:
        self.now = (0, 0)
        self.admission = Admission(places, queue, self._changed)

    def _changed(self, inside: int, waiting: int) -> None:
        self.now = (inside, waiting)

    async def stay(self, until: asyncio.Event, order: list[int], number: int, timeout: float = 60) -> None:
        async with self.admission.place(timeout):
            order.append(number)
            await until.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_first_come_first_served_and_429_when_the_queue_is_full():
    async def run() -> None:
        watched, end, order = Watched(2, 2), asyncio.Event(), []
        tasks = [asyncio.create_task(watched.stay(end, order, number)) for number in range(4)]
        await settle()
        assert (order, watched.now) == ([0, 1], (2, 2))
        with pytest.raises(WireError) as caught:
            await watched.stay(end, order, 9)
        problem = caught.value.problem
        assert (problem.status, problem.kind, problem.retry_after) == (429, "overloaded", 1)
        end.set()
        await asyncio.gather(*tasks)
        assert (order, watched.now) == ([0, 1, 2, 3], (0, 0))

    asyncio.run(run())


def test_time_in_the_queue_counts():
    async def run() -> None:
        watched, end, order = Watched(1, 2), asyncio.Event(), []
        first = asyncio.create_task(watched.stay(end, order, 0))
        await settle()
        with pytest.raises(WireError) as caught:
            await watched.stay(end, order, 1, timeout=0)
        assert (caught.value.problem.status, watched.now[0]) == (504, 1)
        end.set()
        await first
        await watched.stay(end, order, 2)
        assert order == [0, 2]

    asyncio.run(run())


@pytest.mark.parametrize("also_hand_over", [False, True])
def test_one_who_goes_away_leaves_no_place_behind(also_hand_over):
    async def run() -> None:
        watched, end, order = Watched(1, 3), asyncio.Event(), []
        first = asyncio.create_task(watched.stay(end, order, 0))
        await settle()
        second, third = (asyncio.create_task(watched.stay(end, order, number)) for number in (1, 2))
        await settle()
        if also_hand_over:  # the place is given to one that is cancelled in the same turn of the loop
            end.set()
            await asyncio.wait([first])
        second.cancel()
        end.set()
        await asyncio.wait([first, second, third])
        assert third.result() is None and order[-1] == 2
        await asyncio.wait_for(watched.stay(end, order, 3), 10)
        assert watched.now == (0, 0)

    asyncio.run(run())
