"""The ONNX backend on a model whose scores are sums of known numbers per word, and on the real MiniLM."""

from __future__ import annotations

import json
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.errors import ConfigError, InvalidModel, QueryTooLong
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll
from tests.tiny import tiny_cross_encoder


def scores(backend: CrossEncoder, pairs: list[tuple[str, str]]) -> list[float]:
    found: dict[int, float] = {}
    for batch in backend.batches(pairs):
        found |= dict(zip(batch.positions, backend.score(batch), strict=True))
    return [found[position] for position in range(len(pairs))]


@pytest.mark.parametrize("labels", [1, 2])
@pytest.mark.parametrize("integers", [TensorProto.INT64, TensorProto.INT32])
@pytest.mark.parametrize("token_types", [True, False])
def test_every_layout_of_graph_gives_the_sum_of_its_words(tmp_path, labels, integers, token_types):
    folder = tiny_cross_encoder(tmp_path, labels=labels, integers=integers, token_types=token_types)
    backend = CrossEncoder(folder)
    pairs = [("word", "good good"), ("word", "bad"), ("word word", "best bad unknown")]
    assert scores(backend, pairs) == [2.25, -0.75, 2.5]
    assert all(type(score) is float for score in scores(backend, pairs))


@pytest.mark.parametrize("place", ["onnx/model.onnx", "model_quantized.onnx", "onnx/model_fp16.onnx"])
def test_the_graph_is_found_where_exports_put_it(tmp_path, place):
    assert scores(CrossEncoder(tiny_cross_encoder(tmp_path, place=place)), [("word", "good")]) == [1.25]


@given(
    st.lists(st.lists(st.sampled_from(["good", "bad", "best", "word"]), max_size=30), max_size=20),
    st.integers(16, 64),
)
@settings(max_examples=50, deadline=None)
def test_scores_do_not_depend_on_the_company(tiny_folder, documents, batch_tokens):
    backend = CrossEncoder(tiny_folder, batch_tokens=batch_tokens)
    pairs = [("word good", " ".join(words)) for words in documents]
    together = scores(backend, pairs)
    assert together == [scores(backend, [pair])[0] for pair in pairs]
    assert together == [
        1.25 + sum({"good": 1, "bad": -1, "best": 3, "word": 0.25}[w] for w in words[:11]) for words in documents
    ]


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("tiny"))


def test_batches_are_bounded_by_tokens_with_their_padding(tiny_folder):
    backend = CrossEncoder(tiny_folder, batch_tokens=32)
    batches = list(backend.batches([("word", "good " * count) for count in (1, 9, 2, 8, 3, 7)]))
    assert sorted(position for batch in batches for position in batch.positions) == list(range(6))
    assert all(len(batch.tokens) * max(batch.tokens) <= 32 for batch in batches)
    assert len(batches) < 6


def test_a_dynamically_quantised_graph_runs_one_pair_at_a_time(tmp_path):
    backend = CrossEncoder(tiny_cross_encoder(tmp_path, quantised=True))
    assert backend.runs_alone
    assert [batch.positions for batch in backend.batches([("word", "good"), ("word", "bad")])] == [(0,), (1,)]
    assert not CrossEncoder(tiny_cross_encoder(tmp_path / "float")).runs_alone


def test_a_long_document_is_cut_and_the_query_is_not(tiny_folder):
    backend = CrossEncoder(tiny_folder)
    [batch] = backend.batches([("best best", "word " * 50)])
    assert batch.tokens == (16,) and batch.shortened == (True,) and batch.query_shortened == (False,)
    assert backend.score(batch) == [2 * 3.0 + 11 * 0.25]  # 16 tokens: 3 special, 2 of the query, 11 of the document


def test_an_over_long_query_is_shortened_and_said_so_or_refused(tiny_folder):
    [batch] = CrossEncoder(tiny_folder).batches([("good " * 40, "best")])
    assert batch.query_shortened == (True,)
    assert CrossEncoder(tiny_folder).score(batch) == [9 * 1.0 + 3.0]  # three quarters of the 13 free tokens
    strict = CrossEncoder(tiny_folder, long_query="error")
    with pytest.raises(QueryTooLong, match=r"40 tokens.*9 of 16"):
        list(strict.batches([("good " * 40, "best")]))


def test_what_was_shortened_is_in_the_step(tiny_folder):
    reranker = JudgeReranker(CrossEncoderJudge(CrossEncoder(tiny_folder)), ScoreAll())
    [step] = reranker.rerank("good " * 40, ["best", "word " * 50]).steps
    assert step.notes == {"query shortened": 2, "document shortened": 1}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"tokenizer_config.json": {"model_max_length": 12}}, 12),
        ({"tokenizer_config.json": {"model_max_length": 10**30}, "config.json": {"max_position_embeddings": 40}}, 40),
        (
            {"config.json": {"max_position_embeddings": 514, "model_type": "xlm-roberta"}, "tokenizer_config.json": {}},
            512,
        ),
        ({"tokenizer_config.json": {}}, 512),
    ],
)
def test_the_length_limit_is_read_from_the_files(tmp_path, config, expected):
    folder = tiny_cross_encoder(tmp_path)
    for name, content in config.items():
        (folder / name).write_text(json.dumps(content))
    assert CrossEncoder(folder).max_length == expected


def test_one_session_serves_many_threads(tiny_folder):
    backend, wrong = CrossEncoder(tiny_folder), []

    def work(count: int) -> None:
        if scores(backend, [("word", "good " * count)] * 20) != [0.25 + count] * 20:
            wrong.append(count)

    threads = [threading.Thread(target=work, args=(count,)) for count in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_folders_that_are_no_cross_encoder_are_refused_with_what_was_seen(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(InvalidModel, match=r"no model\.onnx.*it holds notes\.txt"):
        CrossEncoder(tmp_path / "empty")
    folder = tiny_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(InvalidModel, match="3 numbers a pair"):
        CrossEncoder(folder)
    folder = tiny_cross_encoder(tmp_path / "cut")
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:300])
    with pytest.raises(InvalidModel, match="onnxruntime cannot load"):
        CrossEncoder(folder)
    folder = tiny_cross_encoder(tmp_path / "mute")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InvalidModel, match=r"no tokenizer\.json"):
        CrossEncoder(folder)
    folder = tiny_cross_encoder(tmp_path / "garbled")
    (folder / "tokenizer.json").write_text('{"half": ')
    with pytest.raises(InvalidModel, match="is not a tokenizer"):
        CrossEncoder(folder)


def test_impossible_options_are_refused(tiny_folder):
    with pytest.raises(ConfigError, match="threads is 0"):
        CrossEncoder(tiny_folder, threads=0)
    with pytest.raises(InvalidModel, match="max_length 17 is more than the 16"):
        CrossEncoder(tiny_folder, max_length=17)


@pytest.mark.model
def test_a_real_pair_scores_the_same_alone_in_company_and_in_any_order(minilm_folder):
    backend = CrossEncoder(minilm_folder)
    rng = random.Random(7)
    words = "the flea lives on a dog or cat for many days and lays eggs in carpet water stone winter".split()
    documents = [" ".join(rng.choices(words, k=rng.randint(3, 90))) for _ in range(101)]
    pairs = [("how long do fleas live", document) for document in documents]
    together = scores(backend, pairs)
    assert together[:12] == [scores(backend, [pair])[0] for pair in pairs[:12]]
    shuffled = rng.sample(range(101), 101)
    assert scores(backend, [pairs[position] for position in shuffled]) == [together[position] for position in shuffled]
