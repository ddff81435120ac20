"""Deadlines, cancellation and fairness: what a ranking does in the time it has."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from starlette.testclient import TestClient

from rankkit.core.questions import Answer
from rankkit.core.ranking import ScoreKind
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.server.in_time import Ranker
from rankkit.server.settings import Settings
from rankkit.testing import ScriptedJudge, request_of
from tests.server.plain import BODY, app, sleepy

#: Real deadlines.
pytestmark = pytest.mark.slow


def scoring(before: object = lambda: None, concurrency: int = 1) -> JudgeReranker:
    """Scores documents by their length, one a call; ``before`` is called before each."""

    def answer(asked: object) -> Answer[float]:
        before()
        text = asked.request.candidates[asked.question.index].text
        return Answer(1 - 1 / (1 + len(text)))

    return JudgeReranker(ScriptedJudge(answer, score_kind=ScoreKind.PROBABILITY, concurrency=concurrency), ScoreAll())


def client(*rerankers: object, **more: object) -> TestClient:
    return TestClient(app(*rerankers, **more), base_url="http://127.0.0.1:8000")


def test_when_time_is_over_the_best_order_so_far_comes_with_a_warning():
    calls: list[float] = []

    def before() -> None:
        calls.append(time.monotonic())
        if len(calls) > 2:
            time.sleep(1.0)

    reply = client(scoring(before)).post("/rerank", json=BODY, headers={"X-Rankkit-Deadline-Ms": "500"})
    assert reply.status_code == 200
    assert sorted(index for index, _ in reply.json()["results"]) == [0, 1, 2]
    assert any("stopped early (budget of" in words for words in reply.json()["warnings"])
    assert len(calls) == 3


@pytest.mark.parametrize(
    "reranker", [scoring(lambda: time.sleep(1.0)), sleepy(1.0)], ids=["accounted", "has only rank"]
)
def test_when_nothing_was_scored_in_time_it_is_504(reranker):
    started = time.monotonic()
    reply = client(reranker).post("/rerank", json=BODY, headers={"X-Rankkit-Deadline-Ms": "100"})
    assert (reply.status_code, reply.json()["kind"]) == (504, "deadline")
    assert time.monotonic() - started < 1.0  # nobody waits for the call that is in flight


def test_the_server_has_a_deadline_too_and_a_longest_one():
    quick = Settings(deadline=0.05, longest_deadline=0.1)
    slow = scoring(lambda: time.sleep(0.3))
    assert client(slow, settings=quick).post("/rerank", json=BODY).status_code == 504
    asks = {"X-Rankkit-Deadline-Ms": "60000"}
    assert client(slow, settings=quick).post("/rerank", json=BODY, headers=asks).status_code == 504


@pytest.mark.parametrize("said", ["0", "-1", "1.5", "soon", "", "9" * 12])
def test_a_deadline_that_is_none_is_refused(said):
    reply = client().post("/rerank", json=BODY, headers={"X-Rankkit-Deadline-Ms": said})
    assert (reply.status_code, reply.json()["param"]) == (400, "x-rankkit-deadline-ms")


def test_a_cancelled_ranking_makes_no_further_call():
    calls, began = [], threading.Event()

    def before() -> None:
        calls.append(1)
        began.set()
        time.sleep(0.1)

    async def run() -> None:
        task = asyncio.create_task(Ranker(threads=1).rank(scoring(before), request_of([0.0] * 50), 60))
        await asyncio.to_thread(began.wait, 10)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(run())
    time.sleep(0.3)
    assert len(calls) == 1


def test_a_long_list_does_not_hold_up_short_ones():
    """One backend with one place: the calls of all requests go through it by turns, so three documents wait for three
    calls of the long list and not for a thousand.
    """
    one = scoring(lambda: time.sleep(0.001))

    async def run() -> tuple[list[bool], bool]:
        ranker = Ranker(threads=1)
        long = asyncio.create_task(ranker.rank(one, request_of([0.0] * 1000), 60))
        await asyncio.sleep(0.05)
        before = []
        for _ in range(5):
            await ranker.rank(one, request_of([0.0] * 3), 60)
            before.append(not long.done())
        return before, len((await long).order) == 1000

    before, whole = asyncio.run(run())
    assert before == [True] * 5 and whole


def test_objects_that_have_only_rank_work_on_as_many_threads_as_are_allowed():
    now, most, lock = 0, 0, threading.Lock()

    class Counting:
        def rank(self, request):
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.02)
            with lock:
                now -= 1
            return sleepy(0).rank(request)

    async def run() -> None:
        ranker = Ranker(threads=2)
        await asyncio.gather(*(ranker.rank(Counting(), request_of([0.0, 1.0]), 60) for _ in range(10)))

    asyncio.run(run())
    assert most == 2
