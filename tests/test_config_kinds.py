"""Every paradigm's spec: what it builds, and what it refuses."""

from __future__ import annotations

import pytest

from rankkit.config import load, parse
from rankkit.config.listwise import ListwiseSpec
from rankkit.config.loading import read_spec
from rankkit.config.pairwise import PairwiseSpec
from rankkit.errors import ConfigError
from rankkit.ranking import ScoreKind
from tests.tiny import tiny_cross_encoder
from tests.tiny_seq2seq import tiny_seq2seq


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


DOCUMENTS = ["bad", "word", "best", "good", "bad bad"]


@pytest.mark.parametrize("strategy", ["allpairs", "heapsort", "bubblesort", "quickselect", "insertion", "tournament"])
def test_every_exact_strategy_finds_the_order_of_a_cross_encoder_s_scores(folder, strategy):
    reranker = load(folder, paradigm="pairwise", options={"strategy": strategy, "top_k": 5})
    assert reranker.rerank("word", DOCUMENTS).ids == ("2", "3", "1", "0", "4")
    assert repr(reranker) == f"{strategy}(tiny)"


def test_swiss_rounds_promise_no_exact_order_but_a_whole_one(folder):
    ranking = load(folder, paradigm="pairwise", options={"strategy": "swiss"}).rerank("word", DOCUMENTS)
    assert sorted(ranking.ids) == ["0", "1", "2", "3", "4"] and ranking.scores is not None


@pytest.mark.parametrize("aggregate", ["sum", "binary", "log-odds", "bradley-terry", "kemeny"])
def test_every_aggregation_of_a_transitive_comparator_gives_its_order(folder, aggregate):
    reranker = load(folder, paradigm="pairwise", options={"strategy": "allpairs", "aggregate": aggregate})
    assert reranker.rerank("word", DOCUMENTS).ids == ("2", "3", "1", "0", "4")


def test_a_document_is_scored_once_however_often_it_is_compared(folder):
    ranking = load(folder, paradigm="pairwise", options={"strategy": "allpairs"}).rerank("word", DOCUMENTS)
    assert ranking.steps[0].questions == 20  # ten pairs, both orders
    assert ranking.usage.input_tokens == load(folder).rerank("word", DOCUMENTS).usage.input_tokens


@pytest.fixture(scope="module")
def t5(tmp_path_factory) -> str:
    return str(tiny_seq2seq(tmp_path_factory.mktemp("models") / "t5", max_length=64))


def test_a_seq2seq_model_scores_as_monot5_and_compares_as_duot5(t5):
    scored = load(t5, paradigm="pointwise").rerank("word", DOCUMENTS)
    assert scored.ids[0] == "3" and scored.score_kind is ScoreKind.LOG_LIKELIHOOD
    likely = load(t5, paradigm="pointwise", options={"scores": "probability"}).rerank("word", DOCUMENTS)
    assert likely.ids == scored.ids and likely.score_kind is ScoreKind.PROBABILITY
    by_score = load(t5, paradigm="pairwise", options={"method": "difference"}).rerank("word", DOCUMENTS)
    assert by_score.ids == scored.ids and set(by_score.steps[0].fingerprints) >= {"prompt", "compared by"}
    compared = load(t5, paradigm="pairwise").rerank("word", DOCUMENTS)
    assert compared.steps[0].fingerprints["prompt"].startswith("pairwise/duot5@")


def test_what_a_method_does_not_have_is_refused_when_it_is_built(folder, t5):
    for model, options, words in [
        (t5, {"scores": "logit"}, "monoT5 gives no logit"),
        (folder, {"scores": "log-probability"}, "a cross-encoder gives no log-probability"),
        (folder, {"prompt": "monot5"}, "a cross-encoder reads no prompt"),
        ("duot5-base-msmarco", {}, 'was trained on the prompt pairwise/duot5.*\n.*paradigm = "pairwise"'),
    ]:
        with pytest.raises(ConfigError, match=words):
            parse({"paradigm": "pointwise", "model": model, **options}).judge()


def test_a_model_of_the_catalogue_is_used_as_it_was_trained():
    assert read_spec("monot5-base-msmarco").paradigm == "pointwise"
    assert read_spec("duot5-base-msmarco").paradigm == "pairwise"
    assert read_spec("rank-zephyr-7b-v1-full").paradigm == "listwise"
    mono = parse({"paradigm": "pairwise", "model": "monot5-base-msmarco"})
    assert isinstance(mono, PairwiseSpec) and mono.chosen_method() == "difference"


def test_a_long_document_is_cut_where_a_pairwise_spec_says(folder):
    ranking = load(folder, paradigm="pairwise", options={"max_length": 8}).rerank("word", ["bad " * 20, "good"])
    assert ranking.steps[0].notes["document shortened"] == 1


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ({}, "sliding(20, 10)"),
        ({"window": 10}, "sliding(10, 5)"),
        ({"strategy": "tournament", "window": 5, "top_k": 3}, "tournament"),
        (
            {"strategy": "self-consistency", "depth": 30, "aggregate": "median"},
            "self-consistency(sliding(20, 10), 5, by=median, depth=30)",
        ),
        ({"method": "setwise"}, "setwise-heapsort(3)"),
        ({"method": "setwise", "window": 10, "strategy": "setwise-bubble"}, "setwise-bubble(9)"),
        ({"method": "setwise", "strategy": "tournament"}, "tournament"),
    ],
)
def test_each_strategy_of_a_listwise_spec(spec, strategy):
    parsed = parse({"paradigm": "listwise", **spec})
    assert isinstance(parsed, ListwiseSpec) and parsed.build_strategy().name == strategy


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"paradigm": "listwise", "aggregate": "borda"}, "aggregate goes with the strategy self-consistency"),
        ({"paradigm": "pairwise", "aggregate": "simsum"}, "no aggregation 'simsum'; did you mean .*sym-sum"),
        ({"paradigm": "pairwise", "strategy": "heapsort", "aggregate": "sum"}, "sorts, it does not aggregate"),
        ({"paradigm": "pairwise", "strategy": "bogosort"}, "strategy: .*'heapsort'"),
        ({"paradigm": "pairwise", "top_k": 0}, "top_k: .*greater than or equal to 1"),
        ({"paradigm": "listwise", "window": 4, "step": 4}, "an impossible window: a step of 4 in a window of 4"),
        ({"paradigm": "listwise", "method": "setwise", "strategy": "sliding"}, "put different questions"),
        ({"paradigm": "listwise", "strategy": "setwise-bubble"}, "put different questions"),
        ({"paradigm": "listwise", "key_env": "KEY"}, "key_env goes with an endpoint"),
        ({"paradigm": "listwise", "endpoint": "http://127.0.0.1:1/v1"}, "an endpoint needs the model's name"),
        ({"paradigm": "listwise", "api_key": "sk-x"}, "api_key: extra inputs"),
    ],
)
def test_a_wrong_spec_is_answered_by_key(spec, words):
    with pytest.raises(ConfigError, match=words):
        parse(spec)


def test_a_key_written_into_a_spec_is_not_repeated_in_the_error():
    with pytest.raises(ConfigError) as caught:
        parse({"paradigm": "listwise", "api_key": "sk-secret-value"})
    assert "sk-secret-value" not in str(caught.value)
