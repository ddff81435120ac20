"""Each dialect against a server that speaks it: what is sent, what is read, and where it is asked."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import get_args

import pytest

from rankkit.backends.rerank_api.address import address_of
from rankkit.backends.rerank_api.client import RerankApi
from rankkit.backends.rerank_api.dialects import DIALECTS, ApiName, dialect_of
from rankkit.backends.rerank_api.pricing import RerankPrices
from rankkit.core.ranking import Request, ScoreKind
from rankkit.errors import ConfigError
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.remote import RemoteJudge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.replay.record import RecordedJudge, Recorder, read_record
from tests.backends.loopback import Says
from tests.backends.rerank_api.serving import BODIES, DOCUMENTS, PATHS, QUERY, numbers, speaks

KEY = "sk-not-a-real-key-0123456789"


def reranker(api: RerankApi) -> JudgeReranker[object, float]:
    return JudgeReranker(RemoteJudge(api), ScoreAll())


@pytest.fixture(params=DIALECTS)
def api(request) -> str:
    return request.param


def test_the_table_has_a_row_for_each_name():
    assert tuple(DIALECTS) == get_args(ApiName)
    with pytest.raises(ConfigError, match="cohera") as caught:
        dialect_of("cohera")
    assert "cohere" in caught.value.hint


def test_order_and_scores_are_the_servers(server, root, api):
    server.behaviour = speaks(api)
    with RerankApi(api, "m", base_url=root, api_key=KEY) as backend:
        ranking = reranker(backend).rank(Request.of(QUERY, DOCUMENTS))
    expected = numbers(api, QUERY, DOCUMENTS, {})
    order = sorted(range(len(DOCUMENTS)), key=lambda index: -expected[index])  # equal ones keep their order
    assert [int(candidate.id) for candidate in ranking.candidates] == order
    assert list(ranking.scores) == [expected[index] for index in order]
    assert ranking.score_kind is next(iter(DIALECTS[api].scores.values())).kind


def test_nothing_is_sent_that_nobody_asked_for(server, root, api):
    server.behaviour = speaks(api)
    with RerankApi(api, "m", base_url=root, api_key=KEY) as backend:
        reranker(backend).rank(Request.of(QUERY, DOCUMENTS))
    [asked] = server.asked
    assert asked.path == PATHS[api]
    assert set(asked.body) == BODIES[api]
    assert None not in asked.body.values() and 0 not in [asked.body.get("top_n"), asked.body.get("top_k")]
    assert asked.body.get("return_documents") in (None, False)
    sent = {"host", "accept", "accept-encoding", "user-agent", "content-type", "content-length", "connection"}
    key = "api-key" if api == "pinecone" else "authorization"
    assert set(asked.headers) - sent - {"x-pinecone-api-version"} == {key}
    assert asked.headers[key] == (KEY if api == "pinecone" else f"Bearer {KEY}")


def test_without_a_key_none_is_sent(server, root, api):
    server.behaviour = speaks(api)
    with RerankApi(api, "m", base_url=root) as backend:
        reranker(backend).rank(Request.of(QUERY, DOCUMENTS))
    assert not {"authorization", "api-key"} & set(server.asked[0].headers)


def test_awaited_it_gives_the_same(server, root, api):
    server.behaviour = speaks(api)
    with RerankApi(api, "m", base_url=root) as backend:
        request = Request.of(QUERY, DOCUMENTS)
        here = reranker(backend).rank(request)
        there = asyncio.run(reranker(backend).rank_async(request))
    assert (here.ids, here.scores) == (there.ids, there.scores)


def test_empty_and_single_lists_ask_no_more_than_they_must(server, root, api):
    server.behaviour = speaks(api)
    with RerankApi(api, "m", base_url=root) as backend:
        assert not reranker(backend).rank(Request.of(QUERY, [])).candidates
        assert not server.asked
        assert len(reranker(backend).rank(Request.of(QUERY, ["?"]))) == 1


def test_the_bill_is_the_services(server, root, api):
    server.behaviour = speaks(api)
    with RerankApi(api, "m", base_url=root) as backend:
        ranking = reranker(backend).rank(Request.of(QUERY, DOCUMENTS))
    [step] = ranking.steps
    counts = {"cohere": None, "infinity": None, "pinecone": None, "contextual": None, "openrouter": 9}
    tokens = counts.get(api, 7 * len(DOCUMENTS))
    estimated = "tokens are an upper estimate: the service counts none" in step.notes
    assert estimated == (tokens is None)
    assert step.usage.input_tokens == tokens or (tokens is None and step.usage.input_tokens > 50)
    assert step.usage.billed_units == (1.0 if api in ("cohere", "pinecone", "openrouter") else None)
    assert ("billed_units" in ranking.to_dict()["usage"]) == (api in ("cohere", "pinecone", "openrouter"))
    assert step.usage.calls == 1 and step.usage.cost is None


def test_raw_scores_where_there_are_any(server, root):
    for api, field in (("tei", "raw_scores"), ("infinity", "raw_scores"), ("vllm", "use_activation")):
        server.behaviour = speaks(api)
        with RerankApi(api, "m", base_url=root, scores="logit") as backend:
            ranking = reranker(backend).rank(Request.of(QUERY, DOCUMENTS))
        assert ranking.score_kind is ScoreKind.LOGIT
        assert min(ranking.scores) < 0 and server.asked[-1].body[field] is (field == "raw_scores")
    with pytest.raises(ConfigError, match="gives no 'logit'"):
        RerankApi("cohere", "m", api_key=KEY, scores="logit")


@pytest.mark.parametrize(
    ("api", "base_url", "url"),
    [
        ("cohere", None, "https://api.cohere.com/v2/rerank"),
        ("cohere", "http://h:1", "http://h:1/v2/rerank"),
        ("cohere", "http://h:1/", "http://h:1/v2/rerank"),
        ("cohere", "http://h/v1", "http://h/v1/rerank"),
        ("cohere", "http://h/v3", "http://h/v3/rerank"),
        ("cohere", "https://r.services.ai.azure.com/providers/cohere/v2", None),
        ("cohere", "http://h/v2/rerank", "http://h/v2/rerank"),
        ("voyage", "http://h/v1", "http://h/v1/rerank"),
        ("jina", "http://h/v1/rerank", "http://h/v1/rerank"),
        ("mixedbread", "http://h", "http://h/v1/reranking"),
        ("mixedbread", "http://h/v1", "http://h/v1/reranking"),
        ("tei", "http://rerank", "http://rerank/rerank"),
        ("tei", "http://h/behind/a/prefix", "http://h/behind/a/prefix/rerank"),
        ("vllm", "http://h/v1", "http://h/v1/rerank"),
        ("llama.cpp", "http://h", "http://h/v1/rerank"),
        ("openrouter", None, "https://openrouter.ai/api/v1/rerank"),
        ("zeroentropy", None, "https://api.zeroentropy.dev/v1/models/rerank"),
        ("pinecone", None, "https://api.pinecone.io/rerank"),
    ],
)
def test_addresses_as_people_write_them(api, base_url, url):
    base, path = address_of(DIALECTS[api], base_url)
    assert base + path == (url or f"{base_url}/rerank")


def test_a_server_that_people_run_themselves_has_no_address_of_its_own():
    with pytest.raises(ConfigError, match="where is it") as caught:
        RerankApi("tei", "m")
    assert "base_url" in caught.value.hint


def test_keys_of_the_environment_are_for_the_service_itself(monkeypatch):
    monkeypatch.delenv("CO_API_KEY", raising=False)
    monkeypatch.setenv("COHERE_API_KEY", KEY)
    assert KEY not in repr(RerankApi("cohere", "m"))
    elsewhere = RerankApi("cohere", "m", base_url="https://elsewhere.example")
    assert not elsewhere._client._headers.reveal().get("authorization")
    monkeypatch.delenv("COHERE_API_KEY")
    with pytest.raises(ConfigError, match="CO_API_KEY is not set"):
        RerankApi("cohere", "m")


def test_copies_are_made_anew_and_a_literal_key_is_not_copied(monkeypatch, server, root):
    monkeypatch.setenv("MY_KEY", KEY)
    server.behaviour = speaks("cohere")
    with RerankApi("cohere", "m", base_url=root, key_env="MY_KEY", documents_per_call=3) as backend:
        dumped = pickle.dumps(backend)
        assert KEY.encode() not in dumped
        for copied in (pickle.loads(dumped), copy.deepcopy(backend)):
            with copied:
                assert copied.fingerprint == backend.fingerprint
                assert reranker(copied).rank(Request.of(QUERY, DOCUMENTS)).steps[0].usage.calls == 3
    with pytest.raises(TypeError, match="key_env"):
        pickle.dumps(RerankApi("cohere", "m", base_url=root, api_key=KEY))


def test_what_answers_depend_on_is_in_the_fingerprint(root):
    def made(**changed):
        return RerankApi(**{"api": "tei", "model": "m", "base_url": root, **changed}).fingerprint

    others = [
        made(model="other"),
        made(base_url=root + "/x"),
        made(api="infinity"),
        made(scores="logit"),
        made(extra_body={"truncate": True}),
        made(headers={"x-route": "1"}),
        made(instruction_field="instruction"),
    ]
    assert len({made(), *others}) == 8


def test_each_call_sets_its_own_fields_itself():
    for field in ("top_n", "documents", "return_documents", "raw_scores", "instruction"):
        with pytest.raises(ConfigError, match=field):
            RerankApi("cohere", "m", api_key=KEY, extra_body={field: 1})


def test_money_by_tokens_and_by_units(server, root):
    server.behaviour = speaks("cohere")
    prices = RerankPrices(per_unit=0.002)
    with RerankApi("cohere", "m", base_url=root, prices=prices) as backend:
        ranking = reranker(backend).rank(Request.of(QUERY, ["a"] * 250))
        plan = reranker(backend).plan(Request.of(QUERY, ["a"] * 250))
    assert ranking.usage.billed_units == 3.0
    assert ranking.usage.cost == pytest.approx(0.006) == plan.usage.cost
    server.behaviour = speaks("voyage")
    with RerankApi("voyage", "m", base_url=root, prices=RerankPrices(per_million_tokens=50.0)) as backend:
        assert reranker(backend).rank(Request.of(QUERY, ["a"] * 4)).usage.cost == pytest.approx(28 * 50 / 1e6)
    with pytest.raises(ConfigError, match="bills no units"):
        RerankApi("voyage", "m", api_key=KEY, prices=prices)


def test_a_record_of_replies_is_replayed_with_its_bill(server, root, tmp_path):
    server.behaviour = speaks("cohere")
    with RerankApi("cohere", "m", base_url=root, prices=RerankPrices(per_unit=0.002)) as backend:
        judge, request = RemoteJudge(backend), Request.of(QUERY, DOCUMENTS)
        with Recorder(tmp_path / "run.jsonl", judge.fingerprints) as recorder:
            live = JudgeReranker(judge, ScoreAll(), on_reply=recorder.write).rank(request)
    again = JudgeReranker(RecordedJudge(read_record(tmp_path / "run.jsonl")), ScoreAll()).rank(request)
    assert len(server.asked) == 1
    assert (again.ids, again.scores) == (live.ids, live.scores)
    assert again.usage.billed_units == live.usage.billed_units == 1.0 and again.usage.cost == 0.002


def test_units_that_nobody_states_are_unknown_and_charged_at_the_most_they_can_be(server, root):
    server.behaviour = lambda asked: Says({"results": [{"index": 0, "relevance_score": 0.5}]})
    with RerankApi("cohere", "m", base_url=root, prices=RerankPrices(per_unit=0.002)) as backend:
        [step] = reranker(backend).rank(Request.of(QUERY, ["a"])).steps
    assert step.usage.billed_units is None and step.usage.cost == 0.002
    assert any(note.startswith("billed units unknown") for note in step.notes)
