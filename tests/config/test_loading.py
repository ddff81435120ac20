"""A spec becomes a reranker; what is wrong with one is said by key."""

from __future__ import annotations

import json

import pytest

import rankkit
from rankkit.config import load, parse, to_toml
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError, InvalidModel, ModelNotPulled, UnknownModel
from tests.tiny import tiny_cross_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")


def test_a_folder_a_spec_and_a_file_give_the_same_reranker(folder, tmp_path):
    (tmp_path / "spec.toml").write_text(f'paradigm = "pointwise"\nmodel = {json.dumps(str(folder))}\n')
    (tmp_path / "spec.json").write_text(json.dumps({"model": str(folder)}))
    for what in (folder, str(folder), {"model": str(folder)}, tmp_path / "spec.toml", tmp_path / "spec.json"):
        reranker = load(what)
        assert repr(reranker) == "pointwise(tiny)"
        assert reranker.rerank("word", ["bad", "best"]).ids == ("1", "0")


def test_one_line_reranks_plain_strings(folder):
    ranking = rankkit.rerank("word", ["bad", "best", "good"], model=folder, top_k=2)
    assert [row.candidate.text for row in ranking] == ["best", "good"]
    assert rankkit.rerank("word", [], model=folder).ids == ()
    compared = rankkit.rerank("word", ["bad", "best"], model=folder, paradigm="pairwise", options={"top_k": 1})
    assert compared.ids == ("1", "0") and repr(compared.steps[0].stage) == "'tournament(tiny)'"


def test_a_config_printed_from_a_built_reranker_builds_an_equal_one(folder, tmp_path):
    stages = [{"paradigm": "pointwise", "model": str(folder), "drop_after": 3}]
    stages.append({"paradigm": "pairwise", "model": str(folder), "reorder_top": 2, "top_k": 1})
    built = load({"stages": stages, "budget": {"seconds": 30.0}})
    (tmp_path / "printed.toml").write_text(to_toml(built))
    again = load(tmp_path / "printed.toml")
    assert again.spec == built.spec and repr(again) == repr(built)
    documents = ["bad", "word", "best", "good"]
    assert again.rerank("word", documents).ids == built.rerank("word", documents).ids == ("2", "3", "1")
    assert to_toml(again) == to_toml(built) and again == built
    with pytest.raises(ConfigError, match="was not loaded"):
        to_toml(load(folder) >> load(folder))


def test_options_and_budgets_reach_the_reranker(folder):
    reranker = load(folder, options={"scores": "probability", "budget": {"calls": 0}, "on_failure": "partial"})
    assert reranker.budget == Budget(calls=0)
    assert reranker.rerank("word", ["bad"]).steps[0].stopped == "budget of 0 calls"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"paradigm": "pointless"}, "no paradigm 'pointless'\n  Did you mean pointwise"),
        ({"modle": "x"}, r"modle: extra inputs.*\n.*Known keys:.*model"),
        ({"threads": 0}, r"threads: .*greater than or equal to 1 \(seen: 0\)"),
        ({"scores": "percent"}, r"scores: .*'logit', .*'relevance' or 'calibrated'.*seen: 'percent'"),
        ({"budget": {"calls": "many"}}, r"budget\.calls: .*integer.*seen: 'many'"),
        ({"budget": {"calls": -1}}, "-1 calls"),
    ],
)
def test_a_wrong_spec_is_answered_by_key(spec, words):
    with pytest.raises(ConfigError, match=words):
        parse(spec)


def test_what_cannot_be_loaded_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path / "home"))
    with pytest.raises(UnknownModel, match="MiniLM-L-12"):
        load("ms-marco-MiniLM-L-13-v2")
    with pytest.raises(ModelNotPulled, match="rankkit models pull ms-marco-MiniLM-L-12-v2"):
        load("ms-marco-MiniLM-L-12-v2")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidModel, match=r"no model\.onnx"):
        load(tmp_path / "empty")
    with pytest.raises(ConfigError, match="no config file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("model = ")
    with pytest.raises(ConfigError, match=r"bad\.toml cannot be read"):
        load(tmp_path / "bad.toml")
