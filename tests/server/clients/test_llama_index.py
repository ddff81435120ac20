"""LlamaIndex's postprocessors for Cohere, Jina, Mixedbread, TEI and Voyage, unchanged."""

from __future__ import annotations

import asyncio

import pytest

from tests.lanes import needs

needs("frameworks", "llama_index.postprocessor.cohere_rerank", "starlette", "uvicorn")

import voyageai._base
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.postprocessor.cohere_rerank import CohereRerank
from llama_index.postprocessor.jinaai_rerank import JinaRerank
from llama_index.postprocessor.mixedbreadai_rerank import MixedbreadAIRerank
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference
from llama_index.postprocessor.voyageai_rerank import VoyageAIRerank

from tests.server.clients.conftest import DOCUMENTS, ORDER, QUERY, SCORES


def nodes():
    return [NodeWithScore(node=TextNode(text=text, id_=str(at)), score=0.1) for at, text in enumerate(DOCUMENTS)]


def cohere(server, **options):
    known = {"model": "mini", "api_key": server.key, "base_url": server.url, "top_n": 3, "max_retries": 1}
    return CohereRerank(**{**known, **options})


def jina(server, **options):
    return JinaRerank(**{"model": "mini", "api_key": server.key, "base_url": f"{server.url}/v1", "top_n": 3, **options})


def mixedbread(server, **options):
    return MixedbreadAIRerank(**{"model": "mini", "api_key": server.key, "top_n": 3, "max_retries": 0, **options})


def tei(server, **options):
    key = options.pop("api_key", server.key)
    return TextEmbeddingInference(base_url=server.url, auth_token=f"Bearer {key}", top_n=3)


def voyage(server, **options):
    return VoyageAIRerank(**{"model": "mini", "api_key": server.key, "top_n": 3, **options})


POSTPROCESSORS = [cohere, jina, mixedbread, tei, voyage]


@pytest.fixture(autouse=True)
def _those_without_an_argument_at_the_server(server, monkeypatch):
    monkeypatch.setenv("MIXEDBREAD_BASE_URL", server.url)
    monkeypatch.setattr(voyageai._base, "get_default_base_url", lambda key: f"{server.url}/v1")


def checked(ranked):
    assert [int(row.node_id) for row in ranked] == ORDER[:3]
    assert [row.score for row in ranked] == pytest.approx(SCORES[:3], rel=1e-5)


@pytest.mark.parametrize("postprocessor", POSTPROCESSORS)
def test_results(server, postprocessor):
    checked(postprocessor(server).postprocess_nodes(nodes(), query_bundle=QueryBundle(QUERY)))
    assert postprocessor(server).postprocess_nodes([], query_bundle=QueryBundle(QUERY)) == []


@pytest.mark.parametrize("postprocessor", POSTPROCESSORS)
def test_results_that_are_awaited(server, postprocessor):
    checked(asyncio.run(postprocessor(server).apostprocess_nodes(nodes(), query_bundle=QueryBundle(QUERY))))


@pytest.mark.parametrize("postprocessor", POSTPROCESSORS)
def test_errors(server, postprocessor):
    with pytest.raises(Exception) as raised:
        postprocessor(server, api_key="wrong-key").postprocess_nodes(nodes(), query_bundle=QueryBundle(QUERY))
    assert not isinstance(raised.value, KeyError)
