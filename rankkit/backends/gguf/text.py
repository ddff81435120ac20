"""Between text and the tokens of one model.

Tokenising in pieces gives the same tokens as in one go: plain text on both sides of a border between template and
content is joined first, and only control tokens, looked for in the template alone, separate.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

from rankkit.backends.gguf.chat_template import PromptSegment
from rankkit.backends.gguf.safety import import_llama

_SPM = 1  # the kind of vocabulary whose tokeniser may put a space before a text


class Tokenizer:
    """``vocabulary`` is llama.cpp's, alive as long as its model is; ``adds_space`` as the model's file tells."""

    def __init__(self, vocabulary: Any, *, adds_space: bool) -> None:
        self._llama = import_llama()
        self._vocabulary = vocabulary
        self._adds_space = adds_space and self._llama.llama_vocab_type(vocabulary) == _SPM
        self.size: int = self._llama.llama_vocab_n_tokens(vocabulary)
        self.bos: int = self._llama.llama_vocab_bos(vocabulary)
        self.eos: int = self._llama.llama_vocab_eos(vocabulary)
        self._add_bos: bool = self._llama.llama_vocab_get_add_bos(vocabulary)

    def encode(self, parts: Iterable[PromptSegment]) -> list[int]:
        """A whole prompt. It begins with the model's beginning token where the model wants one, and never with two."""
        tokens: list[int] = []
        plain = ""
        for part in parts:
            for text, control in self._pieces(part):
                if control is None:
                    plain += text
                    continue
                tokens += self.continuation(plain, tokens)
                tokens.append(control)
                plain = ""
        tokens += self.continuation(plain, tokens)
        if self._add_bos and self.bos >= 0 and tokens[:1] != [self.bos]:
            tokens.insert(0, self.bos)
        return tokens

    def continuation(self, text: str, before: list[int]) -> list[int]:
        """Tokens of a plain text that goes on after ``before``, whose own tokens stay as they are."""
        if not text:
            return []
        fresh = not before or self.is_control(before[-1])
        if fresh or not self._adds_space:
            return self._tokenize(text, control=False)
        # This tokeniser would put a space between the two. A line break never merges with what follows: tokenise
        # with one in front and take it off again.
        front, joined = self._tokenize("\n", control=False), self._tokenize("\n" + text, control=False)
        return joined[len(front) :] if joined[: len(front)] == front else self._tokenize(text, control=False)

    def is_control(self, token: int) -> bool:
        return bool(self._llama.llama_vocab_is_control(self._vocabulary, token))

    def is_end(self, token: int) -> bool:
        """Whether the model ends its answer with this token."""
        return bool(self._llama.llama_vocab_is_eog(self._vocabulary, token))

    def name(self, token: int) -> str:
        """How the vocabulary spells a token; ``""`` for one that the model does not have."""
        text = self._llama.llama_vocab_get_text(self._vocabulary, token) if token >= 0 else None
        return text.decode("utf-8", "replace") if text else ""

    def piece(self, token: int) -> bytes:
        """What a token adds to a text: possibly a part of a character, and nothing for a control token."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = self._llama.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, 0)
            if written >= 0:
                return buffer.raw[:written]
            size = -written

    def _pieces(self, part: PromptSegment) -> Iterable[tuple[str, int | None]]:
        """The stretches of plain text and the control tokens of a part, in order."""
        if not part.trusted:
            yield part.text, None
            return
        rest = part.text
        for token in self._tokenize(part.text, control=True):
            name = self.name(token) if self.is_control(token) else ""
            if name and name in rest:
                plain, _, rest = rest.partition(name)
                yield plain, None
                yield name, token
        yield rest, None

    def _tokenize(self, text: str, *, control: bool) -> list[int]:
        data = text.encode("utf-8", "replace")  # half a surrogate pair is no character: "?" stands for it
        size = len(data) + 8
        while True:
            buffer = (ctypes.c_int32 * size)()
            count = self._llama.llama_tokenize(self._vocabulary, data, len(data), buffer, size, 0, control)
            if count >= 0:
                return list(buffer[:count])
            size = -count
