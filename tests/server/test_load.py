"""``rankkit serve`` with many clients at once: nothing is lost, mixed up or answered twice, and nothing grows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

import rankkit
from benchmarks.serve.clients import Loop, Task
from rankkit.core.questions import Answer
from rankkit.core.ranking import Request, ScoreKind
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.server.settings import Settings
from rankkit.testing import ScriptedJudge
from tests.server.live import Address, Process, listening, serving
from tests.server.plain import app
from tests.server.test_connections import until
from tests.tiny import tiny_cross_encoder

WORDS = ("good", "bad", "best", "word")
#: What a process may grow by that has served some thousands of requests already.
MEGABYTES = 8.0


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def tasks(model) -> list[Task]:
    """Requests of which no two have the same reply."""
    documents = [f"{one} {two} {three}" for one in WORDS for two in WORDS for three in WORDS]
    requests = [Request.of("word", documents[at : at + 1 + at % 7]) for at in range(len(documents) - 7)]
    with rankkit.load(str(model)) as reranker:
        return [Task.of(request, reranker.rank(request)) for request in requests]


@pytest.fixture
def server(model) -> Iterator[Process]:
    with serving("--model", f"served={model}", "--port", "0", "--no-access-log") as process:
        process.ready()
        yield process


def test_each_request_has_its_own_reply_and_has_it_once(server, tasks):
    address = server.ready()
    outcome = Loop(address.port, tasks, most=400).closed(32)
    assert (len(outcome.seconds), outcome.refused, outcome.wrong, outcome.lost) == (400, 0, 0, 0)
    outcome = Loop(address.port, tasks, most=200).open(32, rate=400.0)
    assert (len(outcome.seconds), outcome.refused, outcome.wrong, outcome.lost) == (200, 0, 0, 0)
    assert counted(address, "200") == 600


def test_more_than_it_can_do_is_refused_and_the_rest_is_right(model, tasks):
    limits = ("--max-in-flight", "1", "--max-queue", "1")
    with serving("--model", f"served={model}", "--port", "0", "--no-access-log", *limits) as process:
        address = process.ready()
        outcome = Loop(address.port, tasks, most=400).closed(16)
        assert outcome.refused > 0 and outcome.seconds and outcome.wrong == outcome.lost == 0
        assert outcome.sent == 400
        assert counted(address, "200") == len(outcome.seconds) and counted(address, "429") == outcome.refused


@pytest.mark.slow
def test_memory_does_not_grow(server, tasks):
    address, process = server.ready(), psutil.Process(server.process.pid)
    held = []
    for _ in range(4):
        outcome = Loop(address.port, tasks, most=1500).closed(8)
        assert len(outcome.seconds) == 1500
        held.append(process.memory_info().rss / 2**20)
    assert held[-1] - held[1] < MEGABYTES, held
    assert process.num_fds() < 100 and process.num_threads() < 60


def test_short_lists_do_not_wait_for_the_end_of_a_long_one():
    """By counts: while short lists of three documents are answered, one after another, the long list before them gets
    about one call for each of theirs.
    """
    calls: list[str] = []

    def answer(asked) -> Answer[float]:
        calls.append(asked.request.query.text)
        time.sleep(0.001)
        return Answer(1 - 1 / (2 + len(asked.request.candidates[asked.question.index].text)))

    judge = ScriptedJudge(answer, score_kind=ScoreKind.PROBABILITY, concurrency=1)
    with (
        listening(app(JudgeReranker(judge, ScoreAll()), settings=Settings(in_flight=8))) as address,
        ThreadPoolExecutor(1) as pool,
    ):
        long = pool.submit(address.ask, "/rerank", {"query": "long", "documents": ["a"] * 1000})
        until(lambda: len(calls) > 5)
        between = []
        for number in range(20):
            before = len(calls)
            status, _, _ = address.ask("/rerank", {"query": f"short {number}", "documents": ["a", "b", "c"]})
            between.append(sum(said == "long" for said in calls[before:]))
            assert status == 200
        assert not long.done()
        assert long.result(60)[0] == 200
    # Reading, writing and the way there and back take a call or two of the long list's as well.
    assert sorted(between)[len(between) // 2] < 40, between
    assert sum(between) < 900


def counted(address: Address, status: str) -> int:
    lines = address.ask("/metrics")[1].splitlines()
    rankings = [line for line in lines if line.startswith("rankkit_requests_total") and "/rerank" in line]
    return round(sum(float(line.split()[-1]) for line in rankings if f'status="{status}"' in line))
