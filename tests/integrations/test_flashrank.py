"""FlashRank's shapes over rankkit's models; beside FlashRank itself in test_flashrank_beside_the_original.py."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from types import SimpleNamespace

import pytest

from rankkit import load
from rankkit.errors import ConfigError, EmptyQuery, InvalidDocument, InvalidModel, ModelNotPulled, UnknownModel
from rankkit.integrations.flashrank import DEFAULT_MODEL, Ranker, RerankRequest
from tests.integrations.rerankers_for_tests import Backwards, NotToBeAsked
from tests.tiny import tiny_cross_encoder

PASSAGES = [
    {"id": 1, "text": "bad", "meta": {"deep": [1]}},
    {"id": 1, "text": "best", "score": 9.0},
    {"text": "word", "id": None},
]


@pytest.fixture
def nothing_pulled(tmp_path, monkeypatch):
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path / "home"))


def test_new_dictionaries_best_first_with_plain_probabilities_and_all_that_was_in_them(tmp_path):
    passages = copy.deepcopy(PASSAGES)
    results = Ranker(str(tiny_cross_encoder(tmp_path))).rerank(RerankRequest("word", passages))
    assert [result["text"] for result in results] == ["best", "word", "bad"]
    assert [type(result["score"]) for result in results] == [float] * 3
    assert [round(result["score"], 4) for result in results] == [0.9627, 0.6225, 0.3208]
    assert results[2]["meta"] == {"deep": [1]} and results[1]["id"] is None
    assert passages == PASSAGES and all(result not in passages for result in results)
    assert json.dumps(results)


def test_no_passages_no_call():
    ranker = Ranker(NotToBeAsked())
    assert ranker.rerank(RerankRequest("word", [])) == ranker.rerank(RerankRequest(query="word")) == []


def test_the_shapes_are_those_of_flashrank():
    request = RerankRequest(query="q", passages=PASSAGES)
    assert (request.query, request.passages) == ("q", PASSAGES) and RerankRequest().passages == []
    assert DEFAULT_MODEL == "ms-marco-TinyBERT-L-2-v2"
    foreign = SimpleNamespace(query="q", passages=[{"text": "a"}, {"text": "b"}])
    assert [one["text"] for one in Ranker(Backwards()).rerank(foreign)] == ["b", "a"]


def test_a_method_without_scores_adds_none():
    assert Ranker(Backwards()).rerank(RerankRequest("q", PASSAGES)) == PASSAGES[::-1]


def test_a_cascade_that_drops_gives_fewer(tmp_path):
    reranker = load(str(tiny_cross_encoder(tmp_path))).drop_after(1)
    [only] = Ranker(reranker).rerank(RerankRequest("word", PASSAGES))
    assert only["text"] == "best"


@pytest.mark.parametrize("passage", [{"id": 1}, {"text": None}, "a string", {"text": 5}])
def test_a_passage_without_a_text_is_named(passage):
    with pytest.raises(InvalidDocument, match="passage 1 has no text"):
        Ranker(NotToBeAsked()).rerank(RerankRequest("q", [{"text": "a"}, passage]))


@pytest.mark.parametrize("query", [None, "", " "])
def test_a_request_without_a_query_is_an_error(query):
    with pytest.raises(EmptyQuery):
        Ranker(NotToBeAsked()).rerank(RerankRequest(query, PASSAGES))


@pytest.mark.parametrize("name", [DEFAULT_MODEL, "ms-marco-MiniLM-L-12-v2", "rank_zephyr_7b_v1_full"])
def test_a_model_that_is_not_here_is_an_error_that_says_how_to_get_it(name, nothing_pulled, tmp_path):
    with pytest.raises(ModelNotPulled, match="models pull") as raised:
        Ranker(name, cache_dir=tmp_path / "cache")
    assert "there is no" in raised.value.message and not (tmp_path / "cache").exists()
    with pytest.raises(ModelNotPulled, match="models pull"):
        Ranker(model_name=name)


@pytest.mark.parametrize(
    "name", ["ms-marco-MultiBERT-L-12", "rank-T5-flan", "ce-esci-MiniLM-L12-v2", "miniReranker_arabic_v1"]
)
def test_one_of_theirs_that_rankkit_has_not_names_those_that_it_has(name):
    with pytest.raises(UnknownModel, match="TinyBERT-L-2-v2, ms-marco-MiniLM-L-12-v2, rank_zephyr_7b_v1_full"):
        Ranker(name)


def test_a_folder_that_flashrank_filled_is_used_where_it_is(tmp_path):
    folder = tiny_cross_encoder(tmp_path / "ms-marco-MultiBERT-L-12", place="flashrank-MultiBERT-L12_Q.onnx")
    before = sorted(folder.iterdir())
    results = Ranker("ms-marco-MultiBERT-L-12", cache_dir=str(tmp_path)).rerank(RerankRequest("word", PASSAGES))
    assert [result["text"] for result in results] == ["best", "word", "bad"]
    assert sorted(folder.iterdir()) == before


def test_a_folder_of_theirs_without_a_model_says_what_is_in_it(tmp_path):
    (tmp_path / "rank-T5-flan").mkdir()
    with pytest.raises(InvalidModel):
        Ranker("rank-T5-flan", cache_dir=tmp_path)


@pytest.mark.parametrize(("length", "score"), [(512, 0.5622), (9, 0.9948)])
def test_max_length_is_in_tokens_and_at_most_the_models_own(tmp_path, length, score):
    folder = tiny_cross_encoder(tmp_path)  # which reads 16 tokens
    passages = [{"text": "good good good good good bad bad bad bad bad"}]
    [result] = Ranker(str(folder), max_length=length).rerank(RerankRequest("word", passages))
    assert result["score"] == pytest.approx(score, abs=0.001)


@pytest.mark.parametrize("length", [0, -1, "512", True])
def test_a_length_that_is_none(length):
    with pytest.raises(ConfigError, match="max_length"):
        Ranker(NotToBeAsked(), max_length=length)


def test_logging_is_left_alone(tmp_path):
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    Ranker(str(tiny_cross_encoder(tmp_path)), log_level="DEBUG")
    assert (root.level, list(root.handlers)) == before


def test_it_travels_to_another_process_by_its_spec(tmp_path):
    ranker = Ranker(str(tiny_cross_encoder(tmp_path)))
    request = RerankRequest("word", PASSAGES)
    assert pickle.loads(pickle.dumps(ranker)).rerank(request) == ranker.rerank(request)
    ranker.close()
    assert "Ranker(" in repr(ranker)


def test_passages_without_words_come_last_with_the_lowest_score(tmp_path):
    ranker = Ranker(str(tiny_cross_encoder(tmp_path)))
    passages = [{"id": place, "text": text} for place, text in enumerate(["", "bad", " ", "best"])]
    results = ranker.rerank(RerankRequest("word", passages))
    assert [one["id"] for one in results] == [3, 1, 0, 2]
    assert results[1]["score"] == results[2]["score"] == results[3]["score"] > 0
