"""LiteLLM, unchanged: ``rerank`` and ``arerank`` by each provider that it can be pointed elsewhere with."""

from __future__ import annotations

import asyncio

import pytest

from tests.lanes import needs

needs("clients", "litellm", "starlette", "uvicorn")

import litellm

from tests.server.clients.conftest import DOCUMENTS, ORDER, QUERY, SCORES

#: Each with what it wants behind the address of the server.
PROVIDERS = {
    "cohere": "",
    "jina_ai": "",
    "hosted_vllm": "/v1/rerank",
    "infinity": "",
    "huggingface": "",
    "voyage": "/v1",
}
#: Whose readers want documents in one shape each, so that the reply leaves them out.
NO_DOCUMENTS = {"cohere", "jina_ai", "hosted_vllm", "infinity"}


def asked(server, provider, **options):
    model = options.pop("model", "mini")
    base = f"{server.url}{PROVIDERS[provider]}"
    known = {"query": QUERY, "documents": DOCUMENTS, "api_base": base, "api_key": server.key}
    return {"model": f"{provider}/{model}", **known, **options}


def checked(reply, places=ORDER):
    assert [row["index"] for row in reply.results] == places
    assert [row["relevance_score"] for row in reply.results] == pytest.approx(SCORES[: len(places)], rel=1e-5)
    return reply


@pytest.mark.parametrize("provider", PROVIDERS)
def test_results(server, provider):
    checked(litellm.rerank(**asked(server, provider)))
    checked(litellm.rerank(**asked(server, provider, top_n=2)), ORDER[:2])
    checked(litellm.rerank(**asked(server, provider, return_documents=False)))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_results_that_are_awaited(server, provider):
    checked(asyncio.run(litellm.arerank(**asked(server, provider))))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_documents(server, provider):
    rows = litellm.rerank(**asked(server, provider, return_documents=True)).results
    if provider in NO_DOCUMENTS:
        assert all(row.get("document") is None for row in rows)
    else:
        assert [row["document"]["text"] for row in rows] == [DOCUMENTS[at] for at in ORDER]


@pytest.mark.parametrize("provider", ["cohere", "hosted_vllm"])
def test_tokens_and_instructions(server, provider):
    checked(litellm.rerank(**asked(server, provider, max_tokens_per_doc=100)))
    if provider == "hosted_vllm":
        with pytest.raises(litellm.BadRequestError, match="instruction"):
            litellm.rerank(**asked(server, provider, instruction="facts only"))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("options", "error", "status"),
    [
        ({"api_key": "wrong-key"}, litellm.AuthenticationError, 401),
        ({"documents": ["word"] * 1001}, litellm.BadRequestError, 422),
        ({"model": "unknown"}, litellm.NotFoundError, 404),
    ],
)
def test_errors(server, provider, options, error, status):
    if provider == "huggingface":
        if "model" in options:
            pytest.skip("it names no model")
        error = error if status == 401 else litellm.exceptions.APIError
    with pytest.raises(error) as raised:
        litellm.rerank(**asked(server, provider, **options))
    assert raised.value.status_code in (status, 400)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_that_fails(broken_server, provider):
    error = litellm.exceptions.APIError if provider == "huggingface" else litellm.InternalServerError
    with pytest.raises(error) as raised:
        litellm.rerank(**asked(broken_server, provider))
    assert raised.value.status_code == 500


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_that_is_full(full_server, provider):
    with pytest.raises(litellm.RateLimitError):
        litellm.rerank(**asked(full_server, provider))
