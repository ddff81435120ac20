"""Cascades and fusions as specs: what they build, and what is said of a wrong one."""

from __future__ import annotations

import socket

import pytest

from rankkit.config import load, parse
from rankkit.config.checking import check_models
from rankkit.config.fusion import FusionSpec
from rankkit.core.gates import (
    DropAfter,
    DropAtGap,
    DropBelow,
    EntropyBelow,
    FewerThan,
    MarginAbove,
    TimeBelow,
    TopScoreAbove,
)
from rankkit.core.usage import Budget
from rankkit.errors import CapabilityMissing, ConfigError, RankkitError, UnknownModel
from rankkit.pipeline.cascade import Cascade
from rankkit.pipeline.fusion import Fusion
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
    stage = {"model": tiny, "reorder_top": 5, **cuts, "skip_if": gates, "budget": {"seconds": 3}}
    built = load({"stages": [stage | {"on_failure": "raise"}, {"model": tiny, "on_failure": {"model": tiny}}]})
    assert isinstance(built, Cascade)
    first, second = built.stages
    assert first.top == 5 and first.cuts == (DropBelow(-5), DropAtGap(2), DropAfter(4))
    assert first.gates == (TopScoreAbove(9), MarginAbove(8), EntropyBelow(0.1), FewerThan(2), TimeBelow(0.5))
    assert first.budget == Budget(seconds=3) and first.on_failure == "raise"
    assert repr(second.fallback) == "pointwise(tiny)"


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
    "an unknown limit": (two(budget={"second": 3}), r"stages\.2\.budget\.second: .*\n.*Did you mean seconds"),
    "an unknown gate": (two(skip_if={"margin": 3}), r"stages\.2\.skip_if\.margin: .*\n.*Did you mean margin_above"),
    "no gate": (two(skip_if={}), r"stages\.2\.skip_if: a table of no gates; allowed are top_score_above"),
    "a wrong policy": (
        two(on_failure="kepe"),
        r"stages\.2\.on_failure: .*'keep', 'partial' or 'raise' \(seen: 'kepe'\)",
    ),
    "a wrong stand-in": (two(on_failure={"threads": 0}), r"stages\.2\.on_failure\.threads: .*1 \(seen: 0\)"),
    "a wrong type": (two(drop_after="many"), r"stages\.2\.drop_after: .*integer.*\(seen: 'many'\)"),
    "a depth of nothing": (two(drop_after=0), r"stages\.2\.drop_after: .*greater than or equal to 1 \(seen: 0\)"),
    "an impossible limit": (two(budget={"calls": -1}), r"stages\.2\.budget: a budget of -1 calls is not possible"),
    "no table": ({"stages": ["minilm"]}, r"stages\.1: a reranker is a table of settings \(seen: 'minilm'\)"),
    "no list": ({"stages": 5}, r"stages: input should be a list \(seen: 5\)"),
    "no stages": ({"stages": []}, "a cascade of no stages"),
    "no members": ({"members": []}, "a fusion of no rerankers"),
    "too many kept": (two(first={"drop_after": 20}, drop_after=30), r"stages\.2: .* keeps 30, but only 20 candidates"),
    "too many seen": (two(first={"drop_after": 4}, reorder_top=5), r"stages\.2: .* reorders the top 5, but only 4"),
    "too many kept by a member": (
        two(first={"drop_after": 4}, members=[{}, {"drop_after": 5}]),
        r"stages\.2: .* keeps 5, but only 4 candidates",
    ),
    "too many kept by a stand-in": (
        two(first={"drop_after": 4}, on_failure={"drop_after": 5}),
        r"stages\.2: .* keeps 5, but only 4 candidates",
    ),
    "too many kept inside of a top": (
        {"members": [{"stages": [{"drop_after": 5}, {}], "reorder_top": 4}]},
        r"members\.1: .* keeps 5, but only 4 candidates",
    ),
    "too many kept of those found": (
        {"drop_after": 200, "first_stage": {"corpus": "texts"}},
        r".* keeps 200, but only 100 candidates reach it\n.*first_stage\.k",
    ),
    "too many kept of a cascade": (
        {"stages": [{"drop_after": 5}], "drop_after": 6},
        r".* keeps 6, but only 5 candidates",
    ),
    "a number in quotes": (two(paradigm="listwise", window="20"), r"stages\.2\.window: .*integer \(seen: '20'\)"),
    "a word for a number": (two(drop_after=True), r"stages\.2\.drop_after: .*integer \(seen: True\)"),
    "a fraction": (two(drop_after=5.0), r"stages\.2\.drop_after: .*integer \(seen: 5\.0\)"),
    "a limit in quotes": (two(budget={"seconds": "3"}), r"stages\.2\.budget\.seconds: .*number \(seen: '3'\)"),
    "a limit that is no number": (two(budget={"calls": True}), r"stages\.2\.budget\.calls: .*integer"),
    "a gate in quotes": (two(skip_if={"fewer_than": "2"}), r"stages\.2\.skip_if\.fewer_than: .*integer"),
    "a key of another paradigm": (
        two(window=10),
        r"stages\.2\.window: extra inputs are not permitted\n  window goes with listwise\. Known keys",
    ),
    "a key of two others": (two(aggregate="borda"), r"stages\.2\.aggregate: .*\n.* with pairwise or listwise"),
    "a window": (two(paradigm="listwise", window=4, step=4), r"stages\.2: an impossible window: a step of 4 in a"),
    "weights": ({"members": [{}, {}], "weights": [1]}, "1 weights for 2 rerankers"),
    "a method": ({"members": [{}], "method": "sum"}, r"method: .*'rrf', 'weighted' or 'scores' \(seen: 'sum'\)"),
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
        ({"endpoint": "https://host/v1?api-key=sesame"}, "endpoint"),
        ({"endpoint": "https://sesame@host/v1"}, "endpoint"),
        ({"extra_body": {"headers": {"Ocp-Apim-Subscription-Key": "abc"}}}, r"extra_body\.headers\.Ocp-Apim-.*"),
        ({"extra_body": {"extra_headers": {"Cookie": "abc"}}}, r"extra_body\.extra_headers\.Cookie"),
        ({"extra_body": {"headers": {"X-Their-Key": "abc"}}}, r"extra_body\.headers\.X-Their-Key"),
        ({"extra_body": {"credentials": {"pass": "abc"}}}, r"extra_body\.credentials\.pass"),
        ({"extra_body": {"stop": ["x", "hf_abcdefghijklmnopqrst"]}}, r"extra_body\.stop\.2"),
    ],
)
def test_a_secret_in_a_file_is_refused_and_not_repeated(table, key):
    with pytest.raises(ConfigError, match=rf"stages\.2\.{key}: .*a secret is never written.*\n.*key_env = ") as caught:
        parse({"stages": [{}, {"paradigm": "listwise", **table}]})
    for value in ("abc", "123456", "0123456789", "sesame", "abcdefghij"):
        assert value not in str(caught.value)


