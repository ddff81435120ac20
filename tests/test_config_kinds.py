"""Every paradigm's spec: what it builds, and what it refuses."""

from __future__ import annotations

import pytest

from rankkit.config import load, parse
from rankkit.errors import ConfigError
from tests.tiny import tiny_cross_encoder


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


@pytest.mark.parametrize(
    ("spec", "words"),
    [
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
