"""What a spec says and its model, method or strategy has no use for is refused, and the alternatives are named."""

from __future__ import annotations

from typing import get_args

import pytest

from rankkit.config import load, parse
from rankkit.config.checking import check_models
from rankkit.config.listwise import ListwiseSpec
from rankkit.config.registry import kinds, methods, strategies
from rankkit.errors import CapabilityMissing, ConfigError, InputError
from rankkit.models.catalogue import Kind
from rankkit.pipeline.fusion import fuse
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
    "a GGUF model is no cross-encoder": (
        "gguf",
        {"method": "cross-encoder"},
        r"gguf model; the method cross-encoder needs .*\n.*What it can: pointwise: prompted, .*",
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
        r"is a graph, which is a part of a model\n.*Of an ONNX model, give the folder",
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
    assert {*get_args(Kind), "endpoint", "rerank-api"} == set(kinds())
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


@pytest.mark.parametrize(
    ("table", "gives"),
    [
        ({}, True),
        ({"paradigm": "pairwise"}, False),
        ({"paradigm": "pairwise", "strategy": "allpairs"}, True),
        ({"paradigm": "listwise"}, False),
        ({"paradigm": "listwise", "strategy": "tourrank"}, True),
        ({"stages": [{}, {"paradigm": "listwise"}]}, False),
        ({"members": [{"paradigm": "listwise"}, {"paradigm": "listwise"}]}, True),
    ],
)
@pytest.mark.parametrize("cut", [{"drop_below": 0.5}, {"drop_at_gap": 2}])
def test_a_cut_by_scores_behind_a_stage_that_gives_none_is_refused_by_a_check(table, gives, cut):
    spec = parse({"stages": [{}, {**table, **cut}]})
    if gives:
        check_models(spec)
    else:
        with pytest.raises(ConfigError, match=r"stages\.2: drop_(below|at_gap) cuts by scores, but .* is an order"):
            check_models(spec)


ORDER = {"paradigm": "listwise"}
BY_SCORE = {"skip_if": {"fewer_than": 2, "margin_above": 3.0}}
REFUSED = r"skip_if\.margin_above looks at scores, but what comes before this \w+ reranker gives an order"


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ({"stages": [ORDER, BY_SCORE]}, r"stages\.2: "),
        ({"stages": [ORDER, {"paradigm": "pairwise"}, {**ORDER, **BY_SCORE}]}, r"stages\.3: "),
        ({"stages": [ORDER, {"stages": [BY_SCORE, {}]}]}, r"stages\.2\.stages\.1: "),
        ({"stages": [ORDER, {"stages": [BY_SCORE, {}], "reorder_top": 3}]}, r"stages\.2\.stages\.1: "),
        ({"stages": [ORDER, {"stages": [{}], **BY_SCORE}]}, r"stages\.2: "),
        ({"stages": [ORDER, {"members": [{}, BY_SCORE]}]}, r"stages\.2\.members\.2: "),
        ({"stages": [ORDER, {"members": [{}, {}], **BY_SCORE}]}, r"stages\.2: "),
        ({"stages": [ORDER, {"on_failure": BY_SCORE}]}, r"stages\.2\.on_failure: "),
        ({"stages": [ORDER, {**ORDER, "on_failure": {"stages": [{}, ORDER, BY_SCORE]}}]}, None),
        ({"members": [{"stages": [ORDER, BY_SCORE]}, {}]}, r"members\.1\.stages\.2: "),
        ({"on_failure": {"stages": [ORDER, BY_SCORE]}}, r"on_failure\.stages\.2: "),
        # A cascade that is one stage has scores of its own only: those before it do not reach its gates.
        ({"stages": [{}, {"stages": [ORDER, BY_SCORE], "reorder_top": 3}]}, r"stages\.2\.stages\.2: "),
        ({"stages": [{}, {"stages": [ORDER, BY_SCORE]}]}, None),
        ({"stages": [{}, ORDER, BY_SCORE]}, None),  # the scores of the first stand
        ({"stages": [{}, BY_SCORE]}, None),
        ({"stages": [ORDER, {}, BY_SCORE]}, None),
        ({"stages": [{"paradigm": "pairwise", "strategy": "swiss"}, BY_SCORE]}, None),
        ({"stages": [{"members": [ORDER, ORDER]}, BY_SCORE]}, None),
        ({"stages": [ORDER, {"skip_if": {"fewer_than": 2, "time_below": 1.0}}]}, None),
        (BY_SCORE, None),  # candidates may come with scores
        ({"stages": [BY_SCORE, {}]}, None),
        ({"first_stage": {"index": "x"}, "stages": [ORDER, BY_SCORE]}, None),  # those of BM25
    ],
)
def test_a_gate_by_scores_behind_stages_that_give_none_is_refused_by_a_check(table, where):
    if where is None:
        check_models(parse(table))
    else:
        with pytest.raises(ConfigError, match=f"^{where}{REFUSED}"):
            check_models(parse(table))


