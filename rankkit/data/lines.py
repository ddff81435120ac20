"""The one reader of lines: text and JSON lines from files, pipes and standard input, compressed or not. Whatever is
wrong with them is a ``DataError`` that says where.

Lines end as in Python's text files: with a line feed, a carriage return, or both. All other characters that some
programs take for line ends (form feeds, U+0085, U+2028, ...) are part of the text.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, NoReturn, TypeAlias, cast

from rankkit.core.text import without_surrogates
from rankkit.errors import DataError, InputError

#: A file, or ``-`` for standard input.
Source: TypeAlias = Path | str

#: What is told of a fault instead of raising it: the reader leaves out the line, or the rest of the file, and goes on.
OnFault: TypeAlias = Callable[[InputError], None]

STDIN = "-"
_OPENERS: tuple[tuple[bytes, str, Callable[[IO[bytes]], object]], ...] = (
    (b"\x1f\x8b", "gzip", gzip.open),
    (b"BZh", "bzip2", bz2.open),
    (b"\xfd7zXZ\x00", "xz", lzma.open),
)
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_GET_AGAIN = "It was probably not copied or downloaded in full: get it again."
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def name_of(source: Source) -> str:
    """What errors call it."""
    return "standard input" if str(source) == STDIN else str(source)


@contextmanager
def faults_to(on_fault: OnFault | None) -> Iterator[None]:
    """Hand any ``InputError`` that is raised inside to ``on_fault`` and go on behind the block; without one, raise."""
    try:
        yield
    except InputError as error:
        if on_fault is None:
            raise
        on_fault(error)


def read_lines(source: Source, on_fault: OnFault | None = None) -> Iterator[tuple[str, str]]:
    """Yield ``("path:line", text)`` for every line that is not blank, without its line end.

    Raises:
        DataError: as ``numbered_lines``.
    """
    name = name_of(source)
    for number, line in numbered_lines(source, on_fault):
        if line.strip():
            yield f"{name}:{number}", line.rstrip("\n")


def numbered_lines(source: Source, on_fault: OnFault | None = None) -> Iterator[tuple[int, str]]:
    """Yield every line with its number, counted from 1; each ends in a line feed, the last perhaps not.

    Whether it is compressed is read from the first bytes, not from the name. A byte order mark is no text.

    Raises:
        DataError: the file is missing, unreadable, not UTF-8, or its compression is broken.
    """
    with faults_to(on_fault):
        yield from _numbered(source, on_fault)


def _numbered(source: Source, on_fault: OnFault | None) -> Iterator[tuple[int, str]]:
    name, number = name_of(source), 0
    with _opened(source) as file, disk_words(name, lambda: number):
        packed, kind = _unpacked(file, name)
        # A byte that is not UTF-8 comes as a surrogate, which UTF-8 itself cannot hold: so its place can be named.
        text = io.TextIOWrapper(cast(BinaryIO, packed), "utf-8-sig", "surrogateescape", newline=None)
        try:
            for number, line in enumerate(text, start=1):
                if not line.isascii() and (found := _NOT_UTF8.search(line)):
                    with faults_to(on_fault):
                        raise _not_utf8(f"{name}:{number}", line, found.start())
                    continue
                yield number, line
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise DataError(
                f"{name}: the {kind} file is broken after line {number} ({error})", hint=_GET_AGAIN
            ) from error
        finally:
            if packed is file:
                text.detach()  # or it would close standard input


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if str(source) == STDIN:
        if sys.stdin is None:
            raise DataError("standard input is closed", hint="Give the name of a file.")
        raw = getattr(sys.stdin, "buffer", None) or io.BytesIO(sys.stdin.read().encode())
        buffered = raw if hasattr(raw, "peek") else io.BufferedReader(raw)
        try:
            yield buffered
        finally:
            if buffered is not raw:
                buffered.detach()
        return
    with disk_words(str(source)):
        if Path(source).is_dir():
            raise DataError(f"{source} is a folder and cannot be read as a file", hint="Give the name of a file.")
        file = Path(source).open("rb")  # noqa: SIM115  # what the reader does with the lines is not about this file
    with file:
        yield cast(BinaryIO, file)


def _unpacked(file: BinaryIO, name: str) -> tuple[object, str]:
    """The content, and what it is compressed with. Looked at, not read: pipes cannot be read twice."""
    begins = file.peek(6)  # type: ignore[attr-defined]  # buffered readers have it
    if begins.startswith(_ZSTANDARD):
        raise DataError(f"{name}: compressed with Zstandard", hint="Unpack it first (zstd -d), or use gzip.")
    for magic, kind, opener in _OPENERS:
        if begins.startswith(magic):
            return opener(file), kind
    if begins.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{name}: not UTF-8 text, but UTF-16 by its first bytes", hint="Convert the file to UTF-8.")
    return file, ""


def _not_utf8(where: str, line: str, place: int) -> DataError:
    before = len(line[:place].encode("utf-8", "surrogateescape"))
    return DataError(
        f"{where}: not UTF-8 text (byte 0x{ord(line[place]) - 0xDC00:02x} at byte {before + 1} of the line)",
        hint="Convert the file to UTF-8.",
    )


@contextmanager
def disk_words(name: str, number: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Turn an ``OSError`` that is raised inside into a ``DataError``; ``number`` is the line that was read last."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{name}: there is no such file", hint="Check the path.") from error
    except OSError as error:
        behind = f" behind line {number()}" if number() else ""
        raise DataError(
            f"{name}: cannot be read{behind} ({error.strerror or error})", hint="Check the path."
        ) from error


def read_json_lines(source: Source, on_fault: OnFault | None = None) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield ``("path:line", object)`` for every line.

    Raises:
        DataError: as ``read_lines``; or a line is not a JSON object. NaN and infinity are not JSON.
    """
    for where, text in read_lines(source, on_fault):
        with faults_to(on_fault):
            yield where, json_object(where, text)


def json_object(where: str, text: str, *, lenient: bool = False, more: str = "") -> Mapping[str, object]:
    """Read one JSON object. ``lenient`` accepts NaN and infinity, which many programs write; ``more`` is a hint more.

    Raises:
        DataError: it is something else.
    """
    value = json_value(where, text, f"Each line must be one JSON object.{more}", lenient=lenient)
    if not isinstance(value, dict):
        raise DataError(
            f"{where}: a JSON {type(value).__name__}, not an object",
            hint="Each line must be one JSON object. Split a file that is one long array into lines.",
        )
    return value


def json_value(where: str, text: str, hint: str, *, lenient: bool = False) -> object:
    """Read one JSON value; ``hint`` is what to do where it is none.

    Raises:
        DataError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=None if lenient else _refuse_constant)
    except json.JSONDecodeError as error:
        # Python counts the end of the text as a place to expect something: there it was cut.
        cut = error.pos >= len(text.rstrip()) or "Unterminated string" in error.msg
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        end = " (the line breaks off)" if cut else ""
        raise DataError(
            f"{where}: not valid JSON, {line}column {error.colno}: {error.msg}{end}",
            hint=_GET_AGAIN if cut else hint,
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON: {error}", hint=hint) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def whole_id(name: str, what: str) -> str:
    """The id, where runs and judgements can hold it.

    Raises:
        DataError: half a character (a lone surrogate) is in it.
    """
    if without_surrogates(name) is not name:
        raise DataError(
            f"{what} {name!r} holds a lone surrogate, half a character, which no run or judgement can hold",
            hint="Was a text cut in the middle of a character? Give it another id.",
        )
    return name


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put the place in front of any ``InputError`` that is raised inside; its type and hint stay."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from error
