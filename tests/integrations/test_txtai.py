"""txtai's similarity: what its ``Reranker`` pipeline calls."""

from __future__ import annotations

import pickle

import pytest

from rankkit import load
from rankkit.integrations.txtai import Similarity
from tests.integrations.rerankers_for_tests import Backwards, NotToBeAsked
from tests.tiny import tiny_cross_encoder


@pytest.fixture
def folder(tmp_path):
    return str(tiny_cross_encoder(tmp_path))


def test_positions_with_probabilities_best_first(folder):
    rows = Similarity(folder)("word", ["bad", "best", ""])
    assert [place for place, _ in rows] == [1, 0, 2] and all(type(score) is float for _, score in rows)
    assert [round(score, 3) for _, score in rows] == [0.963, 0.321, 0.321]
    assert Similarity(folder)("word", ["bad", "best"], multilabel=None) == [(1, 3.25), (0, -0.75)]


def test_a_list_of_queries_gives_a_list_for_each(folder):
    similarity = Similarity(folder)
    assert similarity(["word", "good"], ["bad", "best"]) == [
        similarity("word", ["bad", "best"]),
        similarity("good", ["bad", "best"]),
    ]


def test_no_texts_no_call():
    similarity = Similarity(NotToBeAsked())
    assert similarity("word", []) == [] and similarity(["a", "b"], []) == [[], []] and similarity([], ["a"]) == []


def test_every_text_has_a_number_though_a_stage_dropped_it_or_gave_none(folder, caplog):
    assert Similarity(Backwards())("q", ["a", "b"]) == [(1, 1.0), (0, 0.5)]
    assert Similarity(load(folder).drop_after(1))("word", ["bad", "word", "best"]) == [(2, 1.0), (1, 0.5), (0, 1 / 3)]


def test_what_its_pipeline_does_with_it(folder):
    """As ``txtai.pipeline.Reranker`` of 9.14: the scores go into the rows, which are sorted by them."""
    found = [{"id": 7, "text": "bad", "score": 0.9}, {"id": 8, "text": "best", "score": 0.8}]
    for place, score in Similarity(folder)("word", [row["text"] for row in found]):
        found[place]["score"] = score
    assert [row["id"] for row in sorted(found, key=lambda row: row["score"], reverse=True)] == [8, 7]


def test_it_travels_to_another_process_by_its_spec(folder):
    similarity = Similarity(folder)
    assert pickle.loads(pickle.dumps(similarity))("word", ["bad"]) == similarity("word", ["bad"])
    similarity.close()
    assert "Similarity(" in repr(similarity)
