"""Every paradigm's spec: what it builds, and what it refuses."""

from __future__ import annotations

import pytest

from rankkit.config import load, parse
from rankkit.config.checking import check_models
from rankkit.config.listwise import ListwiseSpec
from rankkit.config.loading import read_spec
from rankkit.config.pairwise import PairwiseSpec
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError
from rankkit.pairwise.strategies.kway import ChoiceTournament, OrderTournament
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
        (t5, {"scores": "logit"}, "scores: .* asked as a monot5, which has no use for 'logit'"),
        (t5, {"graph": "a.onnx"}, "graph: .* asked as a monot5, which has no use for 'a.onnx'"),
        (folder, {"scores": "log-probability"}, "scores: .* asked as a cross-encoder, .* 'log-probability'"),
        (folder, {"prompt": "monot5"}, "prompt: .* asked as a cross-encoder"),
        ("duot5-base-msmarco", {}, 'was trained on the prompt pairwise/duot5.*\n.*paradigm = "pairwise"'),
        ("duot5-base-msmarco", {"paradigm": "pairwise", "method": "difference"}, "scores no single document"),
        (
            "smollm2-135m-instruct",
            {"paradigm": "pairwise", "max_length": 9},
            "max_length goes with the method difference or .*prompted",
        ),
        ("smollm2-135m-instruct", {"paradigm": "pairwise", "long_query": "error"}, "long_query goes with the method"),
    ]:
        spec = parse({"paradigm": "pointwise", "model": model, **options})
        for attempt in (spec.judge, lambda spec=spec: check_models(spec)):
            with pytest.raises(ConfigError, match=words):
                attempt()


def test_a_seq2seq_folder_is_not_guessed_at_but_a_classifier_of_such_a_family_is_a_cross_encoder(t5, tmp_path):
    with pytest.raises(ConfigError, match=r'may be for scoring or for comparing\n.*"pairwise" for duoT5'):
        load(t5)
    assert read_spec(t5, options={"paradigm": "pairwise"}).paradigm == "pairwise"
    folder = tiny_cross_encoder(tmp_path / "bart")
    for config in ('{"is_encoder_decoder": true, "architectures": ["BartForSequenceClassification"]}', "[1]"):
        (folder / "config.json").write_text(config)
        assert load(str(folder)).rerank("word", DOCUMENTS).ids == ("2", "3", "1", "0", "4")


def test_a_catalogue_name_comes_before_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "duot5-base-msmarco").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_spec("duot5-base-msmarco").paradigm == "pairwise"
    assert read_spec("./duot5-base-msmarco").paradigm == "pointwise"


def test_a_model_of_the_catalogue_is_used_as_it_was_trained():
    assert read_spec("monot5-base-msmarco").paradigm == "pointwise"
    assert read_spec("duot5-base-msmarco").paradigm == "pairwise"
    assert read_spec("rank-zephyr-7b-v1-full").paradigm == "listwise"
    mono = parse({"paradigm": "pairwise", "model": "monot5-base-msmarco"})
    assert isinstance(mono, PairwiseSpec) and mono.chosen_method == "difference"


def test_a_long_document_is_cut_where_a_pairwise_spec_says(folder):
    ranking = load(folder, paradigm="pairwise", options={"max_length": 8}).rerank("word", ["bad " * 20, "good"])
    assert ranking.steps[0].notes["document shortened"] == 1


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ({}, "sliding(20, 10)"),
        ({"window": 10}, "sliding(10, 5)"),
        ({"strategy": "single", "method": "generate"}, "single()"),
        (
            {"strategy": "self-consistency", "depth": 30, "aggregate": "median"},
            "self-consistency(sliding(20, 10), 5, by=median, depth=30)",
        ),
        ({"method": "setwise"}, "setwise-heapsort(3)"),
        ({"method": "setwise", "window": 10, "strategy": "setwise-bubble"}, "setwise-bubble(9)"),
    ],
)
def test_each_strategy_of_a_listwise_spec(spec, strategy):
    parsed = parse({"paradigm": "listwise", **spec})
    assert isinstance(parsed, ListwiseSpec) and parsed.build_strategy().name == strategy


def test_tournaments_of_orders_and_of_choices():
    by_order = parse({"paradigm": "listwise", "strategy": "tournament", "window": 5, "top_k": 3, "depth": 9})
    by_choice = parse({"paradigm": "listwise", "strategy": "tournament", "method": "setwise"})
    assert by_order.build_strategy() == OrderTournament(size=5, top_k=3, depth=9)
    assert by_choice.build_strategy() == ChoiceTournament(size=4, top_k=10)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"paradigm": "listwise", "aggregate": "borda"}, "aggregate goes with the strategy self-consistency"),
        ({"paradigm": "pairwise", "aggregate": "simsum"}, "no aggregation 'simsum'; did you mean .*sym-sum"),
        (
            {"paradigm": "pairwise", "strategy": "heapsort", "aggregate": "sum"},
            "aggregate goes with the strategy allpairs or swiss; this is heapsort",
        ),
        ({"paradigm": "pairwise", "strategy": "bogosort"}, "strategy: .*'heapsort'"),
        ({"paradigm": "pairwise", "top_k": 0}, "top_k: .*greater than or equal to 1"),
        ({"paradigm": "listwise", "window": 4, "step": 4}, "an impossible window: a step of 4 in a window of 4"),
        ({"paradigm": "listwise", "method": "setwise", "strategy": "sliding"}, "put different questions"),
        ({"paradigm": "listwise", "strategy": "setwise-bubble"}, "put different questions"),
        ({"paradigm": "listwise", "key_env": "KEY"}, "key_env goes with an endpoint"),
        ({"paradigm": "listwise", "endpoint": "http://127.0.0.1:1/v1"}, "an endpoint needs the model's name"),
        ({"paradigm": "listwise", "api_key": "sk-x"}, "api_key: it is named like a secret"),
    ],
)
def test_a_wrong_spec_is_answered_by_key(spec, words):
    with pytest.raises(ConfigError, match=words):
        parse(spec)


def test_a_key_written_into_a_spec_is_not_repeated_in_the_error():
    with pytest.raises(ConfigError) as caught:
        parse({"paradigm": "listwise", "api_key": "sk-secret-value"})
    assert "sk-secret-value" not in str(caught.value)
