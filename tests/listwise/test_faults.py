"""A listwise reranker on an endpoint that misbehaves: nobody is lost, the Step tells, the key is nowhere."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.config import load
from rankkit.core.usage import Budget
from rankkit.errors import CapabilityMissing, ConfigError, RankkitError
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt
from rankkit.testing import request_of
from tests.backends.loopback import Cuts, Hangs, Loopback, Says, chat, error

#: A real server that hangs and breaks.
pytestmark = pytest.mark.slow

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
    return JudgeReranker(judge, Sliding(4, 2), on_call_failure="partial")


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
    # Each try that was sent is charged.
    assert step.outcomes == {outcome: 2} and ranking.usage.calls == len(server.asked)
    assert words in json.dumps([list(step.failures), dict(step.defects)])
    told = json.dumps(ranking.to_dict()) + repr(ranking) + caplog.text + repr(reranker(server))
    assert KEY not in told and len(server.asked) <= 4  # two windows, two tries each at most


def test_a_fault_in_one_window_costs_that_window_only(server):
    replies = iter([error(400, "bad request"), GOOD])
    server.behaviour = lambda asked: next(replies)
    ranking = reranker(server).rank(request_of([0] * 6))
    assert ranking.order == (3, 2, 1, 0, 4, 5)
    assert ranking.steps[0].outcomes == {"failed": 1, "ok": 1}


@pytest.mark.parametrize("budget", [Budget(), Budget(calls=100)], ids=["no limit", "a limit"])
def test_the_bill_has_a_call_that_failed_and_none_that_an_open_circuit_held_back(server, budget):
    server.behaviour = lambda asked: error(500)
    going_on = reranker(server, retries=0, circuit=Circuit(failures=2))
    ranking = going_on.rank(request_of([0] * 12), budget=budget)
    assert ranking.usage.calls == len(server.asked) == 2
    assert ranking.steps[0].outcomes == {"failed": 5}

    judge = reranker(server, retries=0, circuit=Circuit(failures=2)).judge
    stage = JudgeReranker(judge, Sliding(4, 2)).on_failure("keep")
    server.asked.clear()
    bills = [stage.rank(request_of([0] * 4), budget=budget).usage.calls for _ in range(4)]
    assert bills == [1, 1, 0, 0] and len(server.asked) == 2


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


@pytest.mark.parametrize("takes_constraints", [True, False])
def test_setwise_without_log_probabilities_is_constrained_where_the_server_can(server, takes_constraints):
    def behave(asked):
        wanted = asked.body.get("response_format") if takes_constraints else None
        if wanted is None:
            return chat("Passage D")
        labels = wanted["json_schema"]["schema"]["properties"]["order"]
        return chat(json.dumps({"order": labels["items"]["enum"][-1:] * labels["minItems"]}))

    server.behaviour = behave
    judge = load({"paradigm": "listwise", "endpoint": server.url, "model": "little", "method": "setwise", "top_k": 1})
    server.asked.clear()
    ranking = judge.rank(request_of([0] * 4))
    assert ranking.order[0] == 3 and len(server.asked) == 1
    assert ("response_format" in server.asked[0].body) == takes_constraints


def test_cached_tokens_have_their_own_price(server):
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 600}}
    server.behaviour = lambda asked: Says({"choices": [{"message": {"content": "[2] > [1]"}}], "usage": usage})
    spec = {"paradigm": "listwise", "endpoint": server.url, "model": "little", "price_cached": 100.0}
    ranking = load({**spec, "price_input": 1000.0, "price_output": 2000.0}).rank(request_of([0, 0]))
    assert ranking.usage.cost == pytest.approx(0.4 + 0.06 + 0.02)
    with pytest.raises(ConfigError, match="price_cached goes with price_input"):
        load(spec)


def test_a_prompt_fits_into_the_context_that_the_server_tells(server):
    server.models = Says({"data": [{"id": "little", "max_model_len": 2048}]})
    server.behaviour = lambda asked: GOOD
    judge = load({"paradigm": "listwise", "endpoint": server.url, "model": "little"})
    ranking = judge.rerank("the query", ["word " * 300] * 20)
    assert ranking.steps[0].notes["passage shortened"] >= 20 and not ranking.steps[0].failures
    for asked in server.asked:
        words = sum(len(message["content"].split()) for message in asked.body["messages"])
        assert words + asked.body["max_tokens"] <= 2048


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
