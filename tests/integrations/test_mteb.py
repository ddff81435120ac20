"""MTEB's cross-encoder protocol, by what MTEB 2.26 does with one: it is not installed here, as it needs torch."""

from __future__ import annotations

import pickle
from importlib.util import find_spec

import numpy as np
import pytest

from rankkit.errors import InputError, MissingExtra
from rankkit.integrations.mteb import RankkitCrossEncoder
from tests.integrations.rerankers_for_tests import Backwards, NotToBeAsked
from tests.tiny import tiny_cross_encoder

QUERIES = [{"text": ["word", "word"], "query": ["word", "word"]}, {"text": ["good"], "query": ["good"]}]
DOCUMENTS = [{"text": ["bad", "best"], "title": ["", ""], "body": ["bad", "best"]}, {"text": [""], "title": [""]}]
#: What ``SearchCrossEncoderWrapper`` passes beside the batches.
BESIDE = {"task_metadata": object(), "hf_split": "test", "hf_subset": "default", "batch_size": 32}


@pytest.fixture
def model(tmp_path):
    return RankkitCrossEncoder(str(tiny_cross_encoder(tmp_path / "tiny")))


def test_one_number_a_pair_in_the_order_of_the_pairs(model, capsys):
    scores = model.predict(inputs1=QUERIES, inputs2=DOCUMENTS, **BESIDE, show_progress_bar=True)
    assert isinstance(scores, np.ndarray) and scores.tolist() == [-0.75, 3.25, 1.0]
    assert np.isfinite(scores).all() and capsys.readouterr().out == ""


def test_batches_are_read_once_and_may_be_of_other_sizes(model):
    queries = iter([{"text": ["word"]}, {"text": ["word", "good"]}])
    assert model.predict(queries, iter(DOCUMENTS), **BESIDE).tolist() == [-0.75, 3.25, 1.0]


def test_no_pairs_no_call():
    assert RankkitCrossEncoder(NotToBeAsked()).predict([], [], **BESIDE).shape == (0,)


def test_a_listwise_method_sees_the_pairs_of_a_query_together():
    backwards = Backwards()
    scores = RankkitCrossEncoder(backwards).predict(QUERIES, DOCUMENTS, **BESIDE)
    assert scores.tolist() == [0.5, 1.0, 1.0] and backwards.asked == [2, 1]


def test_what_are_no_pairs_of_texts_is_an_error(model):
    with pytest.raises(InputError, match="3 queries and 2 documents"):
        model.predict(QUERIES, DOCUMENTS[:1], **BESIDE)
    with pytest.raises(InputError, match="documents have no text, but image"):
        model.predict(QUERIES, [{"image": [b""]}], **BESIDE)


def test_the_name_that_results_are_filed_under(model):
    assert model.name == "rankkit/tiny" and RankkitCrossEncoder(Backwards(), name="us/ours").name == "us/ours"
    assert RankkitCrossEncoder({"model": "minilm"}).name == "rankkit/minilm"


@pytest.mark.skipif(find_spec("mteb") is not None, reason="MTEB is here")
def test_without_mteb_the_error_names_the_extra(model):
    with pytest.raises(MissingExtra, match=r"rankkit-rerank\[mteb\]"):
        _ = model.mteb_model_meta


def test_it_travels_to_another_process_by_its_spec(model):
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(QUERIES, DOCUMENTS, **BESIDE).tolist() == [-0.75, 3.25, 1.0]
    model.close()
    assert "RankkitCrossEncoder(" in repr(model)
