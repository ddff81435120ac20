"""Reading documents for ``rankkit rerank``: a line each, or a JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rankkit.errors import DataError


def read_documents(sources: Sequence[str]) -> list[object]:
    """All documents of the files, ``-`` being stdin, in order.

    A file named ``*.jsonl`` or ``*.json``, or whose first line begins with ``{``, has a JSON object a line; others
    have a text a line.

    Raises:
        DataError: names the file and line that cannot be read.
    """
    documents: list[object] = []
    for source in sources or ["-"]:
        documents += _parse(source, _lines(source))
    return documents


def _lines(source: str) -> list[str]:
    if source == "-":
        return sys.stdin.read().splitlines()
    path, hint = Path(source), "Give files of documents, or - to read them from standard input."
    if path.is_dir():
        raise DataError(
            f"{source} is a folder", hint=f"{hint} A folder is searched: rankkit search QUERY --corpus DIR."
        )
    try:
        # Pipes and devices are files too: <(command), /dev/stdin.
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DataError(f"there is no file {source}", hint=hint) from None
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _parse(source: str, lines: Sequence[str]) -> Iterable[object]:
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        return []
    as_json = Path(source).suffix in (".jsonl", ".json") or filled[0][1].lstrip().startswith("{")
    return [_object(source, number, line) if as_json else line.strip() for number, line in filled]


def _object(source: str, number: int, line: str) -> object:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        where = "standard input" if source == "-" else source
        raise DataError(
            f"{where}, line {number}: not JSON ({error.msg} at column {error.colno})",
            hint="Each line is one object with at least a text; was the file cut off?",
        ) from error
