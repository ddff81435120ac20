"""Ranking on an event loop: the same rankings, and an end as soon as nobody waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from rankkit.core.async_workers import AsyncWorkers
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Score
from rankkit.core.usage import Budget, Usage
from rankkit.core.workers import Work
from rankkit.errors import ConnectionFailed
from rankkit.pipeline.cascade import Cascade
from rankkit.pipeline.fusion import fuse
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle, request_of

RELEVANCE = [3, 9, 1, 7]


class LoopJudge(ScriptedJudge):
    """Its calls are coroutines, as an endpoint's are; ``calls`` counts those that began, ``open`` those that run."""

    def prepare(self, asked: Sequence[BoundQuestion[Score]]):
        for slot, item in enumerate(asked):
            yield Call((slot,), Usage(calls=1), self._refuse, lambda item=item: self._reply(item))

    def _refuse(self) -> list[Reply[float]]:
        raise AssertionError("this judge runs on event loops")

    async def _reply(self, item: BoundQuestion[Score]) -> list[Reply[float]]:
        seen.append(item)
        await asyncio.sleep(pause[0])
        return [Reply(self.answer(item), Usage(calls=1))]


seen: list[object] = [None]
pause = [0.0]


@pytest.fixture(autouse=True)
def _fresh():
    seen.clear()
    pause[0] = 0.0


def on_threads() -> JudgeReranker:
    return JudgeReranker(ScriptedJudge(oracle().answer, concurrency=2), ScoreAll())


def on_the_loop() -> JudgeReranker:
    return JudgeReranker(LoopJudge(oracle().answer, concurrency=2), ScoreAll())


@pytest.mark.parametrize("reranker", [on_threads(), on_the_loop()], ids=["threads", "loop"])
def test_every_form_gives_the_same(reranker):
    requests = [request_of(RELEVANCE), request_of([]), request_of([1, 2])]

    async def run():
        streamed = [ranking.ids async for ranking in reranker.iter_rank_many_async(iter(requests), top_k=2)]
        many = await reranker.rank_many_async(requests, top_k=2)
        one = await reranker.rank_async(requests[0], top_k=2, threshold=7.0, budget=Budget(calls=100))
        return streamed, [ranking.ids for ranking in many], one.ids

    streamed, many, one = asyncio.run(run())
    assert streamed == many == [("d1", "d3"), (), ("d1", "d0")]
    assert one == ("d1", "d3")


def test_pipelines_run_on_the_loop_too():
    cascade = on_the_loop().drop_after(3) >> fuse(on_the_loop(), on_the_loop())
    ranking = asyncio.run(cascade.rank_async(request_of(RELEVANCE)))
    assert ranking.ids == ("d1", "d3", "d0") and isinstance(cascade, Cascade)


def test_the_event_loop_goes_on_while_threads_work():
    release, ticks = threading.Event(), []

    def answer(asked: BoundQuestion) -> Answer:
        assert release.wait(10)
        return oracle().answer(asked)

    async def tick() -> None:
        ticks.append(1)
        release.set()

    async def run():
        ranking = asyncio.create_task(JudgeReranker(ScriptedJudge(answer), ScoreAll()).rank_async(request_of([1, 2])))
        await asyncio.sleep(0.01)
        await tick()
        return await ranking

    assert asyncio.run(run()).ids == ("d1", "d0") and ticks == [1]


def test_a_cancelled_ranking_makes_no_further_call_on_the_loop():
    pause[0] = 30.0

    async def run() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(on_the_loop().rank_async(request_of(range(100))), 0.05)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())
    assert len(seen) == 2


def test_a_cancelled_ranking_makes_no_further_call_on_threads():
    calls, release = [], threading.Event()

    def answer(asked: BoundQuestion) -> Answer:
        calls.append(asked)
        release.wait(10)
        return oracle().answer(asked)

    reranker = JudgeReranker(ScriptedJudge(answer, concurrency=2), ScoreAll())
    before = set(threading.enumerate())

    async def run() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reranker.rank_async(request_of(range(100))), 0.05)

    asyncio.run(run())  # the loop closes although the two calls in flight have not ended
    release.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert len(calls) == 2 and set(threading.enumerate()) <= before


def test_a_deadline_holds_on_the_loop():
    pause[0] = 30.0
    ranking = asyncio.run(on_the_loop().rank_async(request_of(RELEVANCE), budget=Budget(seconds=0.05)))
    assert ranking.ids == ("d0", "d1", "d2", "d3") and ranking.steps[0].stopped == "budget of 0.05 seconds"


def test_an_error_ends_the_other_calls():
    def answer(asked: BoundQuestion) -> Answer:
        raise ConnectionFailed("no connection")

    with pytest.raises(ConnectionFailed):
        asyncio.run(JudgeReranker(LoopJudge(answer), ScoreAll()).rank_async(request_of(RELEVANCE)))


def test_the_gate_holds_over_all_runs_and_kinds_of_runs():
    inside, most, lock = [0], [0], threading.Lock()

    def answer(asked: BoundQuestion) -> Answer:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        threading.Event().wait(0.001)
        with lock:
            inside[0] -= 1
        return oracle().answer(asked)

    reranker = JudgeReranker(ScriptedJudge(answer, concurrency=2), ScoreAll())

    async def run() -> None:
        await asyncio.gather(*(reranker.rank_async(request_of(RELEVANCE)) for _ in range(6)))

    threads = [threading.Thread(target=reranker.rank, args=(request_of(RELEVANCE),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(run())
    for thread in threads:
        thread.join()
    assert most[0] == 2


def test_documents_without_a_text_are_left_out_on_demand_and_counted():
    documents = [{"id": "a", "text": "", "relevance": 1.0}, {"id": "b", "text": "b", "relevance": 2.0}]
    ranking = on_threads().rerank("q", documents, on_empty="skip")
    again = asyncio.run(on_threads().rerank_async("q", documents, on_empty="skip"))
    assert ranking.ids == again.ids == ("b",) and sum(ranking.request.notes.values()) == 1


def test_work_that_waits_for_a_thread_is_not_begun_once_nobody_waits_for_it():
    begun: list[str] = []
    handed = []

    async def left() -> None:
        async with AsyncWorkers(1) as workers:
            workers._threads.run = lambda context, task: handed.append((context, task))  # type: ignore[method-assign]
            workers.submit("one", Work(lambda: begun.append("one")))
            await asyncio.sleep(0)

    asyncio.run(left())
    [(context, task)] = handed
    context.run(task)
    assert begun == []
