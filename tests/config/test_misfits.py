"""What a spec says and its model, method or strategy has no use for is refused, and the alternatives are named."""

from __future__ import annotations

from typing import get_args

import pytest

from rankkit.config import load, parse
from rankkit.config.checking import check_models
from rankkit.config.listwise import ListwiseSpec
from rankkit.config.registry import kinds, methods, strategies
from rankkit.errors import CapabilityMissing, ConfigError
from rankkit.models.catalogue import Kind
from tests.tiny import tiny_cross_encoder
from tests.tiny_seq2seq import tiny_seq2seq


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def t5(tmp_path_factory) -> str:
    return str(tiny_seq2seq(tmp_path_factory.mktemp("models") / "t5", max_length=64))


ENDPOINT = {"model": "little", "endpoint": "http://127.0.0.1:1/v1"}
MISFITS = {
    "a cross-encoder gives no order": (
        "onnx",
        {"paradigm": "listwise"},
        "listwise needs a gguf model or a model behin",
    ),
    "nor is it prompted": (
        "onnx",
        {"paradigm": "pairwise", "method": "prompted"},
        r"tiny is a cross-encoder model; the method prompted needs a gguf model or .*\n.*pairwise: difference, duo",
    ),
    "nor is it monoT5": (
        "onnx",
        {"method": "monot5"},
        r"the method monot5 needs a seq2seq model\n.*pointwise: cross-encoder.*Models that can: monot5-base-msmarco\.",
    ),
    "nor is it duoT5": (
        "onnx",
        {"paradigm": "pairwise", "method": "duot5"},
        r"the method duot5 needs a seq2seq model\n.*Models that can: duot5-base-msmarco\.",
    ),
    "a seq2seq model is no cross-encoder": (
        "t5",
        {"method": "cross-encoder"},
        r"seq2seq model; the method cross-encoder needs a cross-encoder",
    ),
    "nor reads it two at once as one": (
        "t5",
        {"paradigm": "pairwise", "method": "duo"},
        "the method duo needs a cross-",
    ),
    "a GGUF model scores nothing": (
        "gguf",
        {},
        r"gguf model; pointwise needs .*\n.*What it can: pairwise: prompted, .*",
    ),
    "nor has it a difference": (
        "gguf",
        {"paradigm": "pairwise", "method": "difference"},
        r"the method difference needs a cross-encoder model or a seq2seq model\n.*pairwise: prompted, prompted-text",
    ),
    "nor does an endpoint": (
        "",
        {**ENDPOINT, "paradigm": "pairwise", "method": "duo"},
        "little is a model behind an endpoint; the method duo needs a cross-encoder model",
    ),
    "a bi-encoder does nothing here": (
        "",
        {"model": "bge-small-en-v1.5", "paradigm": "pairwise"},
        r"is a bi-encoder model; pairwise needs .*\n.*No method of this version runs it",
    ),
    "an ONNX model is a folder": (
        "graph",
        {},
        r"needs a cross-encoder model or .*\n.*Of an ONNX model, give the folder",
    ),
}


@pytest.mark.parametrize(("model", "options", "words"), MISFITS.values(), ids=MISFITS)
def test_a_method_that_a_model_does_not_have_is_refused_with_those_that_it_has(
    folder, t5, tmp_path, model, options, words
):
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    here = {"onnx": folder, "t5": t5, "gguf": str(tmp_path / "a.gguf"), "graph": f"{folder}/model.onnx"}
    spec = parse({"paradigm": "pointwise", **({"model": here[model]} if model else {}), **options})
    for attempt in (spec.judge, lambda: check_models(spec)):
        with pytest.raises(CapabilityMissing, match=words):
            attempt()


def test_every_kind_of_the_catalogue_has_a_row_and_every_method_kinds_that_are_there():
    assert {*get_args(Kind), "endpoint"} == set(kinds())
    for paradigm in ("pointwise", "pairwise", "listwise"):
        for row in methods(paradigm).values():
            assert set(row.kinds) <= set(kinds()) and set(row.default_for) <= set(row.kinds)
            assert strategies(row.question)


