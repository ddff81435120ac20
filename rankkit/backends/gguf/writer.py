"""Collects an answer token by token: whole characters only, cut at a stop text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rankkit.backends.language.thinking import Thought, split_thinking


class Writer:
    def __init__(self, stop: Sequence[str] = ()) -> None:
        self.tokens: list[int] = []
        self.finish: Literal["stop", "length"] = "stop"
        self._stop = [text for text in stop if text]
        self._bytes = b""

    def stops(self, token: int, piece: bytes) -> bool:
        """Take one more token; whether a stop text has appeared with it."""
        self.tokens.append(token)
        self._bytes += piece
        written = self._bytes.decode("utf-8", "ignore")
        found = [at for at in (written.find(text) for text in self._stop) if at >= 0]
        if found:
            self._bytes = written[: min(found)].encode("utf-8")
        return bool(found)

    def thought(self) -> Thought:
        # A character that the token limit cut in half is left out.
        return split_thinking(self._bytes.decode("utf-8", "ignore"))
