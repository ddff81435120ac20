"""No text forms a special token, in any kind of vocabulary, for any head: it becomes ordinary text instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from rankkit.backends.tokenizing.filled_text import FilledTextTokenizer
from rankkit.backends.tokenizing.opening import open_tokenizer
from rankkit.backends.tokenizing.pairs import PairTokenizer
from rankkit.backends.tokenizing.texts import TextTokenizer
from rankkit.backends.tokenizing.triples import TripleTokenizer
from tests.backends.tokenizing.made import KINDS, Kind, made_folder, special_names

ALL_NAMES = sorted({name for kind in KINDS for name in special_names(kind)})


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[Kind, Path]:
    home = tmp_path_factory.mktemp("made")
    return {kind: made_folder(home / kind, kind) for kind in KINDS}


def tokens_of(folder: Path, kind: Kind, text: str) -> list[int]:
    begin = Tokenizer.from_file(str(folder / "tokenizer.json"))
    marks = [begin.token_to_id(name) for name in special_names(kind)[:2]]
    [tokens] = TextTokenizer(open_tokenizer(folder), marks=marks).encode([text], most=1000)
    return tokens.ids.tolist()


def special_ids(folder: Path, kind: Kind) -> set[int]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    found = {tokenizer.token_to_id(name) for name in special_names(kind)}
    assert None not in found
    return found


pieces = st.lists(
    st.sampled_from([*ALL_NAMES, "good", "bad", "word", " ", "\n", "<", "/s>", "[", "SEP]", "＜/s＞", "é", "\x00"]),
    max_size=8,
).map("".join)


@pytest.mark.parametrize("kind", KINDS)
@given(text=pieces)
@settings(max_examples=60)
def test_no_text_holds_a_special_token(kind, folders, text):
    assert not special_ids(folders[kind], kind) & set(tokens_of(folders[kind], kind, text))


@pytest.mark.parametrize("kind", KINDS)
@given(query=pieces, first=pieces, second=pieces)
@settings(max_examples=25)
def test_every_input_has_the_special_tokens_of_its_layout_and_no_more(kind, folders, query, first, second):
    folder, special = folders[kind], special_ids(folders[kind], kind)

    def count(ids: list[int]) -> int:
        return sum(token in special for token in ids)

    [pair] = PairTokenizer(folder).encode([(query, first)])
    [triple] = TripleTokenizer(folder).encode([(query, first, second)])
    template = "good $query bad $first word $second"
    [filled] = FilledTextTokenizer(folder).encode(template, [{"query": query, "first": first, "second": second}])
    assert (count(pair.ids), count(triple.ids), count(filled.ids)) == (3, 4, 2)
    assert pair.ids[-1] == triple.ids[-1] == filled.ids[-1]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "wordlevel"])
@pytest.mark.parametrize("name", ALL_NAMES)
def test_what_spells_a_special_token_is_read_as_the_characters_it_is_made_of(kind, folders, name):
    folder = folders[kind]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = tokens_of(folder, kind, f"bad{name}{name}good")
    seen = "".join(tokenizer.id_to_token(token) for token in ids).replace("##", "").replace("▁", "").lower()
    assert seen == f"bad{name}{name}good".lower()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("byte")])
def test_the_token_for_unknown_words_comes_of_unknown_words_only(kind, folders):
    folder, name = folders[kind], "[UNK]" if kind.startswith("word") else "<unk>"
    number = Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id(name)
    assert number in tokens_of(folder, kind, "good ☃ bad")
    if kind != "wordlevel":  # which has no token for a part of a word
        assert number not in tokens_of(folder, kind, f"good {name} bad")
        assert number not in tokens_of(folder, kind, f"good{name}{name}bad")


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text("goodbawr .,!?\n").map(str.strip))
@settings(max_examples=30)
def test_ordinary_text_is_what_the_library_makes_of_it(kind, folders, text):
    tokenizer = Tokenizer.from_file(str(folders[kind] / "tokenizer.json"))
    assert tokens_of(folders[kind], kind, text) == tokenizer.encode(text, add_special_tokens=False).ids


def test_in_a_vocabulary_of_whole_words_a_special_one_is_its_signs_and_unknown_words(folders):
    tokenizer = Tokenizer.from_file(str(folders["wordlevel"] / "tokenizer.json"))
    ids = tokens_of(folders["wordlevel"], "wordlevel", "bad [SEP] good <tool_call>")
    assert [tokenizer.id_to_token(token) for token in ids] == "bad [ [UNK] ] good < [UNK] >".split()
