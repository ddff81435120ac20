"""Cohere's own client, versions 1 and 2, sync and async, unchanged."""

from __future__ import annotations

import asyncio

import pytest

from tests.lanes import needs

needs("clients", "cohere", "starlette", "uvicorn")

import cohere

from tests.server.clients.conftest import DOCUMENTS, ORDER, QUERY, SCORES

ASKED = {"query": QUERY, "documents": DOCUMENTS, "model": "mini"}
NO_RETRY = {"max_retries": 0}


def client(kind, server, **options):
    return kind(**{"api_key": server.key, "base_url": server.url, **options})


def checked(reply, version):
    assert [row.index for row in reply.results] == ORDER
    assert [row.relevance_score for row in reply.results] == pytest.approx(SCORES, rel=1e-5)
    assert reply.id and reply.meta.api_version.version == version
    assert reply.meta.tokens.input_tokens > 0 and not reply.meta.warnings
    return reply


@pytest.mark.parametrize(("kind", "version"), [(cohere.Client, "1"), (cohere.ClientV2, "2")])
def test_results(server, kind, version):
    checked(client(kind, server).rerank(**ASKED), version)
    assert [row.index for row in client(kind, server).rerank(**ASKED, top_n=2).results] == ORDER[:2]
    assert len(client(kind, server).rerank(**ASKED, top_n=100).results) == 4


@pytest.mark.parametrize(("kind", "version"), [(cohere.AsyncClient, "1"), (cohere.AsyncClientV2, "2")])
def test_results_that_are_awaited(server, kind, version):
    checked(asyncio.run(client(kind, server).rerank(**ASKED)), version)


def test_version_1_gives_documents_back(server):
    reply = client(cohere.Client, server).rerank(**ASKED, return_documents=True)
    assert [row.document.text for row in reply.results] == [DOCUMENTS[at] for at in ORDER]
    assert client(cohere.Client, server).rerank(**ASKED).results[0].document is None


def test_version_1_reads_objects_by_their_rank_fields(server):
    objects = [{"title": "best", "text": "bad"}, {"title": "bad", "text": "good"}]
    asked = {"query": QUERY, "documents": objects, "model": "mini"}
    assert [row.index for row in client(cohere.Client, server).rerank(**asked).results] == [1, 0]
    by_title = client(cohere.Client, server).rerank(**asked, rank_fields=["title"], return_documents=True)
    assert [row.index for row in by_title.results] == [0, 1]
    assert by_title.results[0].document.title == "best"


def test_what_has_to_be_said_is_in_the_meta(server):
    reply = client(cohere.Client, server).rerank(**ASKED, max_chunks_per_doc=3)
    assert any("max_chunks_per_doc" in words for words in reply.meta.warnings)
    reply = client(cohere.ClientV2, server).rerank(**{**ASKED, "model": "order"})
    assert any("rank only" in words for words in reply.meta.warnings)


def test_null_is_read_as_nothing(server):
    checked(client(cohere.ClientV2, server).rerank(**ASKED, top_n=None, max_tokens_per_doc=None), "2")


@pytest.mark.parametrize("kind", [cohere.Client, cohere.ClientV2])
@pytest.mark.parametrize(
    ("options", "asked", "error", "status", "words"),
    [
        ({"api_key": "wrong-key"}, {}, cohere.UnauthorizedError, 401, ""),
        ({}, {"model": "unknown"}, cohere.NotFoundError, 404, "mini, order"),
        ({}, {"top_n": 0}, cohere.UnprocessableEntityError, 422, "top_n: it is 1 or more"),
        ({}, {"documents": []}, cohere.UnprocessableEntityError, 422, "documents: there are no documents"),
        ({}, {"query": ""}, cohere.UnprocessableEntityError, 422, "query"),
        ({}, {"documents": ["word"] * 1001}, cohere.UnprocessableEntityError, 422, "1001 documents"),
    ],
)
def test_errors(server, kind, options, asked, error, status, words):
    with pytest.raises(error) as raised:
        client(kind, server, **options).rerank(**{**ASKED, **asked}, request_options=NO_RETRY)
    assert raised.value.status_code == status
    assert words in raised.value.body["message"]


@pytest.mark.parametrize("kind", [cohere.Client, cohere.ClientV2])
def test_a_body_that_is_too_large(server, kind):
    with pytest.raises(cohere.core.ApiError) as raised:
        client(kind, server).rerank(**{**ASKED, "documents": server.huge}, request_options=NO_RETRY)
    assert raised.value.status_code == 413 and raised.value.body["message"]


@pytest.mark.parametrize("kind", [cohere.Client, cohere.ClientV2])
def test_a_server_that_fails(broken_server, kind):
    with pytest.raises(cohere.InternalServerError) as raised:
        client(kind, broken_server).rerank(**ASKED, request_options=NO_RETRY)
    assert "request id" in raised.value.body["message"] and "bug" not in str(raised.value)


@pytest.mark.parametrize("kind", [cohere.Client, cohere.ClientV2])
def test_a_server_that_is_full(full_server, kind):
    with pytest.raises(cohere.TooManyRequestsError) as raised:
        client(kind, full_server).rerank(**ASKED, request_options=NO_RETRY)
    assert int(raised.value.headers["retry-after"]) >= 1 and raised.value.body["message"]
