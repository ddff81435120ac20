"""Records in whatever form a file has them: lines of text, JSON lines, a JSON array, CSV or TSV.

CSV needs a header and is read by its rules (quotes, line breaks inside them). TSV may have a header; without one the
columns are those of MS MARCO's files: ``id text``, ``qid query text``, ``qid id query text``, ``id url title text``.
There a quote is a character like any other, unless a header says that a program wrote the file.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, TypeAlias

from rankkit.core.documents import ID_KEYS, TEXT_KEYS
from rankkit.data.lines import STDIN, OnFault, Source, faults_to, json_object, json_value, name_of, numbered_lines
from rankkit.errors import DataError

Format: TypeAlias = Literal["text", "jsonl", "json", "csv", "tsv"]

#: By the end of the name, that of a compression aside.
_SUFFIXES: Mapping[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv"}
_COMPRESSED = {".gz", ".bz2", ".xz", ".zst"}
_TSV_COLUMNS = {2: ("id", "text"), 3: ("qid", "query", "text"), 4: ("qid", "id", "query", "text")}
_MSMARCO_DOCUMENTS = ("id", "url", "title", "text")
_COLUMN_NAMES = {*TEXT_KEYS, *ID_KEYS, "title", "query", "qid", "pid", "query_id", "query-id", "corpus-id", "score"}
#: MS MARCO's name for it.
_SYNONYMS = {"pid": "id"}
_A_NAME = re.compile(r"[\"A-Za-z_ -]+")
_AN_ARRAY = re.compile(r"""\[\s*(?:[{\["\]]|$)""")

Numbered: TypeAlias = Iterator[tuple[int, str]]
Record: TypeAlias = tuple[str, str | Mapping[str, object]]


def read_records(
    source: Source, form: Format | None = None, *, lenient: bool = False, on_fault: OnFault | None = None
) -> Iterator[Record]:
    """Yield ``("path:line", record)``: a string for a line of text, or else a mapping. Streams, but for a JSON array.

    Without ``form`` the name tells what it is, and where it does not, the first character: ``{`` begins JSON lines,
    ``[`` an array. ``lenient`` accepts NaN and infinity in JSON.

    Raises:
        DataError: names the line that cannot be read.
    """
    with faults_to(on_fault):
        yield from _records(source, form, on_fault, lenient=lenient)


def _records(source: Source, form: Format | None, on_fault: OnFault | None, *, lenient: bool) -> Iterator[Record]:
    lines = numbered_lines(source, on_fault)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        return
    name, lines = name_of(source), chain([first], lines)
    chosen = form or _guess(source, first[1])
    if chosen == "jsonl":
        yield from _json_lines(name, lines, on_fault, lenient=lenient)
    elif chosen == "json":
        yield from _json_array(name, lines, lenient=lenient)
    elif chosen == "csv":
        yield from _csv(name, lines, on_fault)
    elif chosen == "tsv":
        yield from _tsv(name, lines, on_fault)
    else:
        yield from ((f"{name}:{number}", line.strip()) for number, line in lines if line.strip())


def suffix_of(source: Source) -> str:
    """The last suffix of the name that is not of a compression, in lower case."""
    suffixes = [suffix.lower() for suffix in Path(source).suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix not in _COMPRESSED), "")


def _guess(source: Source, first: str) -> Format:
    suffix = "" if str(source) == STDIN else suffix_of(source)
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    begins = first.strip()
    if _AN_ARRAY.match(begins):
        return "json"
    if suffix == ".json":
        return "jsonl" if begins.endswith("}") else "json"
    return "jsonl" if begins.startswith("{") else "text"


def _json_lines(name: str, lines: Numbered, on_fault: OnFault | None, *, lenient: bool) -> Iterator[Record]:
    more = " (A text a line: --format text.)"
    for number, line in lines:
        if line.strip():
            where = f"{name}:{number}"
            with faults_to(on_fault):
                yield where, json_object(where, line.rstrip("\n"), lenient=lenient, more=more)


def _json_array(name: str, lines: Numbered, *, lenient: bool) -> Iterator[Record]:
    hint = "It must be one array of objects, or an object a line (--format jsonl), or a text a line (--format text)."
    value = json_value(name, "".join(line for _, line in lines), hint, lenient=lenient)
    for number, item in enumerate(value if isinstance(value, list) else [value], start=1):
        if not isinstance(item, dict | str):
            raise DataError(
                f"{name}, item {number}: a JSON {type(item).__name__}, not an object or a string", hint=hint
            )
        yield f"{name}, item {number}", item


def _csv(name: str, lines: Numbered, on_fault: OnFault | None) -> Iterator[Record]:
    number, header_line = next(lines)
    delimiter = max(",;\t|", key=lambda sign: len(set(_names(header_line.strip().split(sign))) & _COLUMN_NAMES))
    # The limit is one of the module, and 128 kB: less than many a document has.
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader(chain([header_line], (line for _, line in lines)), delimiter=delimiter, strict=True)
    try:
        header = _checked(name, number, next(rows))
        for row in rows:
            where = f"{name}:{number + rows.line_num - 1}"
            if row and any(row):
                with faults_to(on_fault):
                    yield where, _row(where, header, row)
    except csv.Error as error:
        raise DataError(
            f"{name}:{number + rows.line_num - 1}: not valid CSV ({error})",
            hint="A text with a quote, a delimiter or a line break in it stands in quotes, and its quotes are doubled.",
        ) from error


def _tsv(name: str, lines: Numbered, on_fault: OnFault | None) -> Iterator[Record]:
    header: Sequence[str] = ()
    quoted = False
    for number, line in lines:
        if not line.strip():
            continue
        where, cells = f"{name}:{number}", line.rstrip("\n").split("\t")
        if not header and is_header(cells):
            header, quoted = _checked(name, number, cells), True
            continue
        with faults_to(on_fault):
            header = header or columns_of(where, cells)
            yield where, _row(where, header, [_unquoted(cell) for cell in cells] if quoted else cells)


def columns_of(where: str, cells: Sequence[str]) -> Sequence[str]:
    """What the columns of a TSV file without a header are called, read from its first line.

    Raises:
        DataError: no file that is known has as many.
    """
    if len(cells) not in _TSV_COLUMNS:
        known = "; ".join(" ".join(columns) for columns in (*_TSV_COLUMNS.values(), _MSMARCO_DOCUMENTS))
        raise DataError(
            f"{where}: {len(cells)} columns without a header that names them",
            hint=f"Put a header with tabs above them, or give one of: {known}.",
        )
    if len(cells) == len(_MSMARCO_DOCUMENTS) and cells[1].startswith(("http://", "https://")):
        return _MSMARCO_DOCUMENTS
    return _TSV_COLUMNS[len(cells)]


def is_header(cells: Sequence[str]) -> bool:
    """Whether the first line of a TSV file is read as names of columns."""
    names = set(_names(cells))
    has_text = bool(names & {*TEXT_KEYS, "title"}) and all(_A_NAME.fullmatch(cell) for cell in cells)
    return len(names) == len(cells) and (has_text or len(names & _COLUMN_NAMES) >= 2)


def _names(cells: Iterable[str]) -> list[str]:
    """Names of columns as documents call them; those that are not known stay as they are."""
    plain = [cell.strip().strip('"') for cell in cells]
    lower = [_SYNONYMS.get(name.lower(), name.lower()) for name in plain]
    return [known if known in _COLUMN_NAMES else name for known, name in zip(lower, plain, strict=True)]


def _checked(name: str, number: int, cells: Sequence[str]) -> Sequence[str]:
    header = _names(cells)
    if not {*TEXT_KEYS, "title"} & set(header):
        raise DataError(
            f"{name}:{number}: no column of texts in the header: {', '.join(header)[:200]}",
            hint=f"Name one of the columns: {', '.join(TEXT_KEYS)}.",
        )
    return header


def _row(where: str, header: Sequence[str], cells: Sequence[str]) -> Mapping[str, object]:
    if len(cells) != len(header):
        raise DataError(
            f"{where}: {len(cells)} columns instead of {len(header)}: {' | '.join(cells)[:80]!r}",
            hint=f"Each row must have: {', '.join(header)}.",
        )
    row: dict[str, object] = {key: cell for key, cell in zip(header, cells, strict=True) if cell}
    if "score" in row:
        try:
            row["score"] = float(str(row["score"]))
        except ValueError:
            raise DataError(f"{where}: the score {row['score']!r} is not a number", hint="Leave it empty.") from None
    return row


def _unquoted(cell: str) -> str:
    quoted = len(cell) >= 2 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell
