"""Everything at once on one model and one endpoint: threads, event loops whose tasks are cancelled, forked workers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.core.ranking import Request
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.prompting.loading import load_prompt
from tests.backends.loopback import Loopback, chat
from tests.tiny import tiny_cross_encoder

PLACES = 2
#: 8 threads with 25 rankings each; and 4 tasks, each cancelled and begun again a few times.
THREADS, RANKINGS, TASKS, CANCELLED = 8, 25, 4, 5
REQUEST = Request.of("word", ["bad bad", "best", "good good word", "good", "word", "bad"])


class InFlight:
    """How many calls are inside the backend at once, at most."""

    def __init__(self) -> None:
        self._lock, self._now, self.most = threading.Lock(), 0, 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def inner(*given: Any, **named: Any) -> Any:
            with self.counted():
                return call(*given, **named)

        return inner

    def around_async(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(call)
        async def inner(*given: Any, **named: Any) -> Any:
            with self.counted():
                return await call(*given, **named)

        return inner


def onnx(folder: Path) -> tuple[JudgeReranker, InFlight, Callable[[], None]]:
    backend, seen = CrossEncoder(tiny_cross_encoder(folder), threads=PLACES), InFlight()
    backend.score = seen.around(backend.score)
    return JudgeReranker(CrossEncoderJudge(backend), ScoreAll()), seen, backend.close


def endpoint(server: Loopback) -> tuple[JudgeReranker, InFlight, Callable[[], None]]:
    backend = Endpoint("m", base_url=server.url, concurrency=PLACES, context_length=4096)
    seen = InFlight()
    backend.generate = seen.around(backend.generate)
    backend.generate_async = seen.around_async(backend.generate_async)
    judge = GenerateJudge(backend, load_prompt("listwise/rankgpt"))
    return JudgeReranker(judge, Sliding(6, 3)), seen, backend.close


def on_threads(reranker: JudgeReranker, found: list[object]) -> list[threading.Thread]:
    def rank() -> None:
        for _ in range(RANKINGS):
            ranking = reranker.rank(REQUEST)
            found.append((ranking.ids, ranking.scores))

    threads = [threading.Thread(target=rank) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    return threads


async def cancelled_tasks(reranker: JudgeReranker, found: list[object]) -> None:
    async def one(number: int) -> None:
        for turn in range(CANCELLED):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(reranker.rank_async(REQUEST), 0.002 * (number + turn))
        ranking = await reranker.rank_async(REQUEST)
        found.append((ranking.ids, ranking.scores))

    await asyncio.gather(*map(one, range(TASKS)))


def forked(reranker: JudgeReranker, expected: object) -> int:
    """A child that ranks with the parent's model while the parent's threads use it."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        ranking = reranker.rank(REQUEST)
        code = 0 if (ranking.ids, ranking.scores) == expected else 3
    finally:
        os._exit(code)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["onnx", "endpoint"])
def test_never_more_calls_than_places_no_thread_left_and_equal_scores(kind, tmp_path):
    with Loopback() as server:
        server.behaviour = lambda asked: chat("[2] > [3] > [1] > [5] > [4] > [6]")
        before = set(threading.enumerate())
        reranker, seen, close = onnx(tmp_path) if kind == "onnx" else endpoint(server)
        first = reranker.rank(REQUEST)
        expected, found = (first.ids, first.scores), []
        threads = on_threads(reranker, found)
        children = [forked(reranker, expected) for _ in range(2)]
        asyncio.run(cancelled_tasks(reranker, found))
        for thread in threads:
            thread.join(60)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        close()
        left = _left(before)
    assert codes == [0, 0]
    assert len(found) == THREADS * RANKINGS + TASKS and set(found) == {expected}
    assert 1 <= seen.most <= PLACES
    assert left == set()


def _left(known: set[threading.Thread]) -> set[threading.Thread]:
    """Threads that are still there when those that were ending have had their time. The server's own do not count."""
    deadline = time.monotonic() + 10
    while True:
        left = {thread for thread in set(threading.enumerate()) - known if "process_request" not in thread.name}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)
