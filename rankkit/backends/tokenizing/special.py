"""Special tokens belong to the model's template: whatever a text says, it is made of ordinary tokens only.

A tokenizer can be asked not to look for special tokens in a text. That is not enough: Unigram vocabularies hold
"</s>" as a piece like any other, whole-word and byte-level ones look words up as they are, and added tokens that are
not called special are always looked for. So the tokens of each text are looked through, and a special one is put
back into the characters that it was made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, pre_tokenizers

from rankkit.backends.tokenizing.checks import uses_bytes
from rankkit.backends.tokenizing.files import read_json
from rankkit.backends.tokenizing.opening import OpenTokenizer, native_errors

#: How marks are spelled; an added token that is spelled like a word, or is white space, is ordinary.
_MARK = re.compile(r"<[^\s<>]+>|\[[^\s\[\]]+\]|\{[^\s{}]+\}|\|[^\s]+\||<\|.+\|>|<｜.+｜>")
_WELL_KNOWN = (
    "<s> </s> <pad> <mask> <cls> <sep> <bos> <eos> <eod> <eop> [CLS] [SEP] [PAD] [MASK] [BOS] [EOS] "
    "<|endoftext|> <|im_start|> <|im_end|> <|start|> <|end|> <|user|> <|assistant|> <|system|> <|pad|> <|padding|> "
    "<|begin_of_text|> <|end_of_text|> <|eot_id|> <start_of_turn> <end_of_turn> <sos> <eot> <extra_id_0>"
).split()
_NAMES = "bos_token eos_token sep_token cls_token pad_token mask_token".split()
_WORD = re.compile(r"\w+|[^\w\s]")


class SpecialTokens:
    """Which tokens of a model no text may hold, and what a text holds instead. ``marks`` are those that the model's
    template puts around texts.
    """

    def __init__(self, tokenizer: OpenTokenizer, *, marks: Iterable[int]) -> None:
        self._tokenizer = tokenizer
        self._unknown = _unknown(tokenizer)
        self._spelling = {token: name for token, name in _marks(tokenizer, marks) if name != self._unknown[1]}
        self._forbidden = np.asarray(sorted(self._spelling), dtype=np.int64)

    def ordinary(self, text: str, encoding: Encoding) -> NDArray[np.int32]:
        """The tokens of a text, none of them special."""
        ids = np.asarray(encoding.ids, dtype=np.int32)
        number, name = self._unknown
        spelled_unknown = bool(name) and name in text
        if not spelled_unknown and not np.isin(ids, self._forbidden).any():
            return ids
        found: list[int] = []
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if token in self._spelling:
                found += self._plain(self._spelling[token])
            elif spelled_unknown and token == number and name in text[start:end]:
                found += self._plain(text[start:end])
            else:
                found.append(token)
        return np.asarray(found, dtype=np.int32)

    def _plain(self, spelling: str) -> list[int]:
        """Ordinary tokens for a special one's spelling: those of its words and signs, each by itself, or of its
        characters where a word is a special token still.
        """
        tokens: list[int] = []
        for word in _WORD.findall(spelling):
            found = self._tokens(word)
            if any(token in self._spelling for token in found):
                found = [token for character in word for token in self._tokens(character)]
            tokens += (token for token in found if token not in self._spelling)
        if not tokens and self._unknown[0] is not None:
            tokens.append(self._unknown[0])
        return tokens

    def _tokens(self, word: str) -> list[int]:
        native = self._tokenizer.native
        with native_errors(self._tokenizer.path, "cannot be used"):
            if native.normalizer is not None:
                word = native.normalizer.normalize_str(word).replace("▁", "").strip()
            if self._bytes is not None:
                word = "".join(part for part, _ in self._bytes.pre_tokenize_str(word))
            return [token.id for token in native.model.tokenize(word)] if word else []

    @cached_property
    def _bytes(self) -> pre_tokenizers.ByteLevel | None:
        if not uses_bytes(self._tokenizer.content):
            return None
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def _unknown(tokenizer: OpenTokenizer) -> tuple[int | None, str]:
    """The token for what is not in the vocabulary, and how it is spelled: a text may well get it, but not by name."""
    name, number = tokenizer.model.get("unk_token"), tokenizer.model.get("unk_id")
    with native_errors(tokenizer.path, "cannot be used"):
        if isinstance(number, int):
            return number, tokenizer.native.id_to_token(number) or ""
        return (tokenizer.native.token_to_id(name), name) if isinstance(name, str) else (None, "")


def _marks(tokenizer: OpenTokenizer, marks: Iterable[int]) -> Iterator[tuple[int, str]]:
    native = tokenizer.native
    with native_errors(tokenizer.path, "cannot be used"):
        for number, token in native.get_added_tokens_decoder().items():
            if token.special or _MARK.fullmatch(token.content):
                yield number, token.content
        for name in (*_WELL_KNOWN, *_named(tokenizer)):
            if (known := native.token_to_id(name)) is not None:
                yield known, name
        for number in marks:
            if spelling := native.id_to_token(number):
                yield number, spelling


def _named(tokenizer: OpenTokenizer) -> Iterator[str]:
    """What the files beside it call special."""
    for file in ("special_tokens_map.json", "tokenizer_config.json"):
        known = read_json(tokenizer.path.parent / file)
        several = known.get("additional_special_tokens")
        for value in (*(known.get(name) for name in _NAMES), *(several if isinstance(several, list) else ())):
            name = value.get("content") if isinstance(value, dict) else value
            if isinstance(name, str) and name:
                yield name
