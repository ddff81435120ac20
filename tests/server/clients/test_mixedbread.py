"""Mixedbread's own client, sync and async, unchanged."""

from __future__ import annotations

import asyncio

import pytest

from tests.lanes import needs

needs("clients", "mixedbread", "starlette", "uvicorn")

import mixedbread

from tests.server.clients.conftest import DOCUMENTS, ORDER, QUERY, SCORES

ASKED = {"query": QUERY, "input": DOCUMENTS, "model": "mini"}


def client(kind, server, **options):
    return kind(**{"api_key": server.key, "base_url": server.url, "max_retries": 0, **options})


def checked(reply):
    assert [row.index for row in reply.data] == ORDER
    assert [row.score for row in reply.data] == pytest.approx(SCORES, rel=1e-5)
    assert (reply.model, reply.object, reply.top_k, reply.return_input) == ("mini", "list", 4, False)
    assert reply.usage.total_tokens > 0
    assert all(row.input is None and row.object == "rank_result" for row in reply.data)


def test_results(server):
    checked(client(mixedbread.Mixedbread, server).rerank(**ASKED))
    two = client(mixedbread.Mixedbread, server).rerank(**ASKED, top_k=2, return_input=True)
    assert [row.index for row in two.data] == ORDER[:2]
    assert [row.input for row in two.data] == ["best word", "good"]
    assert (two.top_k, two.return_input) == (2, True)


def test_objects(server):
    objects = [{"title": "best", "text": "bad"}, {"title": "bad", "text": "good"}]
    asked = {"query": QUERY, "input": objects, "model": "mini"}
    reply = client(mixedbread.Mixedbread, server).rerank(**asked, rank_fields=["title"], return_input=True)
    assert [row.input for row in reply.data] == objects


def test_results_that_are_awaited(server):
    checked(asyncio.run(client(mixedbread.AsyncMixedbread, server).rerank(**ASKED)))


@pytest.mark.parametrize(
    ("options", "asked", "error", "status", "words"),
    [
        ({"api_key": "wrong-key"}, {}, mixedbread.AuthenticationError, 401, ""),
        ({}, {"model": "unknown"}, mixedbread.NotFoundError, 404, "mini, order"),
        ({}, {"input": ["word " * 30_000]}, mixedbread.APIStatusError, 413, ""),
        ({}, {"top_k": 0}, mixedbread.UnprocessableEntityError, 422, "top_k: it is 1 or more"),
    ],
)
def test_errors(server, options, asked, error, status, words):
    with pytest.raises(error) as raised:
        client(mixedbread.Mixedbread, server, **options).rerank(**{**ASKED, **asked})
    assert raised.value.status_code == status and words in raised.value.body["message"]


def test_a_server_that_fails(broken_server):
    with pytest.raises(mixedbread.InternalServerError, match="request id"):
        client(mixedbread.Mixedbread, broken_server).rerank(**ASKED)


def test_a_server_that_is_full(full_server):
    with pytest.raises(mixedbread.RateLimitError) as raised:
        client(mixedbread.Mixedbread, full_server).rerank(**ASKED)
    assert int(raised.value.response.headers["retry-after"]) >= 1
