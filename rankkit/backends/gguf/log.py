"""llama.cpp's messages go to Python's logging, under ``rankkit.llama``, and not to the terminal.

The library has one place for messages in a process, so there is one keeper of them, put in place with the first model.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from typing import Any

from rankkit.backends.gguf.safety import import_llama

_COMPLAINTS = (3, 4)  # ggml's levels for warnings and errors; what is below tells how it gets on


class LogKeeper:
    """Holds the last complaints, which are all that llama.cpp tells about a failure."""

    def __init__(self) -> None:
        llama = import_llama()
        self._logger = logging.getLogger("rankkit.llama")
        self._last: deque[str] = deque(maxlen=6)
        # The library keeps only a pointer to it: it has to live as long as the process.
        self._callback = llama.llama_log_callback(self._take)
        llama.llama_log_set(self._callback, None)

    def _take(self, level: int, text: bytes, _: Any) -> None:
        line = text.decode("utf-8", "replace").strip()
        if len(line) < 2:  # progress dots
            return
        self._logger.debug("%s", line)
        if level in _COMPLAINTS:
            self._last.append(line)

    def clear(self) -> None:
        self._last.clear()

    def messages(self) -> str:
        """The last complaints in one line."""
        return "; ".join(self._last) or "llama.cpp gave no reason"


@functools.cache
def keeper() -> LogKeeper:
    return LogKeeper()
