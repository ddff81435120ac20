"""Bi-encoders and late interaction beside plain numpy over the same token vectors, and on real weights."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import onnxruntime
import pytest

from rankkit.backends.encoders.bi_encoder import BiEncoder
from rankkit.backends.encoders.late_interaction import LateInteraction
from rankkit.backends.vectors import similarity
from rankkit.config.encoders import open_encoder
from rankkit.errors import ConfigError, InvalidModel, QueryTooLong
from tests.conftest import pulled_model
from tests.tiny_vectors import tiny_encoder, token_vectors, unit

QUERY, DOCUMENT = "how long do fleas live", "fleas live on cats, and dogs."
READ = ["[CLS]", *"fleas live on cats , and dogs .".split(), "[SEP]"]


def query_rows(encoder, text):
    [batch] = encoder.queries([text])
    return encoder.query_vectors(batch)


def document_rows(encoder, text):
    [batch] = encoder.documents([text])
    return encoder.document_vectors(batch).rows


@pytest.mark.parametrize("tokens", [None, 64], ids=["any length", "one length"])
@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_a_bi_encoder_is_one_pooled_normalised_vector(tmp_path, pooling, tokens):
    encoder = BiEncoder(tiny_encoder(tmp_path, pooling=pooling, tokens=tokens), query_prefix="find: ")
    expected = {"cls": lambda rows: rows[0], "mean": lambda rows: rows.mean(axis=0), "last": lambda rows: rows[-1]}
    query = token_vectors(["[CLS]", "find", ":", *QUERY.split(), "[SEP]"])
    np.testing.assert_allclose(query_rows(encoder, QUERY), unit(expected[pooling](query)[None]), atol=1e-6)
    document = document_rows(encoder, DOCUMENT)
    assert document.dtype == np.float16
    np.testing.assert_allclose(document, unit(expected[pooling](token_vectors(READ))[None]), atol=1e-3)


@pytest.mark.parametrize("tokens", [None, 64], ids=["any length", "one length"])
def test_late_interaction_marks_expands_and_skips_as_colbert_does(tmp_path, tokens):
    encoder = LateInteraction(tiny_encoder(tmp_path, tokens=tokens))
    read = ["[CLS]", "[unused0]", *QUERY.split(), "[SEP]"]
    query = unit(token_vectors([*read, *["[MASK]"] * (32 - len(read))], attended=len(read)))
    assert query_rows(encoder, QUERY).shape == (32, 8)
    np.testing.assert_allclose(query_rows(encoder, QUERY), query, atol=1e-6)
    read = [READ[0], "[unused1]", *READ[1:]]
    document = unit(token_vectors(read))[[token not in ",." for token in read]]
    np.testing.assert_allclose(document_rows(encoder, DOCUMENT), document, atol=1e-3)
    expected = (query @ document.T).max(axis=1).sum()
    assert similarity(query_rows(encoder, QUERY), document_rows(encoder, DOCUMENT)) == pytest.approx(expected, abs=0.02)


def test_a_query_longer_than_32_tokens_is_read_whole(tmp_path):
    encoder = LateInteraction(tiny_encoder(tmp_path))
    assert len(query_rows(encoder, "fleas " * 40)) == 43
    [batch] = encoder.queries(["fleas " * 100])
    assert (batch.query_shortened, len(encoder.query_vectors(batch))) == ((True,), 64)
    with pytest.raises(QueryTooLong):
        list(LateInteraction(tmp_path, long_query="error").queries(["fleas " * 100]))


def test_markers_in_a_text_are_mere_text(tmp_path):
    encoder = LateInteraction(tiny_encoder(tmp_path))
    [batch] = encoder.documents(["[unused0] [MASK]"])
    assert list(batch.payload[0].ids[2:-1]).count(4) == 0
    assert 5 not in batch.payload[0].ids


@pytest.mark.parametrize("kind", [BiEncoder, LateInteraction])
def test_vectors_are_the_same_bits_alone_and_in_company(tmp_path, kind):
    encoder = kind(tiny_encoder(tmp_path, pooling="mean"))
    texts = ["fleas", DOCUMENT, "cats sleep all day " * 9, DOCUMENT]
    together = [encoder.document_vectors(batch).rows.tobytes() for batch in encoder.documents(texts)]
    assert together == [document_rows(encoder, text).tobytes() for text in texts]
    assert [batch.positions for batch in encoder.documents(texts)] == [(0,), (1,), (2,), (3,)]


def test_a_folder_that_says_nothing_of_pooling_is_refused(tmp_path):
    with pytest.raises(InvalidModel, match=r"says nothing; .*\n.*pooling"):
        BiEncoder(tiny_encoder(tmp_path))
    with pytest.raises(ConfigError, match="no pooling 'clss'"):
        BiEncoder(tmp_path, pooling="clss")


def test_fingerprints_follow_what_vectors_depend_on(tmp_path):
    plain = BiEncoder(tiny_encoder(tmp_path, pooling="cls"))
    asked = BiEncoder(tmp_path, query_prefix="find: ")
    assert asked.fingerprint != plain.fingerprint
    assert asked.document_fingerprint == plain.document_fingerprint
    for other in ({"pooling": "mean"}, {"document_prefix": "find: "}, {"max_length": 32}):
        assert BiEncoder(tmp_path, **other).document_fingerprint != plain.document_fingerprint


@pytest.mark.parametrize("kind", [BiEncoder, LateInteraction])
def test_it_travels(tmp_path, kind):
    encoder = kind(tiny_encoder(tmp_path, pooling="cls"), max_length=40)
    for other in (pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
        assert other.fingerprint == encoder.fingerprint
        assert document_rows(other, DOCUMENT).tobytes() == document_rows(encoder, DOCUMENT).tobytes()


def plain(folder, tokens: list[str], attended: int | None = None):
    """What a real graph gives for these tokens, in plain onnxruntime."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    ids = np.array([[vocabulary[token] for token in tokens]])
    mask = np.arange(len(tokens))[None] < (attended or len(tokens))
    feeds = {"input_ids": ids, "attention_mask": mask.astype(np.int64), "token_type_ids": np.zeros_like(ids)}
    return onnxruntime.InferenceSession(folder / "model.onnx").run(["last_hidden_state"], feeds)[0][0]


