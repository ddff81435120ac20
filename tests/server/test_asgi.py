"""The application in process: routes, names of models, limits, errors."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from rankkit.errors import ConnectionFailed, InputError
from rankkit.server.asgi import application
from rankkit.server.dialects import PATHS
from rankkit.server.settings import Limits, Settings
from tests.server.plain import BODY, ByLength, app
from tests.server.test_in_time import scoring


def client(*rerankers: object, **more: object) -> TestClient:
    return TestClient(app(*rerankers, **more), base_url="http://127.0.0.1:8000", raise_server_exceptions=True)


@pytest.mark.parametrize("path", [*PATHS, *(f"{path}/" for path in PATHS)])
def test_each_path_ranks(path):
    reply = client().post(path, json=BODY)
    assert reply.status_code == 200
    assert [index for index, _ in reply.json()["results"]] == [1, 2, 0]
    assert reply.headers["x-plain"] == "yes"
    assert len(reply.headers["x-request-id"]) == 32


def test_documents_without_text_come_last_and_a_model_is_not_asked_about_them():
    one = ByLength()
    reply = client(one).post("/rerank", json={"query": "q", "documents": ["", "ab", " ", "abc"]})
    assert [index for index, _ in reply.json()["results"]] == [3, 1, 0, 2]
    assert [candidate.text for candidate in one.seen[0].candidates] == ["ab", "abc"]
    assert "2 documents without text stand last" in reply.json()["warnings"]


def test_no_documents_and_half_characters_are_no_failure():
    assert client().post("/rerank", json={"query": "q", "documents": []}).json()["results"] == []
    body = b'{"query": "q\\ud83d", "documents": ["x\\ud83d", "xyz"]}'
    reply = client().post("/rerank", content=body, headers={"content-type": "application/json"})
    assert [index for index, _ in reply.json()["results"]] == [1, 0]


def test_models_are_chosen_by_name():
    two = client(ByLength(), ByLength())
    assert two.post("/rerank", json={**BODY, "model": "second"}).json()["model"] == "second"
    assert two.post("/rerank", json=BODY).json()["model"] == "first"
    assert two.post("/rerank", json={**BODY, "model": "default/not-specified"}).status_code == 200
    reply = two.post("/rerank", json={**BODY, "model": "third"})
    assert reply.status_code == 404 and "first, second" in reply.json()["error"]


def test_the_only_model_answers_to_every_name_and_says_so():
    reply = client().post("/rerank", json={**BODY, "model": "rerank-v3.5"}).json()
    assert reply["model"] == "rerank-v3.5"
    assert reply["warnings"] == ["the model was 'first': no other is served here"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "empty"),
        (b"{", 400, "not JSON: Expecting property name"),
        (b"[1]", 400, "a JSON array, not an object"),
        (b"null", 400, "a JSON null"),
        (b'"x"', 400, "a JSON string"),
        (b'{"query": NaN}', 400, "NaN is no JSON number"),
        (b"\xff\xfe{}", 400, "not JSON"),
        (b"{" * 5000, 400, "not JSON"),
        (b"[" * 100_000, 400, "nested"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", 400, "nested more than 32"),
        (b'{"a":[' + b"[],{}," * 150_000 + b"1]}", 400, "more than 200000 arrays"),
        (b"1" * 5000, 400, "not JSON"),
        (b'{"query": "q"}', 422, "are due"),
        (b'{"query": "", "documents": ["a"]}', 422, "query is empty"),
    ],
)
def test_what_is_no_request_is_refused(body, status, words):
    reply = client().post("/rerank", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == status
    assert words in reply.json()["error"]
    assert reply.json()["id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("limits", "status", "param"),
    [
        ({"documents": 2}, 422, "documents"),
        ({"query_characters": 3}, 422, "query"),
        ({"characters": 15}, 422, "documents"),
        ({"body_bytes": 40}, 413, None),
        ({"held_bytes": 40}, 429, None),
    ],
)
def test_limits(limits, status, param):
    body = {"query": "four", "documents": ["a", "abc", "ab"]}
    for send in (lambda c: c.post("/rerank", json=body), lambda c: c.post("/rerank", content=iter(chunks(body)))):
        reply = send(client(settings=Settings(limits=Limits(**limits))))
        assert (reply.status_code, reply.json()["param"]) == (status, param)


def chunks(body: object) -> list[bytes]:
    whole = json.dumps(body).encode()
    return [whole[at : at + 7] for at in range(0, len(whole), 7)]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_bodies_that_a_form_could_send_are_refused(kind):
    assert client().post("/rerank", content=json.dumps(BODY), headers={"content-type": kind}).status_code == 415


def test_compressed_bodies_are_refused():
    assert client().post("/rerank", content=b"\x1f\x8b", headers={"content-encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(("method", "path", "allowed"), [("GET", "/rerank", "POST"), ("TRACE", "/ready", "GET, HEAD")])
def test_a_wrong_method_is_answered_with_the_right_ones(method, path, allowed):
    reply = client().request(method, path)
    assert (reply.status_code, reply.json()["kind"]) == (405, "method_not_allowed")
    assert set(reply.headers["allow"].split(", ")) == set(allowed.split(", "))


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def rank(self, request):
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (InputError("this cannot be ranked"), 422, "this cannot be ranked"),
        (ConnectionFailed("http://10.1.2.3/secret"), 502, "the model's endpoint failed"),
        (RuntimeError("secret"), 500, "its log has more under the request id"),
    ],
)
def test_errors_become_statuses_and_tell_nothing_of_the_inside(error, status, words):
    reply = client(Failing(error)).post("/rerank", json=BODY)
    assert reply.status_code == status
    assert words in reply.json()["error"] and "secret" not in reply.text and "Traceback" not in reply.text


def test_other_paths_and_methods_are_answered_in_json():
    assert client().get("/nowhere").json()["kind"] == "not_found"
    reply = client().get("/rerank")
    assert (reply.status_code, reply.json()["kind"]) == (405, "method_not_allowed")


def test_pages_beside_the_ranking():
    with client(ByLength(), ByLength()) as one:
        assert one.get("/health").json() == {"status": "ok"}
        assert one.get("/ping").status_code == 200
        assert one.get("/ready").json() == {"status": "ready", "models": ["first", "second"]}
        assert [row["id"] for row in one.get("/v1/models/").json()["data"]] == ["first", "second"]
        assert one.post("/rerank", json=BODY).status_code == 200
        text = one.get("/metrics").text
        assert 'rankkit_requests_total{dialect="plain",model="first",route="/rerank",status="200"} 1.0' in text
        assert "rankkit_ready 1.0" in text


def test_an_instruction_goes_to_models_that_follow_one_and_is_refused_by_others():
    one = ByLength()
    client(one).post("/rerank", json={**BODY, "instruction": "prefer vets"})
    assert one.seen[0].query.instruction == "prefer vets"
    reply = client(scoring()).post("/rerank", json={**BODY, "instruction": "prefer vets"})
    assert (reply.status_code, reply.json()["kind"]) == (422, "invalid_request")
    assert client(scoring()).post("/rerank", json=BODY).status_code == 200


def test_documents_are_cut_at_words_where_a_limit_on_tokens_is_given():
    one = ByLength()
    reply = client(one).post("/rerank", json={"query": "q", "documents": ["one two  three", "one two", " "], "max": 2})
    assert [candidate.text for candidate in one.seen[0].candidates] == ["one two", "one two"]
    assert "max_tokens_per_doc is counted in words here: 1 documents were cut" in reply.json()["warnings"]


def test_models_are_opened_when_the_server_starts_and_requests_wait_for_them():
    from rankkit.core.questions import Answer
    from rankkit.core.ranking import ScoreKind
    from rankkit.pipeline.judged import JudgeReranker
    from rankkit.pointwise.strategy import ScoreAll
    from rankkit.testing import ScriptedJudge

    go, closed = threading.Event(), []

    class Closing(JudgeReranker):
        def close(self) -> None:
            closed.append(self)

    def opener() -> JudgeReranker:
        go.wait(30)
        return Closing(ScriptedJudge(lambda asked: Answer(0.5), score_kind=ScoreKind.PROBABILITY), ScoreAll())

    with client(opener) as one:
        assert one.get("/ready").json()["status"] == "loading" and one.get("/health").status_code == 200
        reply = one.post("/rerank", json=BODY, headers={"X-Rankkit-Deadline-Ms": "50"})
        assert (reply.status_code, reply.json()["kind"], reply.headers["retry-after"]) == (503, "unavailable", "5")
        threading.Timer(0.2, go.set).start()
        assert one.post("/rerank", json=BODY).status_code == 200
        assert one.get("/ready").status_code == 200
    assert len(closed) == 1


TEXTS = st.text(max_size=5) | st.sampled_from(["", "a", "\ud800", "x" * 50])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    *(
        "query",
        "documents",
        "texts",
        "input",
        "model",
        "top_n",
        "top_k",
        "return_documents",
        "return_text",
        "raw_scores",
    ),
    *("rank_fields", "max_tokens_per_doc", "instruction", "truncation", "text_1", "text_2", "queries", "return_input"),
)
BODIES = st.fixed_dictionaries(
    {"query": TEXTS | VALUES}, optional={name: VALUES | st.lists(TEXTS, max_size=3) for name in FIELDS[1:]}
)


@pytest.mark.slow
@given(path=st.sampled_from(PATHS), body=BODIES)
def test_no_body_is_a_failure_of_the_server(path, body):
    with_dialects = TestClient(application({"it": ByLength()}), base_url="http://127.0.0.1:8000")
    reply = with_dialects.post(path, content=json.dumps(body).encode(), headers={"content-type": "application/json"})
    assert reply.status_code in (200, 400, 404, 422), (path, body, reply.text)
    assert "Traceback" not in reply.text
