"""Texts as people have them: of megabytes, of nothing, with characters that are none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.backends.tokenizing import texts
from rankkit.backends.tokenizing.opening import open_tokenizer
from rankkit.backends.tokenizing.pairs import PairTokenizer
from rankkit.backends.tokenizing.texts import TextTokenizer
from rankkit.errors import QueryTooLong
from tests.backends.tokenizing.made import KINDS, made_folder
from tests.tiny import VOCABULARY, tiny_cross_encoder


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("tiny"))


def test_lone_surrogates_are_replaced_and_noted(tiny_folder):
    [pair] = PairTokenizer(tiny_folder).encode([("word \ud800", "good \udfff bad")])
    assert pair.notes == ("query has invalid characters", "document has invalid characters")
    assert (
        pair.ids.tolist()
        == PairTokenizer(tiny_folder)
        ._segments.encode([{"query": "word \ufffd", "document": "good \ufffd bad"}])
        .__next__()
        .ids.tolist()
    )
    [pair] = PairTokenizer(tiny_folder).encode([("word", "good \ufffd")])
    assert pair.notes == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", " ", "\n\t", "\x00", "\x00\x01\x1b[31m\x7f\x9f", "\u200b", "\u2028", "\ud800"])
def test_texts_of_nothing_and_of_control_characters_are_inputs_like_any_other(kind, tmp_path, text):
    tokenizer = PairTokenizer(made_folder(tmp_path, kind))
    found = list(tokenizer.encode([("word", text), (text, "good"), (text, text)]))
    assert all(3 <= len(one) <= 64 for one in found)


def test_no_pairs_make_no_inputs(tiny_folder):
    assert list(PairTokenizer(tiny_folder).encode([])) == []


@pytest.mark.parametrize("filler", [" ", "\n", "good ", "x", "é", "\x00"])
def test_a_text_of_a_megabyte_is_read_as_far_as_it_can_matter(tiny_folder, filler, monkeypatch):
    characters: list[int] = []
    native = TextTokenizer._native
    monkeypatch.setattr(
        TextTokenizer, "_native", lambda self, some: characters.extend(map(len, some)) or native(self, some)
    )
    [pair] = PairTokenizer(tiny_folder).encode([("word", filler * (1_000_000 // len(filler)) + " best")])
    assert len(pair) <= 16 and pair.shortened == (filler == "good ")
    if filler == "good ":
        assert max(characters) < 20_000 and pair.ids.tolist().count(VOCABULARY["good"]) == 12
    else:  # hardly any tokens: so all of it is read, up to its last word
        assert pair.ids.tolist()[-2] == VOCABULARY["best"]


def test_of_endless_white_space_the_end_is_not_read_and_that_is_said(tiny_folder, monkeypatch):
    monkeypatch.setattr(texts, "_MOST_CHARACTERS", 100_000)
    [pair] = PairTokenizer(tiny_folder).encode([("word", "good" + " " * 1_000_000 + "best")])
    assert pair.shortened and VOCABULARY["best"] not in pair.ids.tolist()


def test_a_query_of_a_megabyte_is_shortened_or_refused(tiny_folder):
    query = "good " * 200_000
    [pair] = PairTokenizer(tiny_folder).encode([(query, "best")])
    assert pair.query_shortened and pair.ids.tolist().count(VOCABULARY["good"]) == 9
    with pytest.raises(QueryTooLong, match=r"more than \d+ tokens; 9 of 16"):
        list(PairTokenizer(tiny_folder, long_query="error").encode([(query, "best")]))


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text("goodbawr .,!?é<>/s\n", min_size=600, max_size=900), most=st.integers(1, 30))
@settings(max_examples=25)
def test_the_first_tokens_are_those_of_the_whole_text(kind, tmp_path_factory, text, most):
    folder = tmp_path_factory.getbasetemp() / f"whole-{kind}"
    if not folder.exists():
        made_folder(folder, kind)
    tokenizer = TextTokenizer(open_tokenizer(folder), marks=())
    [whole] = tokenizer.encode([text], most=10_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "_CHARACTERS", 100)
        patch.setattr(texts, "_CHARACTERS_A_TOKEN", 2)
        [start] = tokenizer.encode([text], most=most)
    assert start.ids[: most + 1].tolist() == whole.ids[: most + 1].tolist()
    assert len(start.ids) <= most + 1 or start.ids.tolist() == whole.ids.tolist()