@pytest.mark.parametrize(
    ("members", "settings", "where"),
    [
        ([{}, ORDER], {"method": "scores"}, r"members\.2: "),
        ([{"stages": [{}, ORDER]}, {}], {"method": "scores", "normalise": "zscore"}, r"members\.1: "),
        ([{}, ORDER], {"method": "scores", "normalise": "rank"}, None),
        ([{}, ORDER], {"method": "weighted"}, None),
        ([{}, {"members": [ORDER, ORDER]}], {"method": "scores"}, None),
    ],
)
@pytest.mark.parametrize("outer", [lambda fusion: fusion, lambda fusion: {"stages": [{}, fusion]}])
def test_a_fusion_by_scores_of_what_gives_none_is_refused_by_a_check(members, settings, where, outer):
    spec = parse(outer({"members": members, **settings}))
    if where is None:
        check_models(spec)
    else:
        with pytest.raises(ConfigError, match=rf"{where}scores are fused, but what this \w+ reranker gives is an"):
            check_models(spec)


@pytest.mark.parametrize(
    "table",
    [
        {"paradigm": "pairwise", "strategy": "heapsort"},
        {"paradigm": "pairwise", "drop_after": 3},
        {"stages": [{"paradigm": "pairwise"}, {"paradigm": "pairwise", "reorder_top": 2}]},
    ],
)
def test_a_threshold_on_what_gives_an_order_only_is_refused_before_anything_is_paid_for(folder, table):
    spec = {**table, "stages": [{**stage, "model": folder} for stage in table["stages"]]} if "stages" in table else None
    replies: list[object] = []
    reranker = load(spec or {**table, "model": folder}, on_reply=lambda *reply: replies.append(reply))
    with pytest.raises(InputError, match=r"a threshold of 0\.5, but .* gives an order without scores"):
        reranker.rerank("word", ["bad", "best", "good"], threshold=0.5)
    assert replies == []
    assert len(reranker.rerank("word", ["bad", "best", "good"])) == 3


def test_what_is_put_together_of_loaded_parts_knows_it_too(folder):
    ordered, scored = load({"model": folder, "paradigm": "pairwise"}), load({"model": folder})
    with pytest.raises(InputError, match="gives an order without scores"):
        (ordered >> ordered.reorder_top(2)).rerank("word", ["bad", "best"], threshold=0.5)
    for whole in (ordered >> scored, ordered.on_failure(scored), fuse(ordered, ordered), ordered >> fuse(ordered)):
        assert whole.leaves_scores
    assert (ordered >> scored).rerank("word", ["bad", "best"], threshold=-99.0).scores is not None


def test_a_threshold_is_held_against_scores_where_there_may_be_some(folder):
    scored, ordered = {"model": folder}, {"model": folder, "paradigm": "pairwise"}
    assert len(load(scored).rerank("word", ["bad", "best"], threshold=-99.0)) == 2
    left_out = load({"stages": [scored, ordered]}).rerank("word", ["bad", "best"], threshold=99.0)
    assert len(left_out) == 2 and "threshold left out" in repr(left_out)
