"""Errors in the shapes for which each client raises its own exception."""

from __future__ import annotations

import json

import pytest

from rankkit.server.dialects import DIALECTS
from rankkit.server.exchange import Problem

KINDS = {
    400: "invalid_request",
    401: "unauthorized",
    404: "not_found",
    413: "too_large",
    422: "invalid_request",
    429: "overloaded",
    500: "internal",
    503: "unavailable",
    504: "deadline",
}


def problem(status, **options):
    return Problem(status, KINDS[status], "what was wrong", request_id="request-1", **options)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("status", KINDS)
def test_every_error_is_json_that_no_client_takes_for_results(name, status):
    written = DIALECTS[name].write_problem(problem(status, param="documents.3"))
    assert written.status == status
    assert isinstance(written.json, dict) and "what was wrong" in json.dumps(written.json)
    assert not {"results", "data"} & written.json.keys()


@pytest.mark.parametrize("name", DIALECTS)
def test_when_to_come_back_is_whole_seconds(name):
    assert DIALECTS[name].write_problem(problem(429, retry_after=3)).headers == {"Retry-After": "3"}
    assert DIALECTS[name].write_problem(problem(503, retry_after=0)).headers == {"Retry-After": "0"}
    assert DIALECTS[name].write_problem(problem(429)).headers == {}


def body(name, status, **options):
    return DIALECTS[name].write_problem(problem(status, **options)).json


@pytest.mark.parametrize("name", ["cohere-v1", "cohere-v2"])
def test_cohere(name):
    assert body(name, 422) == {"message": "what was wrong", "id": "request-1"}


def test_voyage():
    assert body("voyage", 401) == {"detail": "what was wrong"}
    assert DIALECTS["voyage"].write_problem(Problem(501, "internal", "no")).status == 503
    assert DIALECTS["voyage"].write_problem(Problem(507, "internal", "no")).status == 503


@pytest.mark.parametrize(
    ("status", "kind"),
    [(422, "Validation"), (413, "Validation"), (429, "Overloaded"), (500, "Backend"), (503, "Unhealthy")],
)
def test_tei(status, kind):
    assert body("tei", status) == {"error": "what was wrong", "error_type": kind}


def test_tei_calls_an_empty_list_by_its_name():
    written = DIALECTS["tei"].write_problem(Problem(400, "empty", "none"))
    assert written.json == {"error": "none", "error_type": "Empty"}


@pytest.mark.parametrize("name", ["vllm", "llama.cpp", "openrouter", "score"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (503, "unavailable_error"),
    ],
)
def test_those_that_follow_openai(name, status, kind):
    error = {"message": "what was wrong", "type": kind, "param": "top_n", "code": status}
    assert body(name, status, param="top_n") == {"error": error}


def test_infinity_s_client_reads_a_list_for_422():
    detail = {"loc": ["body", "documents", 3], "msg": "what was wrong", "type": "invalid_request"}
    assert body("infinity", 422, param="documents.3") == {"detail": [detail]}
    assert body("infinity", 422)["detail"][0]["loc"] == ["body"]
    assert body("infinity", 429)["error"]["code"] == 429


@pytest.mark.parametrize("name", ["shared", "shared-without-documents", "litellm", "jina", "mixedbread"])
def test_the_shared_shape_has_what_all_look_for(name):
    error = body(name, 404)
    assert error["message"] == error["detail"] == error["error"]["message"] == "what was wrong"


def test_where_the_body_was_not_read_there_is_what_every_client_can_bear():
    """Voyage's falls over an ``error`` that is an object, TEI's reads a string there."""
    words = "what was wrong"
    assert body("unread", 401) == {"message": words, "detail": words, "error": words, "error_type": "Unauthorized"}


def test_pinecone():
    assert body("pinecone", 404) == {"error": {"code": "NOT_FOUND", "message": "what was wrong"}, "status": 404}
