"""Each way in which a service can fail, played by a real server: which error comes of it, and what is kept."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from dataclasses import replace

import pytest

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.rerank_api.client import RerankApi
from rankkit.core.cancellation import Cancellation
from rankkit.core.ranking import Request
from rankkit.core.usage import Budget
from rankkit.errors import (
    AuthenticationFailed,
    Cancelled,
    CircuitOpen,
    ConnectionFailed,
    EndpointError,
    EndpointTimeout,
    InvalidReply,
    ModelNotServed,
    RateLimited,
    RequestRefused,
    ServerFailed,
)
from tests.backends.loopback import Cuts, Drips, Hangs, Raw, Says
from tests.backends.rerank_api.serving import DOCUMENTS, QUERY, reply_of, speaks
from tests.backends.rerank_api.test_dialects import KEY, reranker

SOON = {"retry-after-ms": "5"}
REQUEST = Request.of(QUERY, ["a", "b", "c"])


def row(index: object, score: object = 0.5) -> dict[str, object]:
    return {"index": index, "relevance_score": score}


def failure(root: str, kind: type[EndpointError], *, api: str = "cohere", **options: object) -> EndpointError:
    backend = RerankApi(api, "m", base_url=root, api_key=KEY, **{"retries": 0, "timeout": 5.0, **options})
    with backend, pytest.raises(kind) as caught:
        reranker(backend).rank(REQUEST)
    assert type(caught.value) is kind
    assert caught.value.hint
    return caught.value


# -- statuses, in the words of each dialect's errors


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"message": "invalid request"}, RequestRefused),
        (401, {"message": "invalid api token"}, AuthenticationFailed),
        (401, "", AuthenticationFailed),
        (403, {"detail": "AUTHZ_INSUFFICIENT_BALANCE"}, AuthenticationFailed),
        (404, {"message": "model 'm' not found"}, ModelNotServed),
        (408, {"error": "late"}, EndpointTimeout),
        (413, {"error": "batch too large", "error_type": "Validation"}, RequestRefused),
        (422, {"detail": [{"loc": ["body", "documents"], "msg": "too many"}]}, RequestRefused),
        (424, {"error": "inference failed", "error_type": "Backend"}, RequestRefused),
        (429, {"error": "model is overloaded", "error_type": "Overloaded"}, RateLimited),
        (500, {"error": {"message": "out of memory", "type": "server_error", "code": 500}}, ServerFailed),
        (501, {"error": {"message": "start with --reranking", "type": "not_supported_error"}}, ServerFailed),
        (502, "<html><head><title>x</title></head><body>Bad Gateway</body></html>", ServerFailed),
        (503, {"error": {"message": "loading", "type": "unavailable_error"}}, ServerFailed),
    ],
)
def test_each_status_is_an_error_of_its_kind_with_the_services_words(server, root, status, body, kind):
    server.behaviour = lambda asked: Says(body, status)
    error = failure(root, kind)
    assert str(status) in error.message
    words = [value for value in (body.values() if isinstance(body, dict) else []) if isinstance(value, str)]
    assert all(word in error.said for word in words if " " in word)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_passes_is_asked_again_after_what_the_service_says(server, root, status):
    server.script(Says({"message": "wait"}, status, SOON), Says({"message": "wait"}, status, SOON), reply_ok())
    with RerankApi("cohere", "m", base_url=root, retries=2) as backend:
        [step] = reranker(backend).rank(REQUEST).steps
    assert len(server.asked) == 3
    # Two tries that failed after they were sent are charged at their bound, each with a note.
    assert step.usage.calls == 3 and step.notes["charged at its bound"] == 2


def reply_ok() -> Says:
    return Says({"results": [row(2, 0.9), row(0, 0.5), row(1, 0.1)]})


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RequestRefused), (401, AuthenticationFailed), (404, ModelNotServed), (422, RequestRefused)],
)
def test_what_does_not_pass_is_asked_once(server, root, status, kind):
    server.behaviour = lambda asked: Says({"message": "no"}, status)
    failure(root, kind, retries=3)
    assert len(server.asked) == 1


def test_a_service_that_asks_to_wait_too_long_is_not_waited_for(server, root):
    server.behaviour = lambda asked: Says({"message": "slow down"}, 429, {"retry-after": "3600"})
    assert "3600" in failure(root, RateLimited, retries=3).hint
    assert len(server.asked) == 1


# -- connections


def test_refused_cut_late_and_endless(server, root):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failure(f"http://127.0.0.1:{unused.getsockname()[1]}", ConnectionFailed)
    server.behaviour = lambda asked: Cuts()
    failure(root, ConnectionFailed)
    server.behaviour = lambda asked: Hangs()
    failure(root, EndpointTimeout, timeout=0.1)
    server.behaviour = lambda asked: Drips()
    failure(root, EndpointTimeout, timeout=0.2)
    server.behaviour = lambda asked: Raw(b'{"results": [' + b" " * (17 << 20) + b"]}")
    assert "longer than 16 MB" in failure(root, InvalidReply).message


def test_a_redirect_is_not_followed(server, root):
    server.behaviour = lambda asked: Says("", 307, {"location": "http://127.0.0.1:9/elsewhere"})
    assert "nothing was sent there" in failure(root, RequestRefused).message
    assert len(server.asked) == 1


def test_after_failures_in_a_row_the_service_is_left_alone(server, root):
    server.behaviour = lambda asked: Says({"message": "no"}, 500)
    circuit = Circuit(failures=2, cooldown=60)
    with RerankApi("cohere", "m", base_url=root, retries=0, circuit=circuit) as backend:
        for kind in (ServerFailed, ServerFailed, CircuitOpen):
            with pytest.raises(kind):
                reranker(backend).rank(REQUEST)
    assert len(server.asked) == 2


# -- replies that are none


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("<!doctype html><html><body>Welcome</body></html>", "not a JSON object"),
        ("{", "not a JSON object"),
        ("null", "not a JSON object"),
        ([row(0), row(1), row(2)], "not a JSON object"),
        ({}, "no list 'results'"),
        ({"data": [row(0), row(1), row(2)]}, "no list 'results' in it (fields: data"),
        ({"results": None}, "no list"),
        ({"results": {"0": 1}}, "no list"),
        ({"results": []}, "0 results for 3 documents: none for 0, 1, 2"),
        ({"results": [row(0), row(1)]}, "2 results for 3 documents: none for 2"),
        ({"results": [row(0), row(1), row(2), row(3)]}, "the index 3"),
        ({"results": [row(0), row(1), row(1)]}, "document 1 has two results"),
        ({"results": [row(0), row(1), row(2), row(2)]}, "document 2 has two results"),
        ({"results": [row(0), row(1), row(-1)]}, "the index -1"),
        ({"results": [row(1), row(2), row(3)]}, "the index 3"),
        ({"results": [row(0), row(1), row("2")]}, "the index '2'"),
        ({"results": [row(0), row(1), row(True)]}, "the index True"),
        ({"results": [row(0), row(1), row(2.0)]}, "the index 2.0"),
        ({"results": [row(0), row(1), row(None)]}, "the index None"),
        ({"results": [row(0), row(1), "2"]}, "no object: '2'"),
        ({"results": [row(0), row(1), None]}, "no object: None"),
        ({"results": [row(0), row(1), row(2, "0.5")]}, "document 2 is no number: '0.5'"),
        ({"results": [row(0), row(1), row(2, None)]}, "document 2 is no number: None"),
        ({"results": [row(0), row(1), row(2, True)]}, "document 2 is no number: True"),
        ({"results": [row(0), row(1), row(2, float("nan"))]}, "document 2 is nan"),
        ({"results": [row(0), row(1), row(2, float("-inf"))]}, "document 2 is -inf"),
        ({"results": [row(0), row(1), row(2, 10**400)]}, "document 2 is inf"),
        ({"results": [row(0), row(1), {"index": 2, "score": 0.5}]}, "document 2 is no number"),
    ],
)
def test_a_reply_without_one_number_for_each_document_is_an_error(server, root, body, seen):
    server.behaviour = lambda asked: Says(body)
    assert seen in failure(root, InvalidReply).message


def test_an_error_in_a_reply_of_200(server, root):
    for body, kind in (
        ({"error": {"message": "overloaded", "code": 503}}, ServerFailed),
        ({"error": {"message": "slow down", "type": "rate_limit_error"}}, RateLimited),
        ({"detail": "no such key", "status": 401}, AuthenticationFailed),
        ({"error": "Unauthorized", "results": []}, ServerFailed),
        ({"object": "error", "message": "bad", "type": "invalid_request_error", "code": 400}, RequestRefused),
        ({"success": False}, ServerFailed),
    ):
        server.behaviour = lambda asked, body=body: Says(body)
        failure(root, kind)
    server.behaviour = lambda asked: Says({"error": "no model", "error_type": "Backend"})
    failure(root, ServerFailed, api="tei")


def test_a_whole_number_is_a_score_and_unknown_fields_hurt_nobody(server, root):
    server.behaviour = lambda asked: Says(
        {"results": [row(2, 1), row(0, 0), {**row(1, -2), "document": {"text": "other"}}], "usage": "many", "meta": 3}
    )
    with RerankApi("cohere", "m", base_url=root) as backend:
        ranking = reranker(backend).rank(REQUEST)
    assert ranking.ids == ("2", "0", "1") and ranking.scores == (1.0, 0.0, -2.0)
    assert all(type(score) is float for score in ranking.scores)


# -- keys


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("shown", [KEY, KEY[:14] + "...", "..." + KEY[-8:], KEY.upper()])
def test_a_key_that_the_service_repeats_is_starred(server, root, status, shown, caplog):
    caplog.set_level("DEBUG")
    body = (
        {"message": f"the key {shown} is not ours"}
        if status != 200
        else {"results": [row(0), row(1), row(2)], "meta": {"warnings": [f"the key {shown} ends soon"]}}
    )
    server.behaviour = lambda asked: Says(body, status)
    with RerankApi("cohere", "m", base_url=root, api_key=KEY, retries=0) as backend:
        try:
            said = repr(reranker(backend).rank(REQUEST).to_dict())
        except EndpointError as error:
            said = f"{error!r} {error} {error.said} {error.hint}"
    assert "***" in said
    for text in (said, caplog.text, repr(backend)):
        assert KEY[-8:].lower() not in text.lower() and KEY[:14].lower() not in text.lower()


# -- what is kept


def test_a_failure_in_the_middle_keeps_what_was_paid_for(server, root):
    documents = [f"{word} {number}" for number, word in enumerate(["fleas live", "bread", "how long"] * 4)]
    failures = deque([500])  # the call with document 6 fails once

    def behaviour(asked):
        if documents[6] in asked.body["documents"] and failures:
            return Says({"message": "no"}, failures.pop())
        return reply_of("cohere", asked.body)

    server.behaviour = behaviour
    request = Request.of(QUERY, documents)
    with RerankApi("cohere", "m", base_url=root, retries=0, documents_per_call=3) as backend:
        partial = replace(reranker(backend), on_call_failure="partial")
        learned = partial.rank(request)
        [step] = learned.steps
        assert len(learned) == 12 and sum(score is not None for score in learned.scores) == 9
        assert step.outcomes == {"ok": 9, "failed": 3} and "ServerFailed" in step.failures[0]

        failures.append(500)
        server.asked.clear()
        ranking = (partial >> reranker(backend)).rank(request)
    # The second stage asks for what the first did not learn, and for nothing else.
    assert len(server.asked) == 5 and ranking.steps[1].cached_answers == 9
    assert None not in ranking.scores


def test_a_budget_of_calls_is_kept_and_what_was_learned_is_used(server, root):
    server.behaviour = speaks("cohere")
    with RerankApi("cohere", "m", base_url=root, documents_per_call=2, concurrency=1) as backend:
        ranking = reranker(backend).rank(Request.of(QUERY, DOCUMENTS), budget=Budget(calls=2))
    assert len(server.asked) == 2 and len(ranking) == len(DOCUMENTS)
    assert sum(score is not None for score in ranking.scores) == 4
    assert ranking.steps[0].stopped == "budget of 2 calls"


def test_no_further_try_begins_that_the_budget_has_no_room_for(server, root):
    server.behaviour = lambda asked: Says({"message": "no"}, 500, SOON)
    with RerankApi("cohere", "m", base_url=root, retries=5) as backend, pytest.raises(ServerFailed) as caught:
        reranker(backend).rank(REQUEST, budget=Budget(calls=2))
    assert len(server.asked) == 2 and "Not tried again: budget of 2 calls" in caught.value.hint


def test_a_cancelled_task_closes_the_connection(server, root):
    server.behaviour = lambda asked: Hangs()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reranker(backend).rank_async(REQUEST), 0.2)

    with RerankApi("cohere", "m", base_url=root, retries=0) as backend:
        asyncio.run(leave())
        assert server.left.wait(5)


def test_a_cancellation_ends_a_call_on_a_thread(server, root):
    server.behaviour = lambda asked: Hangs()
    cancellation = Cancellation()
    with RerankApi("cohere", "m", base_url=root, retries=0) as backend, pytest.raises(Cancelled):
        timer = threading.Timer(0.1, cancellation.cancel)
        timer.start()
        with cancellation.active():
            backend.score(next(iter(backend.batches(QUERY, "", ["a"]))))
    assert server.left.wait(5)
