"""Rerankers that are built one after another share their models, and each model is closed once."""

from __future__ import annotations

import pytest

from rankkit.config.loading import read_spec
from rankkit.config.shared_judges import SharedJudges
from rankkit.core.ranking import Request
from rankkit.errors import BackendError
from tests.tiny import tiny_cross_encoder

REQUEST = Request.of("which one", ["a bad answer", "the best answer", "a good answer"])


@pytest.fixture
def model(tmp_path) -> str:
    return str(tiny_cross_encoder(tmp_path / "model"))


def built(shared: SharedJudges, keys: dict[str, object]):
    with shared.building():
        return read_spec(keys).build()


@pytest.mark.parametrize(
    "others",
    [
        {"reorder_top": 2},
        {"drop_after": 2},
        {"budget": {"calls": 9}},
        {"on_failure": "partial"},
    ],
)
def test_where_it_stands_opens_no_other_model(model, others):
    shared = SharedJudges()
    one, other = built(shared, {"model": model}), built(shared, {"model": model, **others})
    assert len(shared) == 1
    with read_spec({"model": model, **others}).build() as alone:
        assert other.rank(REQUEST).ids == alone.rank(REQUEST).ids
    shared.close()
    with pytest.raises(BackendError):
        one.rank(REQUEST)


@pytest.mark.parametrize(
    ("one", "other", "judges"),
    [
        ({"paradigm": "pairwise"}, {"paradigm": "pairwise", "strategy": "allpairs"}, 1),
        ({"paradigm": "pairwise"}, {"paradigm": "pairwise", "strategy": "heapsort", "top_k": 2}, 1),
        ({}, {"paradigm": "pairwise"}, 2),
        ({}, {"max_length": 12}, 2),
        ({}, {"scores": "probability"}, 2),
        ({}, {"batch_tokens": 4096}, 2),
    ],
)
def test_what_the_answers_follow_from_makes_another(model, one, other, judges):
    shared = SharedJudges()
    for keys in (one, other):
        built(shared, {"model": model, **keys})
    assert len(shared) == judges
    shared.close()


def test_what_the_last_one_has_no_use_for_is_closed(model):
    shared = SharedJudges()
    long = built(shared, {"model": model})
    short = built(shared, {"model": model, "max_length": 12})
    shared.close_unused()
    assert len(shared) == 1 and len(short.rank(REQUEST).ids) == 3
    with pytest.raises(BackendError):
        long.rank(REQUEST)
    shared.close()
    assert len(shared) == 0


def test_a_judge_of_scores_inside_another_lives_as_long_as_that(model):
    shared = SharedJudges()
    cascade = {"stages": [{"model": model}, {"model": model, "paradigm": "pairwise"}]}
    built(shared, cascade)
    shared.close_unused()
    again = built(shared, {"model": model, "paradigm": "pairwise", "reorder_top": 2})
    shared.close_unused()
    assert len(shared) == 1 and len(again.rank(REQUEST).ids) == 3
    shared.close()


def test_outside_each_reranker_has_its_own(model):
    shared = SharedJudges()
    built(shared, {"model": model})
    with read_spec({"model": model}).build() as alone:
        assert len(alone.rank(REQUEST).ids) == 3
    assert len(built(shared, {"model": model}).rank(REQUEST).ids) == 3
    shared.close()
