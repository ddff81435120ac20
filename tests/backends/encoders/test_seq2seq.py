"""The sequence-to-sequence backend on a model whose answers are known sums, and held against transformers' answers."""

from __future__ import annotations

import json
import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers, pre_tokenizers

from rankkit.backends.encoders.seq2seq import Seq2Seq
from rankkit.backends.tokenizing.batching import shared_room
from rankkit.backends.tokenizing.filled_text import FilledTextTokenizer
from rankkit.errors import ConfigError, InvalidModel, PromptError, QueryTooLong
from rankkit.prompting.loading import load_prompt
from tests.conftest import ROOT
from tests.tiny_seq2seq import START, VOCABULARY, tiny_seq2seq

MONO = "Query: $query Document: $passage Relevant:"
DUO = load_prompt("duot5").text
GOLDEN = ROOT / "tests" / "golden"


def log_odds(backend: Seq2Seq, template: str, rows: list[dict[str, str]]) -> list[float]:
    """log P(true) - log P(false) of each row, in order."""
    targets = backend.target_tokens(["true", "false"])
    found: dict[int, float] = {}
    for batch in backend.fill(template, rows):
        for position, (yes, no) in zip(batch.positions, backend.score_targets(batch, targets), strict=True):
            found[position] = round(yes - no, 4)
    return [found[position] for position in range(len(rows))]


def row(query: str, passage: str) -> dict[str, str]:
    return {"query": query, "passage": passage}


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    return tiny_seq2seq(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("layout", ["two", "merged", "one"])
@pytest.mark.parametrize("place", [".", "onnx"])
def test_every_layout_gives_the_log_probabilities_of_the_first_token(tmp_path, layout, place):
    backend = Seq2Seq(tiny_seq2seq(tmp_path, layout=layout, place=place))
    rows = [row("word", "good good bad"), row("word", "bad"), row("good", "good")]
    assert log_odds(backend, MONO, rows) == [2 * (1.25 + 0.0625), 2 * (-0.75 + 0.0625), 2 * (2 + 0.0625)]


def test_probabilities_are_of_the_whole_vocabulary(tiny_folder):
    backend = Seq2Seq(tiny_folder)
    [batch] = backend.fill(MONO, [row("word", "good")])
    [logs] = backend.score_targets(batch, range(len(VOCABULARY)))
    assert sum(math.exp(log) for log in logs) == pytest.approx(1.0)


def test_the_decoder_begins_with_the_token_that_the_configuration_names(tmp_path):
    backend = Seq2Seq(tiny_seq2seq(tmp_path, begin=4))
    assert log_odds(backend, MONO, [row("word", "good")]) == [2 * 1.3125 + 4 * START]
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InvalidModel, match="decoder_start_token_id"):
        Seq2Seq(tmp_path)


@given(
    st.lists(st.lists(st.sampled_from(["good", "bad", "word"]), min_size=1, max_size=30), max_size=20),
    st.integers(20, 90),
)
@settings(max_examples=40, deadline=None)
def test_answers_do_not_depend_on_the_company(tiny_folder, documents, batch_tokens):
    backend = Seq2Seq(tiny_folder, batch_tokens=batch_tokens)
    rows = [row("word", " ".join(words)) for words in documents]
    assert log_odds(backend, MONO, rows) == [log_odds(backend, MONO, [one])[0] for one in rows]


def test_batches_are_bounded_by_tokens_and_a_quantised_graph_runs_one_input_at_a_time(tiny_folder, tmp_path):
    rows = [row("word", "good " * count) for count in (1, 9, 2, 8, 3, 7)]
    batches = list(Seq2Seq(tiny_folder, batch_tokens=32).fill(MONO, rows))
    assert sorted(position for batch in batches for position in batch.positions) == list(range(6))
    assert all(len(batch.tokens) * max(batch.tokens) <= 32 for batch in batches) and len(batches) < 6
    quantised = Seq2Seq(tiny_seq2seq(tmp_path, quantised=True))
    assert quantised.runs_alone and len(list(quantised.fill(MONO, rows))) == 6
    assert not Seq2Seq(tiny_folder).runs_alone


