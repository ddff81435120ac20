"""The one way to standard output and standard error.

Texts, ids, titles, and what models and servers say, are other people's: what would control a terminal in them, or turn
the direction of writing around, is shown as a mark. What a console cannot show is replaced. When nothing can be written
to standard output any more, what was paid for is printed on standard error instead.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable
from typing import Literal, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

#: All control characters but tab and line feed, embeddings, overrides and isolates of direction, lone surrogates.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: For consoles of few characters. Of tables, rich draws the lines of what there is.
_PLAIN = {
    "↑": "^",
    "↓": "v",
    "→": "->",
    "…": "...",
    "≤": "<=",
    "·": "-",
    "–": "-",
    "—": "-",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}


class ReaderGone(Exception):
    """Nobody reads standard output any more (``| head``)."""


class NotWritten(Exception):
    """Standard output cannot be written to (a full disk); the result stands on standard error."""


def visible(text: str) -> str:
    """The text with a mark for each character that would control a terminal; line feeds and tabs stay."""
    return UNSAFE.sub(lambda found: _mark(ord(found[0])), text)


def _mark(code: int) -> str:
    """Unicode has a picture for each control character of ASCII."""
    if code < 0x20:
        return chr(0x2400 + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"


class Output:
    """``sys.stdout`` or ``sys.stderr``, whatever it is when something is written."""

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self._name = name

    @property
    def _stream(self) -> TextIO | None:
        stream: TextIO | None = getattr(sys, self._name)
        return None if stream is None or stream.closed else stream

    @property
    def encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError(f"{self._name} is closed")
        return self._stream.fileno()

    def flush(self) -> None:
        """Every write is complete by itself."""

    def write(self, text: str) -> int:
        """Write it all, as far as the encoding goes.

        Raises:
            ReaderGone, NotWritten: nothing more can be written to standard output.
        """
        stream = self._stream
        if stream is None:
            if self._name == "stdout":
                Output("stderr").write(f"standard output is closed; here it is:\n{text}")
                raise NotWritten("standard output is closed")
            return len(text)
        try:
            stream.write(_encodable(text, self.encoding))
            stream.flush()
        except BrokenPipeError as error:
            if self._name == "stdout":
                raise ReaderGone from error
        except OSError as error:
            if self._name == "stdout":
                Output("stderr").write(
                    f"standard output cannot be written: {error.strerror or error}; here it is:\n{text}"
                )
                raise NotWritten(str(error)) from error
        return len(text)


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(char if _fits(char, encoding) else _PLAIN.get(char, "?") for char in text)
    return text


def _fits(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


class SafeConsole(Console):
    """Prints strings as they are: nothing in them is markup, and control characters are marks."""

    def __init__(self, name: Literal["stdout", "stderr"], width: int | None = None) -> None:
        file: TextIO = Output(name)  # type: ignore[assignment]  # what rich needs of a file
        super().__init__(file=file, width=width, markup=False, emoji=False, highlight=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed. Those that rich itself controls the terminal with are apart from texts."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def prepare() -> None:
    """Let nothing that others print (help, warnings) end in a character that a console lacks."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")


def finish() -> None:
    """Write what others left in the buffer.

    Raises:
        ReaderGone, NotWritten: that cannot be done.
    """
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise NotWritten(str(error)) from error


def abandon() -> None:
    """Point standard output elsewhere, so that the interpreter does not trip over it when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