def test_names_with_tokens_in_them_are_no_secrets():
    body = {
        "max_tokens": 5,
        "stop_token_ids": [1],
        "monkey": "x",
        "skill": "sk-x",
        "bypass": 1,
        "headers": {"X-A": "b"},
    }
    table = {"paradigm": "listwise", "passage_tokens": 20, "thinking_tokens": 5, "budget": {"tokens": 9}}
    parse({**table, "model": "little", "endpoint": "http://127.0.0.1:1/v1", "extra_body": body})


@pytest.mark.parametrize(
    ("stage", "kind", "words"),
    [
        ({"model": "ms-marco-MiniLM-L-13-v2"}, UnknownModel, r"stages\.2\.model: .*\n.*Did you mean ms-marco-MiniLM"),
        ({"model": "./nowhere"}, UnknownModel, r"stages\.2\.model: there is no folder or file nowhere"),
        (
            {"model": "smollm2-135m-instruct", "method": "cross-encoder"},
            CapabilityMissing,
            r"stages\.2\.model: .* is a gguf model; .* a cross-encoder model\n.*ms-marco-MiniLM-L-12",
        ),
        (
            {"paradigm": "listwise", "model": "ms-marco-MiniLM-L-12-v2"},
            CapabilityMissing,
            "listwise needs a gguf model or a model behind an endpoint",
        ),
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


def test_whole_numbers_may_stand_for_others_and_lists_for_rows():
    spec = parse({"members": [{"drop_below": 1}, {"budget": {"seconds": 3}}], "weights": [1, 2]})
    assert isinstance(spec, FusionSpec) and spec.weights == (1.0, 2.0) and spec.members[1].budget == Budget(seconds=3.0)


def test_a_capability_that_a_server_lacks_is_told_before_a_comparison():
    pytest.importorskip("openai", reason="the openai extra is not installed")
    with Loopback() as server:
        server.script(error(400, "logprobs are not supported"))
        table = {"paradigm": "pairwise", "model": "little", "endpoint": server.url}
        with pytest.raises(CapabilityMissing, match=r"the prompted method needs log-prob.*\n.*prompted-text method"):
            load(table)
        assert load({**table, "method": "prompted-text"}).rerank("word", []).ids == ()


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


@pytest.mark.parametrize("stage", [{"method": "constrained"}, {"method": "first-token"}, {"paradigm": "pairwise"}])
def test_a_server_that_is_down_is_the_stage_s_trouble_not_the_set_up_s(tiny, stage):
    pytest.importorskip("openai", reason="the openai extra is not installed")
    with socket.socket() as free:  # bound and not listening: nobody answers there
        free.bind(("127.0.0.1", 0))
        server = {"endpoint": f"http://127.0.0.1:{free.getsockname()[1]}/v1", "model": "m", "retries": 0}
        cascade = load({"stages": [{"model": str(tiny)}, {"paradigm": "listwise", **stage, **server}]})
        ranking = cascade.rerank("word", ["bad", "good", "word"])
    assert ranking.ids == ("1", "2", "0") and ranking.steps[1].failures[0].startswith("ConnectionFailed")
