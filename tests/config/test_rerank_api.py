"""A rerank API in a spec: its keys, which variable goes where, plans without a call, copies, the command line."""

from __future__ import annotations

import copy
import json
import pickle
import tomllib
from collections.abc import Iterator

import pytest

from rankkit.backends.rerank_api.dialects import DIALECTS
from rankkit.cli.app import run
from rankkit.config import load, parse, to_toml
from rankkit.config.checking import check_models
from rankkit.config.loading import read_spec
from rankkit.config.schema import json_schema
from rankkit.config.writing import as_toml
from rankkit.errors import ConfigError, InstructionRefused, RankkitError
from tests.backends.loopback import Loopback
from tests.backends.rerank_api.serving import DOCUMENTS, QUERY, logit, speaks

KEY = "sk-not-a-real-key-0123456789"
COHERE = {"api": "cohere", "model": "rerank-v3.5"}
HERE = {"api": "tei", "model": "m", "base_url": "http://127.0.0.1:1"}


@pytest.fixture
def server() -> Iterator[Loopback]:
    pytest.importorskip("openai", reason="the openai extra is not installed")
    with Loopback() as loopback:
        yield loopback


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for row in DIALECTS.values():
        for name in row.own_variables:
            monkeypatch.delenv(name, raising=False)


def at(server: Loopback, api: str = "cohere", **keys: object) -> dict[str, object]:
    server.behaviour = speaks(api)
    return {"api": api, "model": "m", "base_url": server.url.removesuffix("/v1"), **keys}


# -- what is said


def test_an_api_makes_a_spec_pointwise_and_any_name_is_a_model():
    spec = parse(COHERE)
    assert (spec.paradigm, spec.kind, spec.chosen_method, spec.served) == ("pointwise", "rerank-api", "remote", True)
    assert read_spec("rerank-v3.5", options={"api": "cohere"}) == spec
    assert spec.decided() == {"method": "remote", "scores": "relevance"}
    assert parse(HERE).decided()["scores"] == "probability"
    assert to_toml_round(COHERE) == spec


def to_toml_round(table):
    import tomllib

    return parse(tomllib.loads(as_toml(parse(table))))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"api": "cohera", "model": "m"}, "api: input should be 'cohere'"),
        ({"api": "cohere"}, "needs the model's name as the service calls it"),
        ({"base_url": "http://h", "model": "m"}, "base_url goes with an endpoint"),
        ({**HERE, "endpoint": "http://h/v1"}, "two ways to a server"),
        ({**HERE, "threads": 2}, "threads goes with a model on this machine"),
        ({**HERE, "documents_per_call": 0}, "greater than or equal to 1"),
        ({**HERE, "api_key": KEY}, "never written into a spec"),
        ({**HERE, "base_url": f"http://h?key={KEY}"}, "may hold a key"),
        ({**HERE, "paradigm": "listwise"}, "extra inputs"),
    ],
)
def test_what_does_not_go_together_is_refused_when_it_is_read(keys, words):
    with pytest.raises(ConfigError, match=words) as caught:
        parse(keys)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"api": "tei", "model": "m"}, "where is it"),
        ({**HERE, "base_url": "ftp://h"}, "no address"),
        ({**HERE, "scores": "relevance"}, "gives no 'relevance'"),
        ({**HERE, "price_unit": 1.0}, "bills no units"),
        ({**HERE, "extra_body": {"top_n": 3}}, "extra_body sets top_n"),
        ({**HERE, "style": "chat"}, "style goes with a model behind an endpoint"),
        ({**HERE, "prompt": "yes-no"}, "prompt"),
        ({**HERE, "method": "cross-encoder"}, "is a model behind a rerank API; the method cross-encoder needs"),
        ({**HERE, "method": "prompted"}, "is a model behind a rerank API; the method prompted needs"),
    ],
)
def test_what_this_api_does_not_have_is_refused_before_anything_is_sent(keys, words):
    with pytest.raises(RankkitError, match=words):
        check_models(parse(keys))


def test_the_schema_names_the_apis():
    text = json.dumps(json_schema())
    assert all(f'"{name}"' in text for name in DIALECTS)


# -- keys


