"""Voyage's own client, sync and async, unchanged."""

from __future__ import annotations

import asyncio

import pytest

from tests.lanes import needs

needs("clients", "voyageai", "starlette", "uvicorn")

import voyageai

from tests.server.clients.conftest import DOCUMENTS, ORDER, QUERY, SCORES


def client(kind, server, **options):
    return kind(**{"api_key": server.key, "base_url": f"{server.url}/v1", **options})


def checked(reply):
    assert [row.index for row in reply.results] == ORDER
    assert [row.relevance_score for row in reply.results] == pytest.approx(SCORES, rel=1e-5)
    assert [row.document for row in reply.results] == [DOCUMENTS[at] for at in ORDER]
    assert reply.total_tokens > 0


def test_results(server):
    checked(client(voyageai.Client, server).rerank(QUERY, DOCUMENTS, "mini"))
    two = client(voyageai.Client, server).rerank(QUERY, DOCUMENTS, "mini", top_k=2)
    assert [row.index for row in two.results] == ORDER[:2]
    checked(client(voyageai.Client, server).rerank(QUERY, DOCUMENTS, "mini", truncation=False))
    assert client(voyageai.Client, server).rerank(QUERY, [], "mini").results == []


def test_results_that_are_awaited(server):
    checked(asyncio.run(client(voyageai.AsyncClient, server).rerank(QUERY, DOCUMENTS, "mini")))


@pytest.mark.parametrize(
    ("options", "asked", "error", "status", "words"),
    [
        ({"api_key": "wrong-key"}, {}, voyageai.error.AuthenticationError, 401, ""),
        ({}, {"model": "unknown"}, voyageai.error.APIError, 404, "mini, order"),
        ({}, {"top_k": 0}, voyageai.error.MalformedRequestError, 422, "top_k: it is 1 or more"),
        ({}, {"documents": [5]}, voyageai.error.MalformedRequestError, 422, "documents.0"),
    ],
)
def test_errors(server, options, asked, error, status, words):
    with pytest.raises(error) as raised:
        client(voyageai.Client, server, **options).rerank(
            **{"query": QUERY, "documents": DOCUMENTS, "model": "mini", **asked}
        )
    assert raised.value.http_status == status and words in str(raised.value)
    assert "Invalid response" not in str(raised.value)


def test_a_body_that_is_too_large(server):
    with pytest.raises(voyageai.error.APIError) as raised:
        client(voyageai.Client, server).rerank(QUERY, server.huge, "mini")
    assert raised.value.http_status == 413 and "Invalid response" not in str(raised.value)


def test_a_server_that_fails(broken_server):
    with pytest.raises(voyageai.error.ServerError) as raised:
        client(voyageai.Client, broken_server).rerank(QUERY, DOCUMENTS, "mini")
    assert raised.value.http_status == 500


def test_a_server_that_is_full(full_server):
    with pytest.raises(voyageai.error.RateLimitError) as raised:
        client(voyageai.Client, full_server).rerank(QUERY, DOCUMENTS, "mini")
    assert int(raised.value.headers["retry-after"]) >= 1
