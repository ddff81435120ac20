"""Our own client of rerank APIs against our own server, in each dialect: what goes out comes back."""

from __future__ import annotations

import asyncio

import pytest

from tests.lanes import needs

needs("clients", "openai", "starlette", "uvicorn")

from rankkit.backends.rerank_api.client import RerankApi
from rankkit.backends.rerank_api.dialects import DIALECTS
from rankkit.core.ranking import Request
from rankkit.errors import AuthenticationFailed, ModelNotServed, RequestRefused, ServerFailed
from tests.backends.rerank_api.test_dialects import reranker
from tests.server.clients.conftest import DOCUMENTS, KEY, LOGITS, ORDER, QUERY, SCORES

#: A server for each wire format.
pytestmark = pytest.mark.slow

REQUEST = Request.of(QUERY, DOCUMENTS)


def client(api: str, server, *, model: str = "mini", **options) -> RerankApi:
    base_url = server.url + ("/api/v1" if api == "openrouter" else "")
    return RerankApi(api, model, base_url=base_url, **{"api_key": KEY, "retries": 0, **options})


@pytest.fixture(params=[api for api in DIALECTS if api != "zeroentropy"])  # whose path is its own
def api(request) -> str:
    return request.param


def test_the_same_order_and_scores_come_back(server, api):
    with client(api, server) as backend:
        ranking = reranker(backend).rank(REQUEST)
        awaited = asyncio.run(reranker(backend).rank_async(REQUEST))
    assert [int(one) for one in ranking.ids] == ORDER
    # No key tells llama.cpp's requests from Jina's, so there are no logits for it.
    assert list(ranking.scores) == pytest.approx(SCORES, rel=1e-5)
    assert (awaited.ids, awaited.scores) == (ranking.ids, ranking.scores)
    [step] = ranking.steps
    assert step.usage.calls == 1 and step.usage.input_tokens > 0


def test_many_calls_give_the_same(server, api):
    documents = [f"{DOCUMENTS[at % 4]} {'word ' * (at % 3)}" for at in range(50)]
    with client(api, server) as one, client(api, server, documents_per_call=6, concurrency=3) as many:
        whole, apart = (reranker(backend).rank(Request.of(QUERY, documents)) for backend in (one, many))
    assert whole.ids == apart.ids
    assert list(whole.scores) == pytest.approx(list(apart.scores), abs=1e-6)


@pytest.mark.parametrize("name", ["tei", "infinity", "vllm"])
def test_raw_scores_come_back(server, name):
    with client(name, server, scores="logit") as backend:
        assert list(reranker(backend).rank(REQUEST).scores) == pytest.approx(LOGITS, rel=1e-5)


def test_errors_are_of_their_kind(server, api):
    with client(api, server, api_key="wrong-key-of-the-tests") as backend, pytest.raises(AuthenticationFailed):
        reranker(backend).rank(REQUEST)
    with client(api, server) as backend, pytest.raises(RequestRefused) as caught:
        reranker(backend).rank(Request.of(QUERY, server.huge))
    assert "413" in caught.value.message or "400" in caught.value.message or "422" in caught.value.message
    if DIALECTS[api].sends_model:
        with client(api, server, model="absent") as backend, pytest.raises((ModelNotServed, RequestRefused)):
            reranker(backend).rank(REQUEST)


def test_a_server_with_a_bug_is_a_server_that_failed(broken_server, api):
    with client(api, broken_server, model="only") as backend, pytest.raises(ServerFailed) as caught:
        reranker(backend).rank(REQUEST)
    assert "no client may read" not in str(caught.value)


def test_its_warnings_are_in_the_step(server):
    for api in ("cohere", "vllm", "jina"):
        with client(api, server, model="order") as backend:
            [step] = reranker(backend).rank(REQUEST).steps
        assert any("rank only" in note for note in step.notes), api
