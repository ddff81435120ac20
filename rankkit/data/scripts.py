"""Which script a text is written in, as far as names of Unicode characters tell."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from rankkit.core.text import in_other_script

#: Of numbers and signs alone.
NO_LETTERS = "no letters"

_LETTER = re.compile("[A-Za-z]")
#: How much of a text is looked at.
_SAMPLE = 400
#: First words of characters' names that are no names of scripts. Kana is what tells Japanese from Chinese.
_KNOWN_AS: Mapping[str, str] = {
    "CJK": "Han",
    "IDEOGRAPHIC": "Han",
    "HIRAGANA": "Kana",
    "KATAKANA": "Kana",
    "KATAKANA-HIRAGANA": "Kana",
    "HALFWIDTH": "Kana",
    "FULLWIDTH": "Latin",
    "MATHEMATICAL": "Latin",
}


def script_of(text: str) -> str:
    """The script of most letters of a text's beginning: ``Latin``, ``Han``, ``Cyrillic``, ...; any other than Latin
    only where it has more letters (as ``in_other_script`` says). Han with some kana is ``Kana``: Japanese.
    """
    sample = text[:_SAMPLE]
    if not in_other_script(sample):
        letters = _LETTER.search(sample) or any(map(str.isalpha, sample))
        return "Latin" if letters else NO_LETTERS
    counts = Counter(_script(character) for character in sample if character.isalpha())
    del counts["Latin"]
    if counts["Kana"] * 10 >= counts["Han"] > 0:
        return "Kana"
    return max(counts, key=lambda name: counts[name])


@lru_cache(maxsize=10_000)
def _script(character: str) -> str:
    first = unicodedata.name(character, "UNKNOWN").split()[0]
    return _KNOWN_AS.get(first, first.capitalize())
