"""TREC runs: ``qid Q0 docid rank score tag``, a line a document; MS MARCO's (``qid docid rank``) are read, too.

Evaluation tools ignore the rank column: trec_eval sorts by score, in single precision, and equal scores by document
id, descending. So a run is read here the way trec_eval reads it, and written here so that nothing is left to that
rule: scores fall strictly, in single precision too. A run that was written and read back has the same order and thus
the same figures, here and in any other tool.
"""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO

from rankkit.core.ranking import Ranking
from rankkit.data.lines import OnFault, faults_to, read_lines, whole_id
from rankkit.data.written import check_writable, replaced
from rankkit.errors import DataError

_COLUMNS = ("qid", "Q0", "docid", "rank", "score", "tag")
_MSMARCO = ("qid", "docid", "rank")


@dataclass(frozen=True, slots=True)
class Run:
    """Documents and scores for each query, best first; ``tag`` is the name that its maker gave it."""

    rows: Mapping[str, tuple[tuple[str, float], ...]]
    tag: str = ""

    @property
    def orders(self) -> dict[str, tuple[str, ...]]:
        """Document ids alone, best first."""
        return {query: tuple(document for document, _ in rows) for query, rows in self.rows.items()}


def read_run(path: Path, on_fault: OnFault | None = None) -> Run:
    """Read a run in trec_eval's order, whatever its lines' order and ranks are. A line with a fault that ``on_fault``
    takes is left out.

    Raises:
        DataError: the file cannot be read or is empty, a line has another number of columns or a score that is no
            finite number, or a document is there twice for a query.
    """
    scores: dict[str, dict[str, float]] = {}
    tag = ""
    for where, text in read_lines(path, on_fault):
        with faults_to(on_fault):
            tag = _add(scores, where, text)
    if not scores:
        with faults_to(on_fault):
            raise DataError(f"{path}: the run is empty", hint=f"Each line must be: {' '.join(_COLUMNS)}")
    return Run({query: _sorted(listed) for query, listed in scores.items()}, tag)


def _add(scores: dict[str, dict[str, float]], where: str, text: str) -> str:
    """Take in a line; what is returned is its tag."""
    columns = text.split()
    if len(columns) == len(_MSMARCO):
        query, document, rank = columns
        columns = [query, "Q0", document, rank, str(-_number(where, rank)), "run"]
    if len(columns) != len(_COLUMNS):
        raise DataError(
            f"{where}: {len(columns)} columns instead of {len(_COLUMNS)}: {text[:80]!r}",
            hint=f"Each line must be: {' '.join(_COLUMNS)}",
        )
    query, _, document, _, score, tag = columns
    number = _number(where, score)
    listed = scores.setdefault(query, {})
    if document in listed:
        raise DataError(
            f"{where}: document {document!r} is there twice for query {query!r}", hint="Keep one of its lines."
        )
    listed[document] = number
    return tag


def _number(where: str, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise DataError(
            f"{where}: the score {text!r} is not a finite number", hint=f"Each line must be: {' '.join(_COLUMNS)}"
        )
    return score


def _sorted(listed: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    # trec_eval compares ids byte by byte; Python's order of str is the same for UTF-8.
    return tuple(sorted(listed.items(), key=lambda row: (_single(row[1]), row[0]), reverse=True))


def _single(score: float) -> float:
    """Round to single precision, as C does: what is too large is infinite."""
    try:
        return float(struct.unpack("f", struct.pack("f", score))[0])
    except OverflowError:
        return math.copysign(math.inf, score)


class RunWriter:
    """Writes rankings as a run, one by one as they come (compressed if the name ends in ``.gz``); an existing run is
    replaced as a whole when the block ends well.

    The scores are the ranking's own if it has one for every document and they fall strictly. Otherwise the score
    column is made up from the rank: n for the first of n documents, 1 for the last. Dropped candidates are left out.

    Raises:
        DataError: on entering, for a bad tag, a file that is something else than a run, or a place that cannot be
            written to; on leaving, where the file could not be written.
    """

    def __init__(self, path: Path, *, tag: str = "rankkit") -> None:
        self._path = path
        self._tag = _word(tag, "the tag")
        self._seen: set[str] = set()
        self._stack = ExitStack()
        self._file: IO[bytes] | gzip.GzipFile

    def __enter__(self) -> RunWriter:
        check_run_out(self._path)
        file = self._stack.enter_context(replaced(self._path))
        self._file = file
        if self._path.suffix == ".gz":
            self._file = self._stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, ranking: Ranking) -> None:
        """Raises:
        DataError: as ``add_rows``.
        """
        rows = zip(ranking.ids, printable_scores(ranking), strict=True)
        self.add_rows(ranking.query.id, rows, what=f"the id of the query {ranking.query.text[:40]!r}")

    def add_rows(self, query: str, rows: Iterable[tuple[str, float]], *, what: str = "the query id") -> None:
        """A query's documents with their scores, best first, as ``read_run`` gives them.

        Raises:
            DataError: an id is empty or has white space in it, which the format cannot hold; a query is there twice; or
                the file cannot be written.
        """
        query = _word(query, what)
        if query in self._seen:
            raise DataError(f"query {query!r} is ranked twice", hint="A run has one ranking a query.")
        self._seen.add(query)
        lines = (
            f"{query} Q0 {_word(name, 'a document id')} {rank} {score!r} {self._tag}\n"
            for rank, (name, score) in enumerate(rows, start=1)
        )
        try:
            self._file.write("".join(lines).encode())
        except OSError as error:
            raise DataError(
                f"{self._path}: cannot be written ({error.strerror or error})", hint="Give another place."
            ) from error


def write_run(path: Path, rankings: Iterable[Ranking], *, tag: str = "rankkit") -> None:
    """Write rankings as a run (see ``RunWriter``).

    Raises:
        DataError: as ``RunWriter``.
    """
    with RunWriter(path, tag=tag) as writer:
        for ranking in rankings:
            writer.add(ranking)


def printable_scores(ranking: Ranking) -> Sequence[float]:
    """The scores that a run of this ranking shows: falling strictly, in single precision."""
    scores = [score for score in ranking.scores or () if score is not None]
    singles = [_single(score) for score in scores]
    falling = all(left > right for left, right in pairwise(singles))
    if len(scores) == len(ranking) and falling:
        return scores
    return [float(len(ranking) - place) for place in range(len(ranking))]


def _word(text: str, what: str) -> str:
    if not text or text.split() != [text]:
        raise DataError(
            f"{what} is {text!r}", hint="A TREC run separates its columns by white space: give a word without any."
        )
    return whole_id(text, what)


def check_run_out(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse, before anything is ranked, a place where no run can be written, or where something else would be lost.

    Raises:
        DataError: as ``check_writable``.
    """
    check_writable(path, "a run", _is_row, inputs)


def _is_row(line: str) -> bool:
    columns = line.split()
    return len(columns) == len(_COLUMNS) and all(_is_number(column) for column in columns[3:5])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