def test_a_check_says_which_variable_goes_where(monkeypatch):
    with pytest.raises(ConfigError, match="CO_API_KEY is not set"):
        check_models(parse(COHERE))
    monkeypatch.setenv("COHERE_API_KEY", KEY)
    assert check_models(parse(COHERE)) == ["key_env: sends $COHERE_API_KEY to https://api.cohere.com"]
    monkeypatch.setenv("MINE", KEY)
    both = {"stages": [{**COHERE, "drop_after": 5}, {**HERE, "base_url": "https://h/x", "key_env": "MINE"}]}
    assert check_models(parse(both)) == [
        "stages.1.key_env: sends $COHERE_API_KEY to https://api.cohere.com",
        "stages.2.key_env: sends $MINE to https://h/x",
    ]
    # The service's own variables are not for another server.
    assert check_models(parse({**COHERE, "base_url": "https://elsewhere.example"})) == []


def test_a_key_does_not_go_to_another_machine_unencrypted(monkeypatch):
    monkeypatch.setenv("MINE", KEY)
    foreign = {**HERE, "base_url": "http://10.0.0.9:8080", "key_env": "MINE"}
    for refused in (lambda: check_models(parse(foreign)), lambda: load(foreign)):
        with pytest.raises(ConfigError, match=r"\$MINE would go to http://10\.0\.0\.9:8080 unencrypted"):
            refused()
    load({**foreign, "key_over_http": True}).close()
    load({**foreign, "base_url": "http://127.0.0.1:1"}).close()
    load({key: value for key, value in foreign.items() if key != "key_env"}).close()


# -- at work


def test_a_loaded_reranker_ranks_and_is_copied_by_its_spec(server, monkeypatch):
    monkeypatch.setenv("MINE", KEY)
    with load(at(server, key_env="MINE", documents_per_call=3)) as reranker:
        ranking = reranker.rerank(QUERY, DOCUMENTS)
        dumped = pickle.dumps(reranker)
        assert KEY.encode() not in dumped and KEY not in to_toml(reranker)
        for copied in (pickle.loads(dumped), copy.deepcopy(reranker), load(tomllib.loads(to_toml(reranker)))):
            with copied:
                again = copied.rerank(QUERY, DOCUMENTS)
                assert (again.ids, again.scores) == (ranking.ids, ranking.scores)
    assert {asked.key for asked in server.asked} == {KEY}


def test_a_plan_counts_calls_and_documents_and_money_without_a_call(server, tmp_path, capsys):
    table = at(server, documents_per_call=2, price_unit=0.002)
    (tmp_path / "a.json").write_text(json.dumps(table))
    assert run(["plan", "-c", str(tmp_path / "a.json"), "--candidates", "5", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert server.asked == []
    assert plan["calls"] == 3 and plan["stages"][0]["questions"] == 5
    assert plan["cost_expected"] == pytest.approx(0.006) and plan["seconds_estimated"] is None


def test_an_instruction_is_refused_before_anything_is_sent_or_goes_along(server):
    with load(at(server)) as reranker, pytest.raises(InstructionRefused):
        reranker.rerank(QUERY, DOCUMENTS, instruction="prefer official sources")
    assert server.asked == []
    with load(at(server, "contextual")) as reranker:
        reranker.rerank(QUERY, DOCUMENTS, instruction="prefer official sources")
    assert server.asked[-1].body["instruction"] == "prefer official sources"


def test_in_a_cascade_only_what_is_left_is_paid_for(server):
    stages = [at(server, "tei", drop_after=3), at(server, "tei", scores="logit")]
    with load({"stages": stages}) as cascade:
        ranking = cascade.rerank(QUERY, DOCUMENTS)
    assert [len(asked.body["texts"]) for asked in server.asked] == [len(DOCUMENTS), 3]
    assert max(ranking.scores) == pytest.approx(max(logit(QUERY, document) for document in DOCUMENTS))


@pytest.mark.parametrize("way", ["options", "set"])
def test_on_the_command_line(server, capsys, tmp_path, way):
    table = at(server)
    (tmp_path / "passages.txt").write_text("\n".join(DOCUMENTS[:4]), encoding="utf-8")
    said = ["--api", "cohere", "--base-url", str(table["base_url"])]
    if way == "set":
        said = ["--set", "api=cohere", "--set", f"base_url={table['base_url']}"]
    assert run(["rerank", QUERY, str(tmp_path / "passages.txt"), "--model", "m", *said, "--json"]) == 0
    ranking = json.loads(capsys.readouterr().out)
    expected = sorted(range(4), key=lambda index: -logit(QUERY, DOCUMENTS[index]))
    texts = [one["text"] for one in (ranking.get("candidates") or ranking["results"])]
    assert texts == [DOCUMENTS[index] for index in expected]
    assert KEY not in json.dumps(ranking)
