"""A listwise reranker on an endpoint that misbehaves: nobody is lost, the Step tells, the key is nowhere."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from rankkit.backends.openai_compatible import Endpoint
from rankkit.config import load
from rankkit.errors import CapabilityMissing, RankkitError
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.prompt import load_prompt
from rankkit.reranker import JudgeReranker
from rankkit.testing import request_of
from tests.backends.loopback import Cuts, Hangs, Loopback, Says, chat, error

KEY = "sk-very-secret-key-0123456789"
SOON = {"retry-after-ms": "10"}
GOOD = chat("[4] > [3] > [2] > [1]")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


def reranker(server: Loopback, **options) -> JudgeReranker:
    endpoint = Endpoint("little", base_url=server.url, api_key=KEY, **{"retries": 1, "timeout": 0.5, **options})
    judge = GenerateJudge(endpoint, load_prompt("listwise/rankgpt"))
    return JudgeReranker(judge, Sliding(4, 2), on_error="keep")


@pytest.mark.parametrize(
    ("behaviour", "outcome", "words"),
    [
        (error(401, f"wrong key {KEY}"), "failed", "AuthenticationFailed"),
        (error(404, "no such model"), "failed", "ModelNotServed"),
        (error(429, headers=SOON), "failed", "RateLimited"),
        (error(500, headers=SOON), "failed", "ServerFailed"),
        (Hangs(), "failed", "EndpointTimeout"),
        (Cuts(), "failed", "ConnectionFailed"),
        (Says("{not json"), "failed", "InvalidReply"),
        (Says({"choices": []}), "failed", "InvalidReply"),
        (chat("[2] > [1", finish="length"), "truncated", "truncated"),
        (chat("4 passages were read with interest."), "unreadable", "prose"),
        (chat(""), "unreadable", "empty"),
    ],
    ids=["401", "404", "429", "500", "hang", "cut", "no-json", "no-choice", "length", "prose", "empty"],
)
def test_every_fault_keeps_the_order_and_is_told(server, caplog, behaviour, outcome, words):
    caplog.set_level(logging.DEBUG, logger="rankkit")
    server.behaviour = lambda asked: behaviour
    ranking = reranker(server).rank(request_of([0] * 6))
    assert ranking.order == tuple(range(6))
    [step] = ranking.steps
    assert step.outcomes == {outcome: 2} and ranking.usage.calls == 2
    assert words in json.dumps([list(step.failures), dict(step.defects)])
    told = json.dumps(ranking.to_dict()) + repr(ranking) + caplog.text + repr(reranker(server))
    assert KEY not in told and len(server.asked) <= 4  # two windows, two tries each at most


def test_a_fault_in_one_window_costs_that_window_only(server):
    replies = iter([error(400, "bad request"), GOOD])
    server.behaviour = lambda asked: next(replies)
    ranking = reranker(server).rank(request_of([0] * 6))
    assert ranking.order == (3, 2, 1, 0, 4, 5)
    assert ranking.steps[0].outcomes == {"failed": 1, "ok": 1}


def test_with_raise_the_error_comes_out_without_the_key(server):
    server.behaviour = lambda asked: error(401, f"wrong key {KEY}")
    strict = JudgeReranker(reranker(server).judge, Sliding(4, 2))
    with pytest.raises(RankkitError) as caught:
        strict.rank(request_of([0] * 6))
    assert KEY not in str(caught.value) and caught.value.hint


def test_what_a_server_cannot_do_is_refused_when_the_reranker_is_built(server):
    server.behaviour = lambda asked: chat("Yes")
    spec = {"paradigm": "listwise", "endpoint": server.url, "model": "little"}
    for method in ("first-token", "constrained"):
        with pytest.raises(CapabilityMissing, match=r"(?s)generate.*GGUF"):
            load({**spec, "method": method})
    assert "generate little" in repr(load(spec))


def test_queries_go_out_together_up_to_the_stated_limit(server):
    running, most, lock = 0, 0, threading.Lock()

    def behave(asked):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return GOOD

    server.behaviour = behave
    rankings = reranker(server, concurrency=3).rank_many([request_of([0] * 4, f"query {n}") for n in range(9)])
    assert most == 3 and all(ranking.order == (3, 2, 1, 0) for ranking in rankings)
