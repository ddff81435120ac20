"""Queries with their candidates. As JSON lines, in two shapes that may be mixed:

- ours: ``{"qid", "query": "...", "candidates": [{"docid", "text", "title", "score"}]}``
- RankLLM's: ``{"query": {"text", "qid"}, "candidates": [{"docid", "score", "doc": {...}}]}``, the body being the first
  of text, segment, contents, content, body, passage in ``doc``.

As TSV (MS MARCO's ``top1000.dev``), a line a candidate: ``qid id query text``, or as a header says; without ids
(``qid query text``) they are counted from 0 for each query. Its lines may come in any order, so it is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path

from rankkit.core.documents import ID_KEYS
from rankkit.core.ranking import Candidate, Query, Request
from rankkit.data.lines import OnFault, faults_to, located, read_json_lines, whole_id
from rankkit.data.records import read_records, suffix_of
from rankkit.errors import DataError, DuplicateIds, InvalidDocument

_QUERY_ID_KEYS = ("qid", "query_id", *ID_KEYS)


def read_requests(path: Path, *, depth: int | None = None, on_fault: OnFault | None = None) -> Iterator[Request]:
    """Yield the requests of a file, with only the first ``depth`` candidates of each. With ``on_fault``, candidates
    that cannot be used are left out, and of those with one id the first is kept.

    Raises:
        DataError: the file cannot be read, or a line is in neither shape, or a query is there twice.
        InputError: what a ``Request`` refuses (an empty query, a document without text, duplicate ids). All errors
            say the file and the line.
    """
    seen: dict[str, str] = {}
    for where, fields in _grouped(path, on_fault) if is_table(path) else read_json_lines(path, on_fault):
        with faults_to(on_fault):
            with located(where):
                query, listed = _query(fields), _listed(fields)
                first = seen.setdefault(query.id, where)
                if first != where:
                    raise DataError(
                        f"query {query.id!r} is there a second time, after {first}", hint="Keep one line a query."
                    )
            candidates = tuple(_candidates(where, listed[:depth], on_fault))
            with located(where):
                yield Request(query, candidates)


def is_table(path: Path) -> bool:
    """Whether the name is one of a table of MS MARCO's, or of a spreadsheet's."""
    return suffix_of(path) in (".tsv", ".csv", ".dev", ".eval", ".train")


def _grouped(path: Path, on_fault: OnFault | None) -> Iterator[tuple[str, Mapping[str, object]]]:
    """A line for each query, at the place of its first candidate."""
    groups: dict[str, tuple[str, str, list[Mapping[str, object]]]] = {}
    for where, row in read_records(path, "csv" if suffix_of(path) == ".csv" else "tsv", on_fault=on_fault):
        with faults_to(on_fault):
            name = None if isinstance(row, str) else _first(row, _QUERY_ID_KEYS[:2])
            if isinstance(row, str) or name is None or "query" not in row:
                raise DataError(
                    f"{where}: no query and its id among the columns", hint="Columns are: qid id query text."
                )
            first, query, candidates = groups.setdefault(name, (where, str(row["query"]), []))
            if query != row["query"]:
                raise DataError(f"{where}: query {name!r} had another text in {first}", hint="Keep one of them.")
            candidate = {key: value for key, value in row.items() if key not in ("qid", "query_id", "query")}
            candidates.append({"id": str(len(candidates)), **candidate})
    for name, (where, query, rows) in groups.items():
        yield where, {"qid": name, "query": query, "candidates": rows}


def candidate_of(fields: object, position: int) -> Candidate:
    """Read one document, flat or with its text in ``doc``. What is no id, text, title or score becomes metadata.

    Raises:
        InvalidDocument: no id, no text, or fields of wrong types.
    """
    if not isinstance(fields, Mapping):
        raise InvalidDocument(
            f"document {position} is a {type(fields).__name__}", hint='Give an object: {"docid": ..., "text": ...}'
        )
    name = _first(fields, ID_KEYS)
    if name is None:
        raise InvalidDocument(
            f"document {position} has no id, but {', '.join(map(str, fields)) or 'nothing'}",
            hint=f"Judgements and runs need one: {', '.join(ID_KEYS)}.",
        )
    name = whole_id(name, "the document id")
    body = fields.get("doc", fields)
    if isinstance(body, str):
        body = {"text": body}
    if not isinstance(body, Mapping):
        raise InvalidDocument(f"document {name!r}: doc is a {type(body).__name__}, not an object or a string")
    score = fields.get("score")
    if isinstance(score, float) and not isfinite(score):
        raise InvalidDocument(
            f"document {name!r}: the score {score} is not a finite number", hint="Give a number, or leave it out."
        )
    # The id and the score of the candidate, not those that its document was stored with.
    words = {key: value for key, value in body.items() if key not in (*ID_KEYS, "score")}
    return Candidate.of({**words, "id": name, "score": score}, position)


def _listed(fields: Mapping[str, object]) -> list[object]:
    candidates = fields.get("candidates")
    if not isinstance(candidates, list):
        raise DataError(
            f"no list of candidates, but {', '.join(fields) or 'nothing'}",
            hint='A line is {"qid": ..., "query": ..., "candidates": [...]}.',
        )
    return candidates


def _candidates(where: str, listed: list[object], on_fault: OnFault | None) -> Iterator[Candidate]:
    seen: set[str] = set()
    for place, item in enumerate(listed):
        with faults_to(on_fault), located(where):
            candidate = candidate_of(item, place)
            # Without a listener, the request refuses all of them at once.
            if on_fault is not None and candidate.id in seen:
                raise DuplicateIds(f"document {candidate.id!r} is there twice", hint="Keep one of them.")
            seen.add(candidate.id)
            yield candidate


def _query(fields: Mapping[str, object]) -> Query:
    query = fields.get("query")
    inner = query if isinstance(query, Mapping) else {"text": query}
    text, name = inner.get("text"), _first(inner, _QUERY_ID_KEYS) or _first(fields, _QUERY_ID_KEYS)
    if not isinstance(text, str) or name is None:
        raise DataError(
            f"no {'query id' if isinstance(text, str) else 'query text'} among {', '.join(fields)}",
            hint='A line is {"qid": ..., "query": ..., "candidates": [...]}.',
        )
    instruction = inner.get("instruction") or fields.get("instruction") or ""
    if not isinstance(instruction, str):
        raise DataError(f"the instruction is a {type(instruction).__name__}, not a text")
    return Query(text, whole_id(name, "the query id"), instruction)


def _first(fields: Mapping[str, object], keys: tuple[str, ...]) -> str | None:
    return next((str(fields[key]) for key in keys if fields.get(key) not in (None, "")), None)
