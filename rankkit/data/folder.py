"""Which file of a data set's folder is what, and the one kind of file that needs no module of its own: queries.

The names are ours, BEIR's (``qrels/test.tsv``) and MS MARCO's (``queries.dev.small.tsv``, ``collection.tsv``,
``top1000.dev``). Of several splits the first of ``SPLITS`` is taken, unless one is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rankkit.data.lines import OnFault, disk_words, faults_to, json_object, located, read_lines, whole_id
from rankkit.errors import DataError

SPLITS = ("test", "dev.small", "dev", "eval.small", "eval", "train")
_QUERIES = ("queries.tsv", "queries.jsonl", "queries.{split}.tsv", "queries.{split}.jsonl")
_QRELS = ("qrels.txt", "qrels/{split}.tsv", "qrels.{split}.tsv", "qrels.tsv")
_CANDIDATES = ("candidates.jsonl", "candidates.tsv", "top1000.tsv", "top1000.{split}.tsv", "top1000.{split}")
#: A TREC run as candidates, which has no texts: the corpus has them.
RUN = "run.trec"
CORPUS = ("corpus.jsonl", "corpus.tsv", "corpus.csv", "collection.tsv", "msmarco-docs.tsv")
_SUFFIXES = ("", ".gz", ".bz2", ".xz")


@dataclass(frozen=True, slots=True)
class Files:
    """Where the parts of a data set lie in its folder."""

    root: Path
    qrels: Path
    queries: Path | None
    candidates: Path | None
    corpus: Path | None
    #: Candidates as a TREC run, where there are none with texts, and a corpus has these.
    run: Path | None = None

    @classmethod
    def of(cls, root: Path, split: str | None = None) -> Files:
        """The files of a folder; those with a split in their names only of the named one.

        Raises:
            DataError: there is no such folder, or no judgements or queries in it.
        """
        check_folder(root)
        return cls.complete(root, parts_of(root, split), split)

    @classmethod
    def complete(cls, root: Path, parts: Parts, split: str | None = None) -> Files:
        """Files that make a data set.

        Raises:
            DataError: judgements or queries are not among them.
        """
        qrels = parts.qrels or _needed(root, _qrels_names(split), split)
        # Candidates bring their queries' texts along.
        queries = parts.queries if parts.candidates else parts.queries or _needed(root, _QUERIES, split)
        return cls(root, qrels, queries, parts.candidates, parts.corpus, parts.run)

    @property
    def read(self) -> tuple[Path, ...]:
        """All of them that there are, the corpus last."""
        parts = (self.qrels, self.queries, self.candidates, self.run, self.corpus)
        return tuple(path for path in parts if path is not None)


@dataclass(frozen=True, slots=True)
class Parts:
    """Those of a data set's files that there are."""

    qrels: Path | None
    queries: Path | None
    candidates: Path | None
    corpus: Path | None
    #: As in ``Files``.
    run: Path | None = None


def parts_of(root: Path, split: str | None = None, on_fault: OnFault | None = None) -> Parts:
    """What lies in a folder, as much of it as there is.

    Raises:
        DataError: as ``find``.
    """

    def found(names: Sequence[str], split: str | None = None) -> Path | None:
        with faults_to(on_fault):
            return find(root, names, split)
        return None

    qrels, queries, candidates = (found(names, split) for names in (_qrels_names(split), _QUERIES, _CANDIDATES))
    corpus = found(CORPUS)
    return Parts(qrels, queries, candidates, corpus, found([RUN]) if corpus and not candidates else None)


def check_folder(root: Path) -> None:
    """Raise a ``DataError`` if there is no such folder, or it may not be looked for."""
    with disk_words(str(root)):
        if not root.is_dir():
            raise DataError(f"{root}: there is no such folder", hint="Check the path.")


def _qrels_names(split: str | None) -> list[str]:
    return [name for name in _QRELS if split is None or "{split}" in name]


def find(root: Path, names: Iterable[str], split: str | None = None) -> Path | None:
    """The first of these files that is there, compressed or not.

    Raises:
        DataError: none is there but a folder of such a name, or the folder may not be looked into.
    """
    paths = [root / f"{name}{suffix}" for name in _spelt(names, split) for suffix in _SUFFIXES]
    with disk_words(str(root)):
        found = next((path for path in paths if path.is_file()), None)
        wrong = next((path for path in paths if path.is_dir()), None)
    if found is None and wrong is not None:
        raise DataError(f"{wrong} is a folder and cannot be read as a file", hint="Move it away, or what is in it up.")
    return found


def _spelt(names: Iterable[str], split: str | None) -> Iterable[str]:
    """Names with a split in them before those without where one is asked for, behind them where none is."""
    splits = SPLITS if split is None else (split,)
    ordered = sorted(names, key=lambda name: "{split}" not in name) if split else names
    for name in ordered:
        yield from (name.format(split=one) for one in splits) if "{split}" in name else (name,)


def _needed(root: Path, names: Sequence[str], split: str | None) -> Path:
    path = find(root, names, split)
    if path is None:
        with disk_words(str(root)):
            there = ", ".join(sorted(item.name for item in root.iterdir())[:10]) or "nothing"
        wanted = [name.format(split=split or SPLITS[0]) for name in names][:2]
        raise DataError(
            f"{root}: there is no {' or '.join(wanted)} (nor one with .gz), but {there}",
            hint="A data set is a folder with queries, judgements, and candidates or a corpus.",
        )
    return path


def read_queries(path: Path, on_fault: OnFault | None = None) -> dict[str, str]:
    """Read query id -> text, in file order; the name tells the format.

    Raises:
        DataError: the file cannot be read or is empty, a line is malformed, or a query is empty or there twice.
    """
    read = _json_row if ".jsonl" in path.suffixes else _tsv_row
    queries: dict[str, str] = {}
    for where, line in read_lines(path, on_fault):
        with faults_to(on_fault):
            _add(queries, where, *read(where, line))
    if not queries:
        with faults_to(on_fault):
            raise DataError(f"{path}: no queries", hint="Each line must be a query's id, a tab, and its text.")
    return queries


def _add(queries: dict[str, str], where: str, name: str, text: str) -> None:
    if not name.strip() or not text.strip():
        raise DataError(f"{where}: query {name!r} has no {'text' if name.strip() else 'id'}", hint="Give it one.")
    if name in queries:
        raise DataError(f"{where}: query {name!r} is there twice", hint="Keep one of its lines.")
    queries[name] = text


def _tsv_row(where: str, line: str) -> tuple[str, str]:
    name, tab, text = line.partition("\t")
    if not tab:
        raise DataError(f"{where}: no tab in {line[:80]!r}", hint="Each line must be: qid, a tab, the query's text.")
    return name, text


def _json_row(where: str, line: str) -> tuple[str, str]:
    fields = json_object(where, line)
    name, text = fields.get("_id"), fields.get("text")
    if name is None or not isinstance(text, str):
        raise DataError(f"{where}: no _id or no text among {', '.join(fields)}", hint='{"_id": ..., "text": ...}')
    with located(where):
        return whole_id(str(name), "the query id"), text
