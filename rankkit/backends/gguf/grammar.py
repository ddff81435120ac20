"""Picks the likeliest token that a grammar (GBNF, llama.cpp's notation) still allows."""

from __future__ import annotations

import ctypes
from types import TracebackType
from typing import Any

import numpy as np

from rankkit.backends.gguf.context import Row
from rankkit.backends.gguf.log import keeper
from rankkit.backends.gguf.safety import import_llama
from rankkit.errors import ConfigError

_TOKEN = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Grammar:
    """The state of one answer. A context manager: llama.cpp's part of it is freed at the end."""

    def __init__(self, vocabulary: Any, text: str) -> None:
        """Raises:
        ConfigError: llama.cpp cannot read the grammar.
        """
        self._llama = import_llama()
        keeper().clear()
        self._sampler = self._llama.llama_sampler_init_grammar(vocabulary, text.encode(), b"root")
        if not self._sampler:
            raise ConfigError(
                f"the grammar is not valid: {keeper().messages()}",
                hint="It is in llama.cpp's GBNF notation and has a rule named root.",
            )

    def __enter__(self) -> Grammar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._llama.llama_sampler_free(self._sampler)

    def pick(self, row: Row) -> int:
        """The best token that may come next, which the grammar then counts as said."""
        best = int(row.argmax())
        if not np.isfinite(self._allowed(np.array([best]), row)[0]):  # most often the best one is allowed
            allowed = self._allowed(np.arange(len(row)), row)
            best = int(allowed.argmax())
        self._llama.llama_sampler_accept(self._sampler, best)
        return best

    def _allowed(self, tokens: Any, row: Row) -> Row:
        """The logits of ``tokens``, minus infinity for what the grammar forbids."""
        candidates = np.zeros(len(tokens), dtype=_TOKEN)
        candidates["id"], candidates["logit"] = tokens, row[tokens]
        array = self._llama.llama_token_data_array(
            data=candidates.ctypes.data_as(self._llama.llama_token_data_p),
            size=len(tokens),
            selected=-1,
            sorted=False,
        )
        self._llama.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return candidates["logit"]
