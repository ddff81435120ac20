"""The keys of a language model: the day of a chat template, and what the kind of model has no use for."""

from __future__ import annotations

import datetime
import json

import pytest

from rankkit.config import load, parse, to_toml
from rankkit.config.checking import check_models
from rankkit.config.loading import read_spec
from rankkit.config.registry import kinds
from rankkit.errors import ConfigError
from tests.cli.test_cli import rankkit
from tests.conftest import pulled_model
from tests.tiny import tiny_cross_encoder

LISTWISE = {"paradigm": "listwise", "model": "smollm2-135m-instruct"}
ENDPOINT = {"paradigm": "pairwise", "model": "little", "endpoint": "http://127.0.0.1:1/v1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.mark.parametrize("day", ["2031-01-02", datetime.date(2031, 1, 2), "20310102"])
def test_a_day_may_be_written_as_toml_and_json_write_it(day):
    assert parse({**LISTWISE, "date": day}).date == "2031-01-02"


def test_files_of_both_forms_say_the_same_day(tmp_path):
    (tmp_path / "a.toml").write_text('paradigm = "listwise"\ndate = 2031-01-02\n', encoding="utf-8")
    (tmp_path / "b.json").write_text('{"paradigm": "listwise", "date": "2031-01-02"}', encoding="utf-8")
    one, other = read_spec(tmp_path / "a.toml"), read_spec(tmp_path / "b.json")
    assert one == other and one.date == "2031-01-02"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2031-02-30", r"date: no day of the calendar; write it as in 2026-01-31 \(seen: '2031-02-30'\)"),
        ("today", "date: no day of the calendar"),
        ("", "date: no day of the calendar"),
        (20310102, r"date: input should be a valid string \(seen: 20310102\)"),
        (datetime.datetime(2031, 1, 2, 3, 4, tzinfo=datetime.UTC), "date: input should be a valid string"),
    ],
)
def test_what_is_no_day_is_an_error_of_the_key(day, words):
    with pytest.raises(ConfigError, match=f"spec: {words}"):
        parse({**LISTWISE, "date": day})
    with pytest.raises(ConfigError, match=r"spec: stages\.2\.date: "):
        parse({"stages": [{}, {**LISTWISE, "date": day}]})


def test_a_day_changes_what_the_model_is_taken_for_and_is_written_down():
    pulled_model("smollm2-135m-instruct")
    fingerprints = []
    for keys in ({}, {"date": "2024-07-26"}, {"date": "2031-01-02"}):
        with load({**LISTWISE, **keys}) as reranker:
            fingerprints.append(reranker.judge.fingerprints)
            assert ("date" in to_toml(reranker)) == bool(keys)
    usual, same, other = fingerprints
    assert usual == same != other


@pytest.mark.slow
def test_the_command_line_takes_it_and_checks_it(tmp_path):
    (tmp_path / "a.toml").write_text('paradigm = "listwise"\ndate = "yesterday"\n', encoding="utf-8")
    (tmp_path / "a.txt").write_text("One passage.\nAnother one.\n", encoding="utf-8")
    wrong = rankkit("config", "check", str(tmp_path / "a.toml"))
    assert wrong.returncode != 0 and "date: no day of the calendar; write it as in 2026-01-31" in wrong.stderr
    reranking = ("rerank", "which one?", str(tmp_path / "a.txt"), "--paradigm", "listwise", "--json")
    refused = rankkit(*reranking, "--set", "date=2031-02-30")
    assert refused.returncode != 0 and "date: no day of the calendar" in " ".join(refused.stderr.split())
    model = str(pulled_model("smollm2-135m-instruct"))
    days = (("--set", "date=2031-01-02"), ("--set", 'date="2031-01-02"'), ())
    steps = [json.loads(rankkit(*reranking, "--model", model, *day).stdout)["steps"][0]["fingerprints"] for day in days]
    assert steps[0] == steps[1] != steps[2]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"date": "2031-01-02"}, "date goes with a gguf model; this is a cross-encoder model"),
        ({"batch": 32}, "batch goes with a gguf model; this is a cross-encoder model"),
    ],
)
def test_a_key_of_another_kind_of_model_is_refused_when_the_model_is_known(folder, keys, words):
    with pytest.raises(ConfigError, match=words):
        check_models(parse({"paradigm": "pairwise", "model": folder, **keys}))


@pytest.mark.parametrize("key", [{"date": "2031-01-02"}, {"engine": "openvino"}, {"batch_tokens": 9}, {"threads": 1}])
def test_a_key_of_a_model_on_this_machine_is_refused_beside_an_endpoint(key):
    with pytest.raises(ConfigError, match=f"{next(iter(key))} goes with a model on this machine; this is an endpoint"):
        parse({**ENDPOINT, **key})


API = {"api": "tei", "base_url": "http://127.0.0.1:1"}


def test_each_key_that_only_some_kinds_use_is_a_key_of_a_spec():
    fields = {*type(parse(ENDPOINT)).model_fields, *type(parse({"model": "m"} | API)).model_fields}
    assert {key for row in kinds().values() for key in row.keys} <= fields