def test_a_trained_model_is_not_asked_what_it_was_not_trained_on_unless_a_prompt_is_named():
    mono = {"paradigm": "pairwise", "model": "monot5-base-msmarco", "method": "duot5"}
    with pytest.raises(ConfigError, match=r"trained on the prompt pointwise/monot5.*\n.*method = \"difference\""):
        parse(mono).check()
    parse({**mono, "prompt": "duot5"}).check()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"timeout": 5.0}, "timeout goes with an endpoint; this is a model on this machine"),
        ({"retries": 2}, "retries goes with an endpoint"),
        ({"concurrency": 1}, "concurrency goes with an endpoint"),
        ({"style": "chat"}, "style goes with an endpoint"),
        ({"thinking_tokens": 9}, "thinking_tokens goes with an endpoint"),
        ({"extra_body": {}}, "extra_body goes with an endpoint"),
        ({"price_input": 1.0}, "price_input goes with an endpoint"),
        ({"price_output": 1.0}, "price_output goes with an endpoint"),
        ({**ENDPOINT, "threads": 2}, "threads goes with a model on this machine; this is an endpoint"),
        ({**ENDPOINT, "template": "chatml"}, "template goes with a model on this machine"),
        ({"strategy": "single", "window": 9}, "window goes with the strategy sliding or .*; this is single"),
        ({"strategy": "tourrank", "window": 9}, "window goes with the strategy"),
        ({"strategy": "top-down", "step": 2}, "step goes with the strategy sliding or self-consistency"),
        ({"method": "setwise", "step": 2}, "step goes with .*; this is setwise-heapsort"),
        ({"strategy": "single", "passes": 2}, "passes goes with the strategy sliding"),
        ({"policy": "retry"}, "policy goes with the method generate; this is constrained"),
        ({"seed": 1}, "seed goes with the strategy self-consistency or tourrank; this is sliding"),
        ({"samples": 3}, "samples goes with the strategy"),
        ({"paradigm": "pairwise", "strategy": "allpairs", "seed": 1}, "seed goes with the aggregation sample"),
        ({"paradigm": "pairwise", "opponents": 3}, "opponents goes with the aggregation sample; this is sym-sum"),
    ],
)
def test_what_nothing_would_use_is_refused(spec, words):
    with pytest.raises(ConfigError, match=words):
        parse({"paradigm": "listwise", **spec})


@pytest.mark.parametrize("key", ["passage_tokens", "context", "template", "prompt"])
def test_what_a_comparison_of_scores_has_no_use_for_is_refused_when_its_model_is_known(folder, key):
    value = "prp" if key in ("template", "prompt") else 99
    spec = parse({"paradigm": "pairwise", "model": folder, key: value})
    with pytest.raises(ConfigError, match=f"{key} goes with the method .*prompted.*; this is difference"):
        spec.check()


def test_what_is_used_may_be_said():
    for spec in [
        {**ENDPOINT, "timeout": 5.0, "price_input": 1.0, "policy": "retry"},
        {"strategy": "self-consistency", "seed": 1, "samples": 3, "step": 2, "passes": 2},
        {"strategy": "tourrank", "seed": 1, "samples": 3, "threads": 2},
        {"paradigm": "pairwise", "strategy": "allpairs", "aggregate": "sample", "seed": 1, "opponents": 3},
    ]:
        parse({"paradigm": "listwise", **spec}).check()


def test_an_endpoint_alone_is_a_language_model_that_orders():
    assert isinstance(parse(ENDPOINT), ListwiseSpec)
    assert parse({"stages": [{}, ENDPOINT]}).stages[1].paradigm == "listwise"


def test_a_key_that_is_not_set_is_told_by_the_name_of_its_variable(monkeypatch):
    pytest.importorskip("openai", reason="the openai extra is not installed")
    monkeypatch.delenv("NOPE", raising=False)
    with pytest.raises(ConfigError, match=r"key_env: the environment variable NOPE is not set\n.*export NOPE="):
        load({**ENDPOINT, "key_env": "NOPE"})
