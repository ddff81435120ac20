"""Which file of a data set's folder is what, and the one kind of file that needs no module of its own: queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rankkit.data.lines import read_json_lines, read_lines
from rankkit.errors import DataError

_QUERIES = ("queries.tsv", "queries.jsonl")
_QRELS = ("qrels.txt", "qrels/test.tsv")
_CANDIDATES = ("candidates.jsonl",)
_CORPUS = ("corpus.jsonl",)


@dataclass(frozen=True, slots=True)
class Files:
    """Where the parts of a data set lie in its folder."""

    root: Path
    qrels: Path
    queries: Path | None
    candidates: Path | None
    corpus: Path | None

    @classmethod
    def of(cls, root: Path) -> Files:
        if not root.is_dir():
            raise DataError(f"{root}: there is no such folder", hint="Check the path.")
        candidates = _find(root, _CANDIDATES)
        # Candidates bring their queries' texts along.
        queries = _find(root, _QUERIES) if candidates else _needed(root, _QUERIES)
        return cls(root, _needed(root, _QRELS), queries, candidates, _find(root, _CORPUS))


def _find(root: Path, names: Iterable[str]) -> Path | None:
    paths = (root / f"{name}{suffix}" for name in names for suffix in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def _needed(root: Path, names: Iterable[str]) -> Path:
    path = _find(root, names)
    if path is None:
        there = ", ".join(sorted(item.name for item in root.iterdir())[:10]) or "nothing"
        raise DataError(
            f"{root}: there is no {' or '.join(names)} (nor one with .gz), but {there}",
            hint="A data set is a folder with queries, judgements, and candidates or a corpus.",
        )
    return path


def read_queries(path: Path) -> dict[str, str]:
    """Read query id -> text, in file order; the name tells the format.

    Raises:
        DataError: the file cannot be read or is empty, a line is malformed, or a query is empty or there twice.
    """
    rows = _json_rows(path) if ".jsonl" in path.suffixes else _tsv_rows(path)
    queries: dict[str, str] = {}
    for where, name, text in rows:
        if not name.strip() or not text.strip():
            raise DataError(f"{where}: query {name!r} has no {'text' if name.strip() else 'id'}", hint="Give it one.")
        if name in queries:
            raise DataError(f"{where}: query {name!r} is there twice", hint="Keep one of its lines.")
        queries[name] = text
    if not queries:
        raise DataError(f"{path}: no queries", hint="Each line must be a query's id, a tab, and its text.")
    return queries


def _tsv_rows(path: Path) -> Iterable[tuple[str, str, str]]:
    for where, line in read_lines(path):
        name, tab, text = line.partition("\t")
        if not tab:
            raise DataError(
                f"{where}: no tab in {line[:80]!r}", hint="Each line must be: qid, a tab, the query's text."
            )
        yield where, name, text


def _json_rows(path: Path) -> Iterable[tuple[str, str, str]]:
    for where, fields in read_json_lines(path):
        name, text = fields.get("_id"), fields.get("text")
        if name is None or not isinstance(text, str):
            raise DataError(f"{where}: no _id or no text among {', '.join(fields)}", hint='{"_id": ..., "text": ...}')
        yield where, str(name), text