@pytest.mark.model
def test_the_real_ones_are_read_as_they_were_trained():
    """int8 weights: the runs differ in their threads only, which moves a number by little."""
    folder = pulled_model("bge-small-en-v1.5")
    words = "represent this sentence for searching relevant passages : how long do dogs live ?".split()
    expected = unit(plain(folder, ["[CLS]", *words, "[SEP]"])[:1])
    found = query_rows(open_encoder("bge-small-en-v1.5"), "How long do dogs live?")
    np.testing.assert_allclose(found, expected, atol=1e-3)
    folder = pulled_model("answerai-colbert-small-v1")
    encoder = open_encoder("answerai-colbert-small-v1")
    read = ["[CLS]", "[unused0]", *"how long do dogs live ?".split(), "[SEP]"]
    expected = unit(plain(folder, [*read, *["[MASK]"] * (32 - len(read))], attended=len(read)))
    query = query_rows(encoder, "How long do dogs live?")
    np.testing.assert_allclose(query, expected, atol=1e-3)
    read = ["[CLS]", "[unused1]", *"dogs live for 13 years .".split(), "[SEP]"]
    document = unit(plain(folder, read))[[token != "." for token in read]]
    score = similarity(query, document_rows(encoder, "Dogs live for 13 years."))
    assert score == pytest.approx((expected @ document.T).max(axis=1).sum(), abs=0.01)


@pytest.mark.model
def test_the_real_ones_find_the_better_document():
    bge = BiEncoder(pulled_model("bge-small-en-v1.5"), pooling="cls")
    colbert = LateInteraction(pulled_model("answerai-colbert-small-v1"))
    for encoder, rows in ((bge, 1), (colbert, 32)):
        query = query_rows(encoder, "how long do fleas live?")
        assert query.shape == (rows, 384)
        good, bad = (
            similarity(query, document_rows(encoder, text))
            for text in ("Adult fleas live for up to 100 days.", "The stock market fell on Monday.")
        )
        assert good > bad


@pytest.mark.parametrize("kind", [BiEncoder, LateInteraction])
def test_other_engines_run_them_too(tmp_path, kind):
    pytest.importorskip("openvino")
    folder = tiny_encoder(tmp_path, pooling="mean")
    ours, theirs = kind(folder), kind(folder, engine="openvino")
    np.testing.assert_allclose(query_rows(theirs, QUERY), query_rows(ours, QUERY), atol=1e-5)
    np.testing.assert_allclose(document_rows(theirs, DOCUMENT), document_rows(ours, DOCUMENT), atol=1e-3)
    assert theirs.document_fingerprint != ours.document_fingerprint
