"""From text to tokens: the one place for every encoder. What is promised of a text holds for each of them.

- Surrogates that no encoding can hold become U+FFFD.
- No token of it is one of the model's special tokens (``special``).
- Of a text of megabytes only the beginning is tokenised that can matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from rankkit.backends.tokenizing.checks import growth
from rankkit.backends.tokenizing.opening import OpenTokenizer, native_errors
from rankkit.backends.tokenizing.special import SpecialTokens
from rankkit.core.text import without_surrogates

#: Encodings hold every token's text and offsets, some 100 bytes each: only so many documents are in that form at once.
CHUNK = 64

#: Characters that are tokenised of a long text at first. Where they are not enough tokens, it is four times as many,
#: until they are or the text ends; of one that has more characters than ``_MOST_CHARACTERS``, the rest is not read.
_CHARACTERS = 16_384
_CHARACTERS_A_TOKEN = 8
_MOST_CHARACTERS = 4 << 20
#: Where a text is cut, its last tokens may be others than in the whole: none of these is kept.
_MARGIN = 128


@dataclass(frozen=True, slots=True)
class Tokens:
    """The first tokens of a text, as many as were asked for and one more, of ``total``; that is a lower bound where the
    text was not read to its end (``cut``). ``invalid`` where characters were replaced.
    """

    ids: NDArray[np.int32]
    total: int
    cut: bool = False
    invalid: bool = False


class TextTokenizer:
    """Tokenises texts of one model, without the special tokens of its template."""

    def __init__(self, tokenizer: OpenTokenizer, *, marks: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._special = SpecialTokens(tokenizer, marks=marks)
        self._growth = growth(tokenizer.content)

    def encode(self, texts: Sequence[str], *, most: int) -> list[Tokens]:
        """The tokens of each text: all, or ``most + 1``. Of one that is mostly white space, and longer than a model can
        make use of, it may be less, and it is said to be cut.

        Raises:
            InvalidModel: the tokenizer fails on one of them.
        """
        valid = [without_surrogates(text) for text in texts]
        first = max(_CHARACTERS, _CHARACTERS_A_TOKEN * (most + _MARGIN)) // self._growth
        starts = [_start(text, first) for text in valid]
        found = self._native(starts)
        return [
            replace(self._enough(good, start, encoding, most), invalid=good is not text)
            for text, good, start, encoding in zip(texts, valid, starts, found, strict=True)
        ]

    def _enough(self, text: str, start: str, encoding: Encoding, most: int) -> Tokens:
        """Read on until there are tokens enough, or no more text."""
        while True:
            ids = self._ordinary(start, encoding)
            if len(start) == len(text):
                return _first(ids, most, cut=False)
            if len(ids) > most + _MARGIN or len(start) * 4 > _MOST_CHARACTERS // self._growth:
                return _first(ids[:-_MARGIN], most, cut=True)
            start = _start(text, 4 * len(start))
            [encoding] = self._native([start])

    def _native(self, texts: Sequence[str]) -> list[Encoding]:
        with native_errors(self._tokenizer.path, "cannot read a text"):
            return list(self._tokenizer.native.encode_batch(list(texts), add_special_tokens=False))

    def _ordinary(self, text: str, encoding: Encoding) -> NDArray[np.int32]:
        with native_errors(self._tokenizer.path, "cannot read a text"):
            return self._special.ordinary(text, encoding)


def _first(ids: NDArray[np.int32], most: int, *, cut: bool) -> Tokens:
    # A copy, so that what is kept does not hold on to all of a long text.
    return Tokens(ids if len(ids) <= most + 1 else ids[: most + 1].copy(), len(ids), cut)


def _start(text: str, characters: int) -> str:
    """The beginning of a text: whole words, where the last of them is not endless."""
    if len(text) <= characters:
        return text
    space = text.rfind(" ", characters // 2, characters)
    return text[: space if space > 0 else characters]
