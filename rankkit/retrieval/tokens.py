"""From text to the tokens that BM25 counts.

``words``: runs of letters, digits and underscores in lower case, without stop words, stemmed. The stop words are the
33 English ones of Lucene's default list; they are left out where the stemmer is an English one, and in no other
language.

``bigrams``: for scripts that put no spaces between words (Chinese, Japanese, Thai, ...), each two neighbouring
characters are a token, a character that stands alone is one by itself, and words of other scripts are taken whole, in
lower case. This is how Lucene's CJK analyzer cuts text; no dictionary is needed. Korean is cut in the same way.

Both first bring characters to their plain form (Unicode NFKC): full-width letters are letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from rankkit.core.extras import require_extra
from rankkit.errors import ConfigError, nearest

with require_extra("search", "Searching with BM25"):
    import Stemmer

TokenizerName = Literal["words", "bigrams"]

STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with".split()
)
_ENGLISH = {"porter", "english", "lovins"}
_WORD = re.compile(r"\w+")
#: Thai to Khmer, kana and bopomofo, Han, Hangul, and Han beyond the basic plane.
_UNSPACED = (
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f"
    "\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"([{_UNSPACED}]+)|[^\W{_UNSPACED}]+")


def check_tokenizer(tokenizer: str, stemmer: str) -> None:
    """Refuse names that nobody knows; an empty ``stemmer`` leaves words as they are.

    Raises:
        ConfigError: says which are known.
    """
    if tokenizer not in get_args(TokenizerName):
        raise ConfigError(f"there is no tokenizer {tokenizer!r}", hint=nearest(tokenizer, get_args(TokenizerName)))
    if stemmer and stemmer not in Stemmer.algorithms():
        raise ConfigError(f"there is no stemmer {stemmer!r}", hint=nearest(stemmer, Stemmer.algorithms()))


def tokenize(texts: Iterable[str], *, tokenizer: TokenizerName, stemmer: str) -> Iterator[list[str]]:
    """Yield the tokens of each text, in its order, repetitions kept; see the module for the rules."""
    if tokenizer == "bigrams":
        yield from map(_bigrams, texts)
        return
    # Made anew for each caller: one stemmer must not be used by two threads.
    stem = Stemmer.Stemmer(stemmer).stemWords if stemmer else list
    stop_words = STOP_WORDS if stemmer in _ENGLISH else frozenset[str]()
    for text in texts:
        yield stem([word for word in _WORD.findall(_plain(text)) if word not in stop_words])


def _bigrams(text: str) -> list[str]:
    tokens: list[str] = []
    for run in _RUN.finditer(_plain(text)):
        characters = run.group()
        if run.group(1) and len(characters) > 1:
            tokens += (characters[start : start + 2] for start in range(len(characters) - 1))
        else:
            tokens.append(characters)
    return tokens


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()
