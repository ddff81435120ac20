"""Cascades and fusions as specs: what they build, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from rankkit.cascade import Cascade
from rankkit.config import load, parse
from rankkit.config.checking import check_models
from rankkit.errors import CapabilityMissing, ConfigError, RankkitError, UnknownModel
from rankkit.fusion import Fusion
from rankkit.gates import (
    DropAfter,
    DropAtGap,
    DropBelow,
    EntropyBelow,
    FewerThan,
    MarginAbove,
    TimeBelow,
    TopScoreAbove,
)
from rankkit.usage import Budget
from tests.backends.loopback import Loopback, error
from tests.tiny import tiny_cross_encoder

DOCUMENTS = ["bad", "word", "best", "good", "bad bad"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


def test_a_table_with_stages_is_a_cascade(tiny):
    cascade = load({"stages": [{"model": tiny, "drop_after": 3}, {"paradigm": "pairwise", "model": tiny}]})
    assert repr(cascade) == "pointwise(tiny).drop_after(3) >> tournament(tiny)"
    ranking = cascade.rerank("word", DOCUMENTS)
    assert ranking.ids == ("2", "3", "1") and ranking.dropped == (0, 4)


def test_every_key_of_a_stage_reaches_it(tiny):
    gates = {"top_score_above": 9, "margin_above": 8, "entropy_below": 0.1, "fewer_than": 2, "time_below": 0.5}
    cuts = {"drop_below": -5, "drop_at_gap": 2, "drop_after": 4}
    stage = {"model": tiny, "reorder_top": 5, **cuts, "skip_if": gates, "within": {"seconds": 3}}
    built = load({"stages": [stage | {"on_failure": "raise"}, {"model": tiny, "on_failure": {"model": tiny}}]})
    assert isinstance(built, Cascade)
    first, second = built.stages
    assert first.top == 5 and first.cuts == (DropBelow(-5), DropAtGap(2), DropAfter(4))
    assert first.gates == (TopScoreAbove(9), MarginAbove(8), EntropyBelow(0.1), FewerThan(2), TimeBelow(0.5))
    assert first.budget == Budget(seconds=3) and first.on_failure == "raise"
    assert repr(second.stand_in) == "pointwise(tiny)"


def test_a_stage_s_keys_work_on_a_reranker_alone(tiny):
    assert load({"model": tiny, "drop_after": 2}).rerank("word", DOCUMENTS).ids == ("2", "3")


def test_a_table_with_members_is_a_fusion(tiny):
    members = [{"model": tiny}, {"paradigm": "pairwise", "model": tiny, "strategy": "allpairs"}]
    fusion = load({"members": members, "method": "scores", "weights": [1, 2], "normalise": "zscore"})
    assert isinstance(fusion, Fusion) and fusion.weights == (1.0, 2.0) and fusion.normalise == "zscore"
    assert fusion.rerank("word", DOCUMENTS).ids == ("2", "3", "1", "0", "4")


def test_cascades_and_fusions_go_into_each_other(tiny):
    inner = {"stages": [{"model": tiny}, {"paradigm": "pairwise", "model": tiny}], "reorder_top": 3}
    both = load({"stages": [{"members": [{"model": tiny}, inner], "drop_after": 4}, inner]})
    assert both.rerank("word", DOCUMENTS).ids == ("2", "3", "1", "0")


def test_a_cascade_s_budget_stops_it_at_the_best_order_so_far(tiny):
    cascade = load({"stages": [{"model": tiny}, {"paradigm": "pairwise", "model": tiny}], "budget": {"questions": 6}})
    ranking = cascade.rerank("word", DOCUMENTS)
    assert ranking.ids == ("2", "3", "1", "0", "4")
    assert ranking.steps[0].questions == 5 and ranking.steps[1].stopped == "budget of 6 questions"


def two(*, first: dict | None = None, **second: object) -> dict[str, object]:
    return {"stages": [first or {}, second]}


WRONG = {
    "an unknown kind": (two(paradigm="pairwse"), r"stages\.2\.paradigm: .*'pairwse'\n.*Did you mean pairwise"),
    "an unknown key": (two(reorder_topp=3), r"stages\.2\.reorder_topp: .*\n.*Did you mean reorder_top.*Known keys"),
    "an unknown limit": (two(within={"second": 3}), r"stages\.2\.within\.second: .*\n.*Did you mean seconds"),
    "an unknown gate": (two(skip_if={"margin": 3}), r"stages\.2\.skip_if\.margin: .*\n.*Did you mean margin_above"),
    "no gate": (two(skip_if={}), r"stages\.2\.skip_if: a table of no gates; allowed are top_score_above"),
    "a wrong policy": (
        two(on_failure="kepe"),
        r"stages\.2\.on_failure: .*'keep', 'partial' or 'raise' \(seen: 'kepe'\)",
    ),
    "a wrong stand-in": (two(on_failure={"threads": 0}), r"stages\.2\.on_failure\.threads: .*1 \(seen: 0\)"),
    "a wrong type": (two(drop_after="many"), r"stages\.2\.drop_after: .*integer.*\(seen: 'many'\)"),
    "a depth of nothing": (two(drop_after=0), r"stages\.2\.drop_after: .*greater than or equal to 1 \(seen: 0\)"),
    "an impossible limit": (two(within={"calls": -1}), r"stages\.2\.within: a budget of -1 calls is not possible"),
    "no table": ({"stages": ["minilm"]}, r"stages\.1: a reranker is a table of settings \(seen: 'minilm'\)"),
    "no list": ({"stages": 5}, r"stages: input should be a list \(seen: 5\)"),
    "no stages": ({"stages": []}, "a cascade of no stages"),
    "no members": ({"members": []}, "a fusion of no rerankers"),
    "too many kept": (two(first={"drop_after": 20}, drop_after=30), r"stages\.2: .* keeps 30, but only 20 candidates"),
    "too many seen": (two(first={"drop_after": 4}, reorder_top=5), r"stages\.2: .* reorders the top 5, but only 4"),
    "a window": (two(paradigm="listwise", window=4, step=4), r"stages\.2: an impossible window: a step of 4 in a"),
    "weights": ({"members": [{}, {}], "weights": [1]}, "1 weights for 2 rerankers"),
    "a method": ({"members": [{}], "method": "sum"}, r"method: .*'rrf', 'weighted' or 'scores' \(seen: 'sum'\)"),
    "two limits": (
        two() | {"budget": {"calls": 1}, "within": {"calls": 2}},
        "a cascade has budget or within, not both",
    ),
    "inside of inside": ({"stages": [{}, {"members": [{}, {"thread": 2}]}]}, r"stages\.2\.members\.2\.thread: "),
}


@pytest.mark.parametrize(("spec", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_by_the_path_to_its_key(spec, words):
    with pytest.raises(ConfigError, match=rf"^search\.toml: {words}"):
        parse(spec, where="search.toml")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"api_key": "abc"}, "api_key"),
        ({"token": 123456}, "token"),
        ({"extra_body": {"headers": {"Authorization": "abc"}}}, r"extra_body\.headers\.Authorization"),
        ({"model": "sk-proj-0123456789"}, "model"),
        ({"key_env": "sk-0123456789abcdef"}, "key_env"),
        ({"endpoint": "http://user:sesame@host/v1"}, "endpoint"),
        ({"endpoint": "http://host/v1?api_key=sesame"}, "endpoint"),
        ({"extra_body": {"stop": ["x", "hf_abcdefghijklmnopqrst"]}}, r"extra_body\.stop\.2"),
    ],
)
def test_a_secret_in_a_file_is_refused_and_not_repeated(table, key):
    with pytest.raises(ConfigError, match=rf"stages\.2\.{key}: .*a secret is never written.*\n.*key_env = ") as caught:
        parse({"stages": [{}, {"paradigm": "listwise", **table}]})
    for value in ("abc", "123456", "0123456789", "sesame", "abcdefghij"):
        assert value not in str(caught.value)


def test_names_with_tokens_in_them_are_no_secrets():
    body = {"max_tokens": 5, "stop_token_ids": [1], "monkey": "x", "skill": "sk-x"}
    parse(
        {
            "paradigm": "listwise",
            "passage_tokens": 20,
            "thinking_tokens": 5,
            "budget": {"tokens": 9},
            "extra_body": body,
        }
    )


@pytest.mark.parametrize(
    ("stage", "kind", "words"),
    [
        ({"model": "ms-marco-MiniLM-L-13-v2"}, UnknownModel, r"stages\.2\.model: .*\n.*Did you mean ms-marco-MiniLM"),
        ({"model": "./nowhere"}, UnknownModel, r"stages\.2\.model: there is no folder or file nowhere"),
        (
            {"model": "smollm2-135m-instruct"},
            CapabilityMissing,
            r"stages\.2\.model: .* is a gguf model; pointwise .* cross-encoder or seq2seq\n.*ms-marco-MiniLM-L-12",
        ),
        ({"paradigm": "listwise", "model": "ms-marco-MiniLM-L-12-v2"}, CapabilityMissing, "listwise needs one .* gguf"),
        (
            {"model": "duot5-base-msmarco"},
            ConfigError,
            r"stages\.2\.model: .* was trained on the prompt pairwise/duot5",
        ),
        (
            {"paradigm": "listwise", "prompt": "rankgtp"},
            ConfigError,
            r"stages\.2\.prompt: no prompt is called 'rankgtp'",
        ),
    ],
)
def test_models_are_checked_without_being_opened(stage, kind, words):
    with pytest.raises(kind, match=words):
        check_models(parse({"stages": [{}, stage]}))


def test_a_model_that_cannot_be_loaded_is_told_with_its_stage(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RankkitError, match=r"^stages\.2: on_failure: .*no model\.onnx"):
        load({"stages": [{"model": tiny}, {"model": tiny, "on_failure": {"model": str(tmp_path / "empty")}}]})


def test_a_capability_that_a_server_lacks_is_told_with_its_stage(tiny):
    pytest.importorskip("openai", reason="the openai extra is not installed")
    with Loopback() as server:
        server.script(error(400, "logprobs are not supported"))
        stage = {"paradigm": "listwise", "model": "little", "endpoint": server.url, "method": "first-token"}
        with pytest.raises(CapabilityMissing, match=r"^stages\.2: the first-token method needs log-probabilities"):
            load({"stages": [{"model": tiny}, stage]})
