"""The services' own clients and ours, pointed at one server of each dialect, read the same order and scores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from tests.lanes import needs

needs("clients", "cohere", "voyageai", "mixedbread", "haystack_integrations.components.rankers.jina", "openai")

import cohere
import mixedbread
import voyageai
from haystack import Document
from haystack.utils import Secret
from haystack_integrations.components.rankers.jina import JinaRanker

from rankkit.backends.rerank_api.client import RerankApi
from rankkit.core.ranking import Request
from rankkit.errors import AuthenticationFailed, RateLimited
from tests.backends.loopback import Loopback, Says
from tests.backends.rerank_api.serving import DOCUMENTS, QUERY, reply_of, speaks
from tests.backends.rerank_api.test_dialects import KEY, reranker


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


def root(server: Loopback) -> str:
    return server.url.removesuffix("/v1")


def theirs(name: str, server: Loopback) -> list[tuple[int, float]]:
    """What the service's own client makes of it, in its order."""
    if name.startswith("cohere"):
        kind = cohere.Client if name == "cohere v1" else cohere.ClientV2
        reply = kind(api_key=KEY, base_url=root(server)).rerank(model="m", query=QUERY, documents=DOCUMENTS)
        return [(row.index, row.relevance_score) for row in reply.results]
    if name == "voyage":
        reply = voyageai.Client(api_key=KEY, base_url=server.url).rerank(QUERY, DOCUMENTS, "m")
        return [(row.index, row.relevance_score) for row in reply.results]
    if name == "mixedbread":
        made = mixedbread.Mixedbread(api_key=KEY, base_url=root(server))
        return [(row.index, row.score) for row in made.rerank(query=QUERY, input=DOCUMENTS, model="m").data]
    ranker = JinaRanker(model="m", api_key=Secret.from_token(KEY), base_url=f"{server.url}/rerank")
    documents = [Document(id=str(at), content=text) for at, text in enumerate(DOCUMENTS)]
    found = ranker.run(query=QUERY, documents=documents)["documents"]
    return [(int(document.id), document.score) for document in found]


def ours(name: str, server: Loopback) -> list[tuple[int, float]]:
    api = name.split()[0]
    base_url = server.url if name == "cohere v1" else root(server)
    with RerankApi(api, "m", base_url=base_url, api_key=KEY) as backend:
        ranking = reranker(backend).rank(Request.of(QUERY, DOCUMENTS))
    return [(int(name), score) for name, score in zip(ranking.ids, ranking.scores, strict=True)]


NAMES = ("cohere v1", "cohere v2", "voyage", "mixedbread", "jina")


@pytest.mark.parametrize("name", NAMES)
def test_order_and_scores_are_the_same(loopback, name):
    loopback.behaviour = speaks(name.split()[0])
    read, own = theirs(name, loopback), ours(name, loopback)
    assert dict(read) == dict(own)
    assert [score for _, score in read] == [score for _, score in own]
    # Equal scores come in the server's order there, and in that of the documents here.
    assert own == sorted(read, key=lambda row: (-row[1], row[0]))


@pytest.mark.parametrize("name", NAMES)
def test_both_ask_at_the_same_place_with_the_same_key_for_the_same_documents(loopback, name):
    loopback.behaviour = speaks(name.split()[0])
    theirs(name, loopback)
    ours(name, loopback)
    first, second = loopback.asked
    assert (first.path, first.key) == (second.path, second.key)
    told, said = (
        {key: value for key, value in asked.body.items() if key in ("model", "query", "documents", "input")}
        for asked in (first, second)
    )
    assert told == said


@pytest.mark.parametrize("status", [401, 429])
def test_both_see_the_same_error(loopback, status):
    body: Mapping[str, str] = {"message": "no", "detail": "no"}
    loopback.behaviour = lambda asked: Says(body, status, {"retry-after": "0"})
    with pytest.raises(cohere.UnauthorizedError if status == 401 else cohere.TooManyRequestsError):
        theirs("cohere v2", loopback)
    with pytest.raises(AuthenticationFailed if status == 401 else RateLimited):
        ours("cohere v2", loopback)


def test_a_reply_with_all_that_both_may_read(loopback):
    """One body that suits clients of Cohere and Jina at once, as servers of several dialects send it."""

    def behaviour(asked):
        row = json.loads(json.dumps(reply_of("cohere", asked.body).body))
        return Says({**row, "model": "m", "object": "list", "usage": {"total_tokens": 5}})

    loopback.behaviour = behaviour
    assert dict(theirs("cohere v2", loopback)) == dict(ours("cohere v2", loopback)) == dict(ours("jina", loopback))
    assert dict(theirs("jina", loopback)) == dict(ours("jina", loopback))
