"""LangChain's compressors for Cohere, Jina and Voyage, unchanged."""

from __future__ import annotations

import asyncio

import pytest

from tests.lanes import needs

needs("frameworks", "langchain_cohere", "langchain_voyageai", "langchain_community", "starlette", "uvicorn")

import voyageai
from cohere.errors import NotFoundError, UnauthorizedError
from langchain_cohere import CohereRerank
from langchain_community.document_compressors import JinaRerank, jina_rerank
from langchain_core.documents import Document
from langchain_voyageai import VoyageAIRerank

from tests.server.clients.conftest import DOCUMENTS, ORDER, QUERY, SCORES


def documents():
    return [Document(text, metadata={"place": at}) for at, text in enumerate(DOCUMENTS)]


def cohere(server, **options):
    return CohereRerank(**{"model": "mini", "cohere_api_key": server.key, "base_url": server.url, **options})


def jina(server, **options):
    return JinaRerank(**{"model": "mini", "jina_api_key": server.key, **options})


def voyage(server, **options):
    top = options.pop("top_n", 3)
    known = {"model": "mini", "api_key": server.key, "base_url": f"{server.url}/v1", "top_k": top}
    return VoyageAIRerank(**{**known, **options})


COMPRESSORS = [cohere, jina, voyage]


@pytest.fixture(autouse=True)
def _jina_at_the_server(server, monkeypatch):
    """Its compressor has no argument for the address."""
    monkeypatch.setattr(jina_rerank, "JINA_API_URL", f"{server.url}/v1/rerank")


def checked(ranked, places):
    assert [document.metadata["place"] for document in ranked] == places
    assert [document.page_content for document in ranked] == [DOCUMENTS[at] for at in places]
    given = [document.metadata["relevance_score"] for document in ranked]
    assert given == pytest.approx(SCORES[: len(places)], rel=1e-5)
    return ranked


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_results(server, compressor):
    checked(compressor(server).compress_documents(documents(), QUERY), ORDER[:3])
    checked(compressor(server, top_n=None).compress_documents(documents(), QUERY), ORDER)
    assert compressor(server).compress_documents([], QUERY) == []


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_results_that_are_awaited(server, compressor):
    checked(asyncio.run(compressor(server).acompress_documents(documents(), QUERY)), ORDER[:3])


def test_voyage_hands_on_the_tokens(server):
    assert voyage(server).compress_documents(documents(), QUERY)[0].metadata["total_tokens"] > 0


@pytest.mark.parametrize(
    ("compressor", "key", "unauthorised", "not_found"),
    [
        (cohere, "cohere_api_key", UnauthorizedError, NotFoundError),
        (jina, "jina_api_key", RuntimeError, RuntimeError),
        (voyage, "api_key", voyageai.error.AuthenticationError, voyageai.error.APIError),
    ],
)
def test_errors(server, compressor, key, unauthorised, not_found):
    with pytest.raises(unauthorised):
        compressor(server, **{key: "wrong-key"}).compress_documents(documents(), QUERY)
    with pytest.raises(not_found, match="mini, order"):
        compressor(server, model="unknown").compress_documents(documents(), QUERY)