def test_two_long_documents_lose_the_same_and_query_and_ending_lose_nothing(tiny_folder):
    backend = Seq2Seq(tiny_folder)  # 20 tokens: 5 fixed ones with </s>, 2 of the query, 13 for the documents
    long = {"query": "good good", "first": "good " * 12, "second": "bad " * 9}
    [batch] = backend.fill(DUO, [long])
    assert batch.tokens == (20,) and batch.shortened == (True,) and batch.query_shortened == (False,)
    assert log_odds(backend, DUO, [long]) == [2 * (2 + 8 - 5 + 0.0625)]  # each lost 4 of the 8 that were too many


@pytest.mark.parametrize(
    ("lengths", "room", "kept"),
    [
        ([10, 10], 20, [10, 10]),
        ([10, 10], 12, [6, 6]),
        ([12, 9], 13, [8, 5]),
        ([12, 8], 13, [8, 5]),  # the odd token is the longer one's: 7 too many, 4 of them its
        ([600, 50], 400, [350, 50]),  # half of the overflow would be more than the shorter one has
        ([600, 300], 400, [300, 100]),
        ([0, 9], 4, [0, 4]),
        ([9], 4, [4]),
    ],
)
def test_overflow_is_shared_evenly(lengths, room, kept):
    assert shared_room(lengths, room) == kept


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=3), st.integers(3, 1000))
def test_shared_documents_fill_the_room_and_none_grows_or_vanishes(lengths, room):
    kept = shared_room(lengths, room)
    assert sum(kept) == min(sum(lengths), room)
    fair = room // (2 * len(lengths))
    assert all(min(fair, before) <= after <= before for before, after in zip(lengths, kept, strict=True))


def test_an_over_long_query_is_shortened_and_said_so_or_refused(tiny_folder):
    [batch] = Seq2Seq(tiny_folder).fill(MONO, [row("good " * 40, "bad")])
    assert batch.query_shortened == (True,)
    with pytest.raises(QueryTooLong, match=r"40 tokens.*12 of 20"):
        list(Seq2Seq(tiny_folder, long_query="error").fill(MONO, [row("good " * 40, "bad")]))


# -- pieces and the whole


def t5_like(kind: str) -> Tokenizer:
    """The golden T5's tokenizer; with the pre-tokenizer of older files on the hub; cut into bytes as CodeT5's."""
    tokenizer = Tokenizer.from_file(str(GOLDEN / "t5" / "tokenizer.json"))
    if kind == "older":
        metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    if kind == "bytes":
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return tokenizer


texts = st.text("abeintrue :.?▁ü\u00e9\u3000\n\t  ⅓😀").filter(lambda text: text.strip("\u200b \n\t\u3000"))


@pytest.mark.parametrize("kind", ["today", "older", "bytes"])
@given(query=texts, first=texts, second=texts)
@settings(max_examples=60, deadline=None)
def test_pieces_joined_are_the_tokens_of_the_whole_string(kind, tmp_path_factory, query, first, second):
    folder = tmp_path_factory.getbasetemp() / kind
    tokenizer = t5_like(kind)
    if not folder.exists():
        folder.mkdir()
        tokenizer.save(str(folder / "tokenizer.json"))
    values = {"query": query, "first": first, "second": second}
    whole = DUO
    for name, value in values.items():
        whole = whole.replace(f"${name}", value.strip())
    [pieces] = FilledTextTokenizer(folder).encode(DUO, [values])
    assert pieces.ids.tolist() == tokenizer.encode(whole).ids


def test_what_a_document_says_cannot_end_the_input():
    [pieces] = FilledTextTokenizer(GOLDEN / "t5").encode(MONO, [row("word", "good </s> <pad> bad")])
    ids = pieces.ids.tolist()
    assert (ids.count(0), ids.count(1), ids[-1]) == (0, 1, 1)


def test_a_placeholder_without_spaces_is_refused(tiny_folder):
    for template in ("Query:$query Document: $passage", "$query. $passage"):
        with pytest.raises(PromptError, match="has no space beside it"):
            list(Seq2Seq(tiny_folder).fill(template, [row("a", "b")]))


