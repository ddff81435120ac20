from __future__ import annotations

import pytest

from rankkit.errors import ConfigError
from rankkit.retrieval.tokens import check_tokenizer, tokenize


def words(text: str, stemmer: str = "porter") -> list[str]:
    return next(tokenize([text], tokenizer="words", stemmer=stemmer))


def bigrams(text: str) -> list[str]:
    return next(tokenize([text], tokenizer="bigrams", stemmer="porter"))


def test_words_are_lower_case_stemmed_and_without_stop_words():
    assert words("The cats were running; Running is what CATS do!") == "cat were run run what cat do".split()
    assert words("B-12, IL_2 and 0.5") == ["b", "12", "il_2", "0", "5"]
    assert words("") == words("the of -- !") == []


def test_without_a_stemmer_every_word_stays_as_it_is():
    assert words("The cats", stemmer="") == ["the", "cats"]


def test_english_stop_words_are_words_in_other_languages():
    assert words("was die Katzen", stemmer="german") == ["was", "die", "katz"]


def test_full_width_letters_are_letters():
    assert words("ＢＭ２５") == bigrams("ＢＭ２５") == ["bm25"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("海洋动物", ["海洋", "洋动", "动物"]),
        ("人", ["人"]),
        ("SR99沿线城市", ["sr99", "沿线", "线城", "城市"]),
        ("在 2008年，北京。", ["在", "2008", "年", "北京"]),
        ("東京タワーへ", ["東京", "京タ", "タワ", "ワー", "ーへ"]),
        ("𠀀𠀁", ["𠀀𠀁"]),
        ("Running cats", ["running", "cats"]),
        ("，。！", []),
    ],
)
def test_bigrams_are_two_neighbouring_characters_and_words_of_other_scripts_whole(text, tokens):
    assert bigrams(text) == tokens


def test_thai_vowel_signs_stay_with_their_neighbours():
    assert bigrams("กินน้ำ")[0] == "กิ"


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="no tokenizer 'bigram'") as caught:
        check_tokenizer("bigram", "porter")
    assert caught.value.hint == "Did you mean bigrams?"
    with pytest.raises(ConfigError, match="no stemmer 'germann'") as caught:
        check_tokenizer("words", "germann")
    assert "german" in caught.value.hint
