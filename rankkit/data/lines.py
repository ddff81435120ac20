"""Text and JSON lines, plain or gzip; whatever is wrong with a file is a ``DataError`` that says where."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn, cast

from rankkit.errors import DataError, InputError

_GZIP_MAGIC = b"\x1f\x8b"
_GET_AGAIN = "It was probably not copied or downloaded in full: get it again."


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield ``("path:line", text)`` for every line that is not blank, without its line end.

    Whether a file is compressed is read from its first bytes, not from its name.

    Raises:
        DataError: the file is missing, unreadable, not UTF-8, or its compression is broken.
    """
    number = 0
    try:
        with _open(path) as file:
            for number, raw in enumerate(file, start=1):
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if text.strip():
                    yield f"{path}:{number}", text
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{number}: not UTF-8 text ({error.reason})", hint="Convert the file to UTF-8."
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: the gzip file is broken after line {number} ({error})", hint=_GET_AGAIN) from error
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file", hint="Check the path.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})", hint="Check the path.") from error


def _open(path: Path) -> IO[bytes]:
    file = path.open("rb")
    compressed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    if not compressed:
        file.seek(0)
        return file
    file.close()
    return cast(IO[bytes], gzip.open(path, "rb"))


def read_json_lines(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield ``("path:line", object)`` for every line.

    Raises:
        DataError: as ``read_lines``; or a line is not a JSON object. NaN and infinity are not JSON.
    """
    for where, text in read_lines(path):
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            # Python counts the end of the line as a place to expect something: there the line was cut.
            cut = error.pos >= len(text) or "Unterminated string" in error.msg
            raise DataError(
                f"{where}: not valid JSON, column {error.colno}: {error.msg}{' (the line breaks off)' if cut else ''}",
                hint=_GET_AGAIN if cut else "Each line must be one JSON object.",
            ) from error
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not valid JSON: {error}", hint="Each line must be one JSON object.") from error
        if not isinstance(value, dict):
            raise DataError(
                f"{where}: a JSON {type(value).__name__}, not an object",
                hint="Each line must be one JSON object. Split a file that is one long array into lines.",
            )
        yield where, value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put the place in front of any ``InputError`` that is raised inside; its type and hint stay."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from error
