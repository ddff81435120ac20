"""``rankkit config``: what a file is, said without a model; and cascades in the commands that take --config."""

from __future__ import annotations

import json
import tomllib

import pytest

from rankkit.cli.app import run
from rankkit.config.schema import json_schema
from tests.conftest import ROOT
from tests.tiny import tiny_cross_encoder

CASCADE = """
[[stages]]
model = "tiny"
drop_after = 3

[[stages]]
paradigm = "pairwise"
model = "tiny"
reorder_top = 2
"""


@pytest.fixture
def cascade(tmp_path):
    tiny_cross_encoder(tmp_path / "tiny")
    file = tmp_path / "cascade.toml"
    file.write_text(CASCADE)
    return file


def test_check_says_that_nothing_is_wrong(cascade, capsys):
    assert run(["config", "check", str(cascade)]) == 0
    assert capsys.readouterr().out == f"{cascade}: cascade, nothing wrong\n"
    assert run(["config", "check", str(cascade), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": str(cascade), "kind": "cascade", "rerankers": 3, "notes": []}


def test_check_names_models_that_are_not_here(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path / "home"))
    (tmp_path / "a.toml").write_text('[[stages]]\nmodel = "ms-marco-MiniLM-L-12-v2"\n')
    assert run(["config", "check", str(tmp_path / "a.toml")]) == 0
    assert "stages.1.model: " in (told := capsys.readouterr().err) and "rankkit models pull" in told


def test_check_ends_with_the_code_of_what_is_wrong(cascade, capsys):
    cascade.write_text(CASCADE.replace("reorder_top = 2", "reorder_top = 9"))
    assert run(["config", "check", str(cascade), "--json"]) == 2
    assert "stages.2" in json.loads(capsys.readouterr().out)["error"]["message"]
    cascade.write_text(CASCADE.replace('"tiny"', '"tinny"'))
    assert run(["config", "check", str(cascade)]) == 4
    assert f"{cascade}: stages.1.model: 'tinny' is not a model" in " ".join(capsys.readouterr().err.split())
    assert run(["config", "check", "cascade.yaml"]) == 2


def test_what_is_shown_is_the_same_reranker(cascade, tmp_path, capsys):
    assert run(["config", "show", str(cascade)]) == 0
    shown = capsys.readouterr().out
    assert tomllib.loads(shown)["stages"][0]["model"] == str(tmp_path / "tiny")
    elsewhere = tmp_path / "other" / "shown.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(shown)
    run(["config", "show", str(elsewhere)])
    assert capsys.readouterr().out == shown
    run(["config", "show", str(cascade), "--json"])
    assert json.loads(capsys.readouterr().out) == tomllib.loads(shown)


def test_the_schema_knows_every_kind_and_every_key(capsys):
    assert run(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    kinds = {"PointwiseSpec", "PairwiseSpec", "ListwiseSpec", "CascadeSpec", "FusionSpec"}
    assert {reference["$ref"].rpartition("/")[2] for reference in schema["anyOf"]} == kinds
    for kind in kinds:
        table = schema["$defs"][kind]
        assert {"drop_after", "skip_if", "on_failure", "budget", "include"} <= set(table["properties"])
        assert table["additionalProperties"] is False
    assert schema["$defs"]["CascadeSpec"]["properties"]["stages"]["minItems"] == 1


def validator():
    jsonschema = pytest.importorskip("jsonschema", reason="it is among the tools for development")
    return jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize(
    "path",
    sorted(
        {*(ROOT / "examples").glob("*.toml")} - {ROOT / "examples" / "compare.toml"}
    ),  # an experiment, not a reranker
    ids=lambda path: path.stem,
)
def test_the_schema_lets_every_example_through(path):
    validator().validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("table", "fine"),
    [
        ({"include": "fused.toml", "weights": [1, 2]}, True),
        ({"include": "gated.toml", "paradigm": "cascade", "budget": {"seconds": 3}}, True),
        ({"paradigm": "cascade"}, False),
        ({"paradigm": "listwise", "window": "20"}, False),
        ({"stages": [{"drop_after": True}]}, False),
        ({"modle": "x"}, False),
        ({"budget": {"calls": -1}}, False),
        ({"budget": {"calls": 1}}, True),
        ({"paradigm": "pairwise", "strategy": "allpairs", "aggregate": "kemeny"}, True),
        ({"paradigm": "pairwise", "strategy": "allpairs", "aggregate": "kemny"}, False),
    ],
)
def test_the_schema_tells_right_from_wrong(table, fine):
    assert validator().is_valid(table) == fine


def test_rerank_takes_a_cascade(cascade, tmp_path, capsys):
    (tmp_path / "documents.txt").write_text("bad\nword\nbest\ngood\n")
    assert run(["rerank", "word", str(tmp_path / "documents.txt"), "--config", str(cascade), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [row["text"] for row in data["results"]] == ["best", "good", "word"] and len(data["steps"]) == 2


def test_eval_takes_a_cascade(cascade, tmp_path, capsys):
    pytest.importorskip("ir_measures", reason="the eval extra is not installed")
    data = tmp_path / "data"
    data.mkdir()
    (data / "queries.tsv").write_text("q1\tword\n")
    (data / "qrels.txt").write_text("q1 0 d2 1\n")
    documents = [{"id": f"d{at}", "text": text} for at, text in enumerate(["bad", "word", "best", "good"])]
    row = {"query_id": "q1", "query": "word", "candidates": documents}
    (data / "candidates.jsonl").write_text(json.dumps(row) + "\n")
    assert run(["eval", "--data", str(data), "--config", str(cascade), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measures"]["nDCG@10"] == 1.0
