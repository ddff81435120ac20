"""Haystack's rankers for Cohere, Jina, TEI, vLLM and Voyage, unchanged."""

from __future__ import annotations

import asyncio

import pytest

from tests.lanes import needs

needs("clients", "haystack", "haystack_integrations.components.rankers.cohere", "starlette", "uvicorn")

import voyageai._base
from haystack import Document
from haystack.utils import Secret
from haystack_integrations.components.rankers.cohere import CohereRanker
from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker
from haystack_integrations.components.rankers.jina import JinaRanker
from haystack_integrations.components.rankers.vllm import VLLMRanker
from haystack_integrations.components.rankers.voyage import VoyageRanker

from tests.server.clients.conftest import DOCUMENTS, ORDER, QUERY, SCORES


def documents():
    return [Document(content=text, meta={"place": at}) for at, text in enumerate(DOCUMENTS)]


def secret(server):
    return Secret.from_token(server.key)


def cohere(server, **options):
    return CohereRanker(**{"model": "mini", "api_key": secret(server), "api_base_url": server.url, **options})


def jina(server, **options):
    return JinaRanker(**{"model": "mini", "api_key": secret(server), "base_url": f"{server.url}/v1/rerank", **options})


def tei(server, **options):
    options.pop("model", None)
    token = options.pop("api_key", secret(server))
    return HuggingFaceTEIRanker(**{"url": server.url, "token": token, "max_retries": 0, **options})


def vllm(server, **options):
    return VLLMRanker(**{"model": "mini", "api_key": secret(server), "api_base_url": f"{server.url}/v1", **options})


def voyage(server, **options):
    return VoyageRanker(**{"model": "mini", "api_key": secret(server), "max_retries": 0, **options})


RANKERS = [cohere, jina, tei, vllm, voyage]


@pytest.fixture(autouse=True)
def _voyage_at_the_server(server, monkeypatch):
    """Its ranker has no argument for the address."""
    monkeypatch.setattr(voyageai._base, "get_default_base_url", lambda key: f"{server.url}/v1")


def checked(said, places=ORDER):
    ranked = said["documents"]
    assert [document.meta["place"] for document in ranked] == places
    assert [document.score for document in ranked] == pytest.approx(SCORES[: len(places)], rel=1e-5)
    return said


@pytest.mark.parametrize("ranker", RANKERS)
def test_results(server, ranker):
    checked(ranker(server).run(query=QUERY, documents=documents()))
    checked(ranker(server).run(query=QUERY, documents=documents(), top_k=2), ORDER[:2])


@pytest.mark.parametrize("ranker", RANKERS)
def test_results_that_are_awaited(server, ranker):
    checked(asyncio.run(ranker(server).run_async(query=QUERY, documents=documents())))


@pytest.mark.parametrize("ranker", [jina, vllm])
def test_model_and_usage_that_two_of_them_hand_on(server, ranker):
    meta = ranker(server).run(query=QUERY, documents=documents())["meta"]
    assert meta["model"] == "mini" and meta["usage"]["total_tokens"] > 0


def test_raw_scores(server):
    ranked = tei(server, raw_scores=True).run(query=QUERY, documents=documents())["documents"]
    assert ranked[0].score == pytest.approx(3.5)


def test_a_document_without_content_stands_last(server):
    ranked = tei(server).run(query=QUERY, documents=[Document(content=None), *documents()])["documents"]
    assert ranked[-1].content is None and len(ranked) == 5


@pytest.mark.parametrize("ranker", [cohere, voyage])
def test_no_documents(server, ranker):
    """Both ask the server all the same; Cohere's documentation wants one at least."""
    if ranker is voyage:
        assert ranker(server).run(query=QUERY, documents=[]) == {"documents": []}
    else:
        with pytest.raises(Exception, match="there are no documents"):
            ranker(server).run(query=QUERY, documents=[])


@pytest.mark.parametrize("ranker", RANKERS)
@pytest.mark.parametrize("options", [{"api_key": Secret.from_token("wrong-key")}, {"model": "unknown"}])
def test_errors(server, ranker, options):
    if ranker is tei and "model" in options:
        pytest.skip("it names no model")
    with pytest.raises(Exception) as raised:
        ranker(server, **options).run(query=QUERY, documents=documents())
    assert "Invalid response" not in str(raised.value) and not isinstance(raised.value, (KeyError, AttributeError))


@pytest.mark.parametrize("ranker", [cohere, jina, tei, vllm])
def test_a_server_that_fails_or_is_full(broken_server, full_server, ranker):
    for faulty in (full_server, *([broken_server] if ranker is not cohere else [])):
        with pytest.raises(Exception) as raised:
            ranker(faulty).run(query=QUERY, documents=documents())
        assert not isinstance(raised.value, (KeyError, AttributeError))
