"""More documents than a service takes in one call: which go together, in what order, how many calls at once."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.backends.rerank_api.client import APART, PERHAPS_CUT, RerankApi
from rankkit.backends.rerank_api.dialects import DIALECTS
from rankkit.backends.rerank_api.requests import CallLimits, in_batches
from rankkit.core.ranking import Request
from rankkit.errors import ConfigError
from tests.backends.loopback import Says
from tests.backends.rerank_api.serving import QUERY, logit, reply_of, speaks
from tests.backends.rerank_api.test_dialects import reranker

TEXTS = st.lists(st.text(min_size=1, max_size=40), max_size=40)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(1, 9), st.none() | st.integers(1, 200), st.integers(50, 500))
def test_every_document_is_in_one_call_and_no_call_is_too_large(texts, documents, tokens, size):
    batches = list(in_batches("a query", "", texts, CallLimits(documents, tokens, size)))
    assert [position for batch in batches for position in batch.positions] == list(range(len(texts)))
    assert [text for batch in batches for text in batch.documents] == texts
    for batch in batches:
        assert 1 <= len(batch.documents) <= documents
        assert batch.alone == (len(batches) == 1)
        if len(batch.documents) > 1:  # one that is too large by itself goes alone
            assert tokens is None or batch.most_tokens <= tokens


def test_limits_are_the_services_unless_others_are_given(server, root):
    for api, documents in {"cohere": 1000, "tei": 32, "pinecone": 100}.items():
        server.behaviour = speaks(api)
        with RerankApi(api, "m", base_url=root) as backend:
            plan = reranker(backend).plan(Request.of(QUERY, ["a"] * 1001))
            assert plan.calls == -(-1001 // documents) and plan.questions == 1001
    with RerankApi("voyage", "rerank-2.5", base_url=root) as backend:
        batches = list(backend.batches(QUERY, "", ["word " * 20_000] * 40))
        assert len(batches) > 1 and max(batch.most_tokens for batch in batches) <= 600_000
    with pytest.raises(ConfigError, match="documents_per_call=0"):
        RerankApi("tei", "m", base_url=root, documents_per_call=0)


@pytest.mark.parametrize("api", DIALECTS)
def test_many_calls_give_the_scores_of_one(server, root, api):
    documents = [f"{words} {number}" for number in range(20) for words in ("fleas live", "how long", "bread")]
    server.behaviour = speaks(api)
    with (
        RerankApi(api, "m", base_url=root, documents_per_call=1000) as one,
        RerankApi(api, "m", base_url=root, documents_per_call=7) as many,
    ):
        whole, apart = (reranker(backend).rank(Request.of(QUERY, documents)) for backend in (one, many))
    assert (whole.ids, whole.scores) == (apart.ids, apart.scores)
    assert apart.usage.calls == 9 and apart.steps[0].questions == 60
    # Only the services that are known to score each document alone say nothing of it.
    assert (apart.steps[0].notes.get(APART) == 60) == (DIALECTS[api].scores_alone("m") is not True)


def test_a_model_that_reads_all_documents_together_is_said_to(server, root):
    server.behaviour = speaks("jina")
    for model, count in {"jina-reranker-v3": 5, "jina-reranker-v2-base-multilingual": None}.items():
        with RerankApi("jina", model, base_url=root, documents_per_call=3) as backend:
            [step] = reranker(backend).rank(Request.of(QUERY, ["a", "b", "c", "d", "e"])).steps
            assert step.notes.get(APART) == count
        with RerankApi("jina", model, base_url=root) as backend:
            assert APART not in reranker(backend).rank(Request.of(QUERY, ["a", "b"])).steps[0].notes


def test_as_many_calls_at_once_as_are_allowed_and_no_more(server, root):
    lock, inside, most = threading.Lock(), set(), []
    full = threading.Event()

    def behaviour(asked):
        with lock:
            inside.add(id(asked))
            most.append(len(inside))
            if len(inside) == 3:
                full.set()
        full.wait(5)
        time.sleep(0.005)
        with lock:
            inside.discard(id(asked))
        return reply_of("cohere", asked.body)

    server.behaviour = behaviour
    seen = []
    with RerankApi("cohere", "m", base_url=root, documents_per_call=5, concurrency=3) as backend:
        reranker(backend).rerank(QUERY, [f"word {n}" for n in range(60)], progress=seen.append)
    assert max(most) == 3 and len(server.asked) == 12
    assert len(seen) > 3  # on the way, not at the end only


def test_requests_share_no_call_and_get_their_own_scores(server, root):
    server.behaviour = speaks("vllm")
    requests = [Request.of(query, ["fleas live", "how bread"]) for query in ("fleas", "bread", "how long")]
    with RerankApi("vllm", "m", base_url=root, scores="logit") as backend:
        rankings = reranker(backend).rank_many(requests)
    assert len(server.asked) == 3
    for request, ranking in zip(requests, rankings, strict=True):
        expected = [logit(request.query.text, candidate.text) for candidate in request.candidates]
        assert dict(zip(ranking.ids, ranking.scores, strict=True)) == {"0": expected[0], "1": expected[1]}


def test_warnings_and_what_may_have_been_cut_are_in_the_step(server, root):
    server.behaviour = lambda asked: Says(
        {**reply_of("cohere", asked.body).body, "meta": {"warnings": ["too many\x1b[31m chunks", "old model"]}}
    )
    with RerankApi("cohere", "m", base_url=root, documents_per_call=2) as backend:
        [step] = reranker(backend).rank(Request.of(QUERY, ["word " * 5000, "a", "b"])).steps
    assert step.notes["the service warns: too many chunks"] == 2 == step.notes["the service warns: old model"]
    assert step.notes[PERHAPS_CUT] == 1
    with RerankApi("cohere", "m", base_url=root, extra_body={"max_tokens_per_doc": 20_000}) as backend:
        assert PERHAPS_CUT not in reranker(backend).rank(Request.of(QUERY, ["word " * 5000])).steps[0].notes


def test_half_characters_do_not_reach_the_service(server, root):
    server.behaviour = speaks("cohere")
    with RerankApi("cohere", "m", base_url=root) as backend:
        reranker(backend).rank(Request.of("cut \ud83d", ["half \udc00", "whole \ud83d\ude00"]))
    [asked] = server.asked
    assert asked.body["query"] == "cut \ufffd" and asked.body["documents"] == ["half \ufffd", "whole \U0001f600"]


# -- instructions


def test_an_instruction_goes_where_the_dialect_has_a_field_and_is_refused_elsewhere(server, root):
    request = Request.of(QUERY, ["a", "b"], instruction="prefer official sources")
    for api, options in (("contextual", {}), ("vllm", {"instruction_field": "instruction"})):
        server.behaviour = speaks(api)
        with RerankApi(api, "m", base_url=root, **options) as backend:
            assert reranker(backend).judge.takes_instruction
            reranker(backend).rank(request)
        assert server.asked[-1].body["instruction"] == "prefer official sources"
    asked = len(server.asked)
    for api in set(DIALECTS) - {"contextual"}:
        with RerankApi(api, "m", base_url=root) as backend, pytest.raises(Exception, match="instruction"):
            reranker(backend).rank(request)
    assert len(server.asked) == asked


@pytest.mark.slow
def test_twenty_five_thousand_documents(server, root):
    documents = [f"{'fleas live ' * (n % 3)}{'how long ' * (n % 5)}{n}" for n in range(25_000)]
    server.behaviour = speaks("cohere")
    with RerankApi("cohere", "m", base_url=root, concurrency=4, timeout=120) as backend:
        request = Request.of(QUERY, documents)
        plan = reranker(backend).plan(request)
        seen = []
        ranking = reranker(backend).rank(request, progress=seen.append)
    assert plan.calls == ranking.usage.calls == len(server.asked) == 25
    assert plan.questions == 25_000 and ranking.usage.billed_units == 250
    expected = [logit(QUERY, document) for document in documents]
    assert [int(one) for one in ranking.ids] == sorted(range(25_000), key=lambda index: -expected[index])
    assert seen