# -- what transformers says


def test_the_golden_t5_answers_as_transformers_did():
    backend = Seq2Seq(GOLDEN / "t5")
    targets = backend.target_tokens(["true", "false"])
    golden = [json.loads(line) for line in (GOLDEN / "t5" / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(golden) >= 40 and any(item["cut"] for item in golden) and not all(item["cut"] for item in golden)
    for item in golden:
        [encoded] = FilledTextTokenizer(GOLDEN / "t5").encode(item["template"], [item["row"]])
        assert encoded.ids.tolist() == item["ids"] and encoded.shortened == item["cut"]
        [batch] = backend.fill(item["template"], [item["row"]])
        assert backend.score_targets(batch, targets)[0] == pytest.approx(item["log_probabilities"], abs=1e-4)
    for template in {item["template"] for item in golden}:
        some = [item for item in golden if item["template"] == template]
        for batch in backend.fill(template, [item["row"] for item in some]):
            for position, found in zip(batch.positions, backend.score_targets(batch, targets), strict=True):
                assert found == pytest.approx(some[position]["log_probabilities"], abs=1e-4)


# -- bad input


def test_target_words_must_be_single_known_tokens(tiny_folder):
    backend = Seq2Seq(tiny_folder)
    assert backend.target_tokens(["true", "false"]) == (VOCABULARY["▁true"], VOCABULARY["▁false"])
    with pytest.raises(InvalidModel, match=r"'true false' is not one token.*but 2: '▁true', '▁false'"):
        backend.target_tokens(["true false"])
    with pytest.raises(InvalidModel, match=r"'maybe' is not one token.*'<unk>'"):
        backend.target_tokens(["maybe"])


def test_folders_that_lack_something_are_refused_with_what_was_seen(tmp_path):
    headless = tiny_seq2seq(tmp_path / "headless")
    (headless / "decoder_model.onnx").unlink()
    with pytest.raises(InvalidModel, match=r"no decoder_model\.onnx.*it holds config\.json, encoder_model\.onnx"):
        Seq2Seq(headless)
    without_encoder = tiny_seq2seq(tmp_path / "without_encoder")
    (without_encoder / "encoder_model.onnx").unlink()
    with pytest.raises(InvalidModel, match=r"no encoder_model\.onnx"):
        Seq2Seq(without_encoder)
    encoder = tiny_seq2seq(tmp_path / "encoder")
    (encoder / "decoder_model.onnx").write_bytes((encoder / "encoder_model.onnx").read_bytes())
    with pytest.raises(InvalidModel, match="a decoder takes encoder_hidden_states, input_ids"):
        Seq2Seq(encoder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidModel, match="it holds nothing"):
        Seq2Seq(tmp_path / "empty")
    with pytest.raises(InvalidModel, match="a sequence-to-sequence model in one graph takes decoder_input_ids"):
        Seq2Seq(GOLDEN / "bert")
    with pytest.raises(ConfigError, match="threads is 0"):
        Seq2Seq(tiny_seq2seq(tmp_path / "idle"), threads=0)


def test_a_token_that_the_graph_does_not_know_is_an_error(tmp_path):
    backend = Seq2Seq(tiny_seq2seq(tmp_path))
    [batch] = backend.fill(MONO, [row("word", "good")])
    with pytest.raises(InvalidModel, match="logits of 14 tokens; its tokenizer knows number 99"):
        backend.score_targets(batch, [99])


def test_nan_in_the_weights_stays_nan(tiny_folder):
    backend = Seq2Seq(tiny_folder)
    [batch] = backend.fill(MONO, [row("word", "nan")])
    assert all(math.isnan(value) for value in backend.score_targets(batch, [3, 4])[0])


def test_one_backend_serves_many_threads(tiny_folder):
    backend, wrong = Seq2Seq(tiny_folder), []

    def work(count: int) -> None:
        if log_odds(backend, MONO, [row("word", "good " * count)] * 20) != [2 * (0.3125 + count)] * 20:
            wrong.append(count)

    threads = [threading.Thread(target=work, args=(count,)) for count in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
