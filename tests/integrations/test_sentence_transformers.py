"""The ``CrossEncoder`` of sentence-transformers over rankkit's models."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from rankkit.errors import ConfigError, InputError, InvalidOutput, MissingExtra, ModelNotPulled
from rankkit.integrations.sentence_transformers import CrossEncoder
from tests.integrations.rerankers_for_tests import Backwards, NotToBeAsked
from tests.tiny import tiny_cross_encoder

PAIRS = [("word", "bad"), ("word", "best"), ("good", "word")]
LOGITS = [-0.75, 3.25, 1.25]
QUERY = "how long do fleas live?"


class Identity:
    """As torch calls it."""

    def __call__(self, logits):
        return logits


class Sigmoid(Identity): ...


def sigmoid(numbers):
    return 1 / (1 + np.exp(-np.array(numbers)))


@pytest.fixture
def model(tmp_path):
    return CrossEncoder(str(tiny_cross_encoder(tmp_path)))


def test_one_probability_a_pair_in_an_array(model):
    scores = model.predict(PAIRS)
    assert isinstance(scores, np.ndarray) and scores.dtype == np.float32 and scores.shape == (3,)
    assert scores == pytest.approx(sigmoid(LOGITS), abs=1e-6)


@pytest.mark.parametrize("pair", [("word", "best"), ["word", "best"], np.array(["word", "best"])])
def test_one_pair_by_itself_gives_one_number(model, pair):
    score = model.predict(pair)
    assert np.isscalar(score) and float(score) == pytest.approx(sigmoid(3.25), abs=1e-6)


@pytest.mark.parametrize("inputs", [tuple(PAIRS), [list(pair) for pair in PAIRS], np.array(PAIRS), iter(PAIRS)])
def test_pairs_come_in_any_sequence(model, inputs):
    assert model.predict(inputs) == pytest.approx(sigmoid(LOGITS), abs=1e-6)


def test_nothing_in_nothing_out():
    assert CrossEncoder(NotToBeAsked()).predict([]).shape == (0,)
    assert CrossEncoder(NotToBeAsked()).rank("word", []) == []


@pytest.mark.parametrize("inputs", [["word"], [("a", "b", "c")], [("a", None)], [("a", {"image": "b"})], "text", None])
def test_what_is_no_pair_of_texts_is_named(model, inputs):
    with pytest.raises(InputError, match=r"pair"):
        model.predict(inputs)


def test_a_rank_is_sorted_has_positions_and_plain_floats(model):
    documents = ["bad", "best", "word"]
    rows = model.rank("word", documents, top_k=2, return_documents=True)
    assert [(row["corpus_id"], row["text"]) for row in rows] == [(1, "best"), (2, "word")]
    assert all(type(row["score"]) is float for row in rows) and json.dumps(rows)
    assert set(model.rank("word", documents)[0]) == {"corpus_id", "score"}
    assert documents == ["bad", "best", "word"]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (Identity(), LOGITS),
        (Sigmoid(), sigmoid(LOGITS)),
        (lambda numbers: numbers * 2, np.array(LOGITS) * 2),
        (None, sigmoid(LOGITS)),
    ],
)
def test_activations_are_those_of_the_call_then_of_the_model(tmp_path, function, expected):
    folder = str(tiny_cross_encoder(tmp_path))
    assert CrossEncoder(folder).predict(PAIRS, activation_fn=function) == pytest.approx(expected, abs=1e-6)
    assert CrossEncoder(folder, activation_fn=function).predict(PAIRS) == pytest.approx(expected, abs=1e-6)
    old = CrossEncoder(folder, default_activation_function=function)
    assert old.predict(PAIRS) == pytest.approx(expected, abs=1e-6)
    assert CrossEncoder(folder).predict(PAIRS, activation_fct=function) == pytest.approx(expected, abs=1e-6)
    assert old.default_activation_function is function


def test_an_activation_that_gives_several_numbers_is_refused(model):
    with pytest.raises(InvalidOutput, match="2 numbers"):
        model.predict(PAIRS, activation_fn=lambda numbers: [1.0, 2.0])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}, LOGITS),
        ({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}, LOGITS),
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}}, sigmoid(LOGITS)),
        ({"sentence_transformers": {"version": "5"}}, sigmoid(LOGITS)),
        ({"sentence_transformers": {"activation_fn": "os.system"}}, sigmoid(LOGITS)),
    ],
)
def test_a_folder_says_what_its_logits_are_put_through(tmp_path, config, expected, caplog):
    folder = tiny_cross_encoder(tmp_path)
    (folder / "config.json").write_text(json.dumps(config))
    assert CrossEncoder(str(folder)).predict(PAIRS) == pytest.approx(expected, abs=1e-6)
    assert ("not run from a file" in caplog.text) == ("os.system" in str(config))


def test_documents_without_words_come_last_and_a_pair_by_itself_is_scored_as_it_is(model):
    rows = model.rank("word", ["", "bad", "best"], activation_fn=Identity())
    assert [(row["corpus_id"], row["score"]) for row in rows] == [(2, 3.25), (1, -0.75), (0, -0.75)]
    assert model.predict(("word", ""), activation_fn=Identity()) == 0.25


@pytest.mark.model
def test_the_real_model_gives_probabilities(minilm_folder):
    scores = CrossEncoder("ms-marco-MiniLM-L-12-v2").predict(
        [(QUERY, "Adult fleas live for 100 days."), (QUERY, "No.")]
    )
    assert scores == pytest.approx([1.0, 0.0], abs=0.01)


def test_older_spellings(tmp_path):
    folder = str(tiny_cross_encoder(tmp_path))
    old = CrossEncoder(
        model_name=folder, tokenizer_args={"model_max_length": 9}, automodel_args={"torch_dtype": "auto"}
    )
    assert old.predict(sentences=PAIRS, num_workers=2) == pytest.approx(sigmoid(LOGITS), abs=1e-6)
    assert CrossEncoder(folder, 1, 12, None, "cpu").predict(PAIRS, 8, False) == pytest.approx(sigmoid(LOGITS), abs=1e-6)
    assert old.rank("word", ["bad", "best"], num_workers=2, convert_to_tensor=True, activation_fct=Identity())[0] == {
        "corpus_id": 1,
        "score": 3.25,
    }


@pytest.mark.parametrize("keyword", [{"max_length": 9}, {"processor_kwargs": {"model_max_length": 9}}])
def test_the_length_cuts_texts(tmp_path, keyword):
    folder = str(tiny_cross_encoder(tmp_path))
    long = [("word", "good good good good good bad bad bad bad bad")]
    assert CrossEncoder(folder, **keyword).predict(long) > CrossEncoder(folder).predict(long)


def test_the_length_may_be_set_later(tmp_path):
    model = CrossEncoder(str(tiny_cross_encoder(tmp_path)))
    assert model.max_length == model.max_seq_length == 16
    long = [("word", "good good good good good bad bad bad bad bad")]
    before = model.predict(long)
    model.max_length = 9
    assert model.max_length == 9 and model.predict(long) > before
    assert CrossEncoder(Backwards()).max_length is None


def test_a_graph_is_named_as_there(tmp_path):
    folder = tiny_cross_encoder(tmp_path, place="onnx/model_qint8_avx512.onnx")
    named = CrossEncoder(str(folder), backend="onnx", model_kwargs={"file_name": "onnx/model_qint8_avx512.onnx"})
    assert named.predict(PAIRS) == pytest.approx(sigmoid(LOGITS), abs=1e-6)


@pytest.mark.parametrize(
    "keywords",
    [
        {"modules": [object()]},
        {"num_labels": 3},
        {"prompts": {"query": "search: "}, "default_prompt_name": "query"},
    ],
)
def test_what_would_change_scores_and_cannot_be_done_is_refused(tmp_path, keywords):
    with pytest.raises(ConfigError):
        CrossEncoder(str(tiny_cross_encoder(tmp_path)), **keywords)


def test_a_call_that_cannot_be_done_is_refused(model):
    with pytest.raises(ConfigError, match="before every text"):
        model.predict(PAIRS, prompt="search: ")
    with pytest.raises(ConfigError):
        model.rank("word", ["bad"], prompt_name="query")
    with pytest.raises(InputError, match="batch_size"):
        model.predict(PAIRS, batch_size=0)
    with pytest.raises(ConfigError, match="no model"):
        CrossEncoder()


def test_a_model_that_is_not_here_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path))
    with pytest.raises(ModelNotPulled, match="models pull"):
        CrossEncoder("cross-encoder/ms-marco-MiniLM-L-6-v2", device="cuda", cache_folder=str(tmp_path / "none"))


def test_what_an_evaluator_calls(model):
    """As ``CrossEncoderRerankingEvaluator`` of 6.2 does: one call with a list of lists, then the metrics."""
    scores = model.predict(
        [list(pair) for pair in PAIRS], prompt_name=None, batch_size=64, convert_to_numpy=True, show_progress_bar=False
    )
    assert scores.shape == (3,)

    class Evaluator:
        name = "samples"

    model.model_card_data.set_evaluation_metrics(Evaluator(), {"map": 0.5}, 0, 0)
    assert model.model_card_data.metrics == {"samples": {"map": 0.5}}
    assert model.num_labels == 1


def test_lists_and_tensors(model):
    scores = model.predict(PAIRS, convert_to_numpy=False)
    assert isinstance(scores, list) and [score.item() for score in scores] == pytest.approx(sigmoid(LOGITS), abs=1e-6)
    with pytest.raises(MissingExtra, match="rankkit-rerank"):
        model.predict(PAIRS, convert_to_tensor=True)


def test_a_progress_bar_only_if_asked_for_and_not_on_standard_output(model, capsys):
    model.predict(PAIRS)
    assert capsys.readouterr() == ("", "")
    model.predict(PAIRS, show_progress_bar=True)
    assert capsys.readouterr().out == ""


def test_a_method_without_scores_gives_numbers_by_rank(caplog):
    model = CrossEncoder(Backwards())
    assert model.predict([("q", "a"), ("q", "b")]).tolist() == [0.5, 1.0]
    assert [row["corpus_id"] for row in model.rank("q", ["a", "b", "c"])] == [2, 1, 0]
    assert "1 / rank" in caplog.text


def test_it_travels_to_another_process_by_its_spec(model):
    assert pickle.loads(pickle.dumps(model)).predict(PAIRS).tolist() == model.predict(PAIRS).tolist()
    model.close()
    assert "CrossEncoder(" in repr(model)
