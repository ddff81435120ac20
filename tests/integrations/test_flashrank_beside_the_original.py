"""FlashRank and its drop-in side by side, with the same weights on the same texts."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rankkit.integrations import flashrank as ours
from tests.lanes import needs

needs("frameworks", "flashrank")

import flashrank

pytestmark = pytest.mark.model

NAME = "ms-marco-MiniLM-L-12-v2"
QUERY = "how long do fleas live?"
PASSAGES = [
    {"id": 1, "text": "Dogs bark at strangers.", "meta": {"from": "a"}},
    {"id": 2, "text": "Adult fleas live for up to 100 days on a host.", "meta": {"from": "b"}},
    {"id": 3, "text": "Cats and dogs may have fleas."},
    {"id": 3, "text": ""},
    {"text": "A flea can jump 50 times its length. " * 40},
    {"id": "six", "text": "Die Lebensdauer eines Flohs beträgt 100 Tage."},
]


@pytest.fixture(scope="module")
def cache(minilm_folder, tmp_path_factory) -> Path:
    """A folder as FlashRank fills it, from the weights that rankkit pulled."""
    folder = tmp_path_factory.mktemp("flashrank") / NAME
    shutil.copytree(minilm_folder, folder)
    (folder / "model.onnx").rename(folder / "flashrank-MiniLM-L-12-v2_Q.onnx")
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    return folder.parent


@pytest.fixture(scope="module")
def original(cache):
    return flashrank.Ranker(model_name=NAME, cache_dir=str(cache))


def run(module, ranker, passages):
    """A stranger's lines, whichever of the two modules was imported."""
    request = module.RerankRequest(query=QUERY, passages=copy.deepcopy(passages))
    return ranker.rerank(request)


@pytest.mark.parametrize("from_cache", [True, False])
def test_same_shape_same_order_scores_near(original, cache, from_cache):
    passages = [one for one in PASSAGES if one["text"]]  # FlashRank scores the others too, here they come last
    theirs = run(flashrank, original, passages)
    drop_in = ours.Ranker(model_name=NAME, cache_dir=str(cache)) if from_cache else ours.Ranker(model_name=NAME)
    results = run(ours, drop_in, passages)
    assert [set(one) for one in results] == [set(one) for one in theirs]
    assert [{**one, "score": 0} for one in results] == [{**one, "score": 0} for one in theirs]
    logits = [np.log(one["score"] / (1 - one["score"])) for one in results]
    beside = [np.log(float(one["score"]) / (1 - float(one["score"]))) for one in theirs]
    assert logits == pytest.approx(beside, abs=0.76)  # how far a neighbour in its batch moves one of its scores
    assert all(type(one["score"]) is float for one in results)


def test_one_passage_at_a_time_the_scores_are_the_same(original):
    drop_in = ours.Ranker(model_name=NAME)
    for passage in PASSAGES:
        [theirs], [result] = run(flashrank, original, [passage]), run(ours, drop_in, [passage])
        assert result["score"] == pytest.approx(float(theirs["score"]), abs=1e-6)


@pytest.mark.parametrize("max_length", [32, 128])
def test_a_shorter_length_means_the_same(cache, max_length):
    short = {"model_name": NAME, "cache_dir": str(cache), "max_length": max_length}
    passage = PASSAGES[4]
    [theirs] = run(flashrank, flashrank.Ranker(**short), [passage])
    [result] = run(ours, ours.Ranker(**short), [passage])
    assert result["score"] == pytest.approx(float(theirs["score"]), abs=1e-6)


def test_their_requests_are_read_too(original):
    request = flashrank.RerankRequest(query=QUERY, passages=copy.deepcopy(PASSAGES))
    results = ours.Ranker(model_name=NAME).rerank(request)
    assert results[0]["id"] == 2 and request.passages == PASSAGES


def test_defaults_are_theirs():
    from flashrank.Config import default_model, model_file_map

    assert default_model == ours.DEFAULT_MODEL and dict(ours._FILES) == model_file_map
