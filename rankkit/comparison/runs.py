"""A run: the rankings that one system made of one data set, in order, under a name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from rankkit.comparison.kept import KeptRanking, encoded, passing_trouble
from rankkit.comparison.store_file import StoreFile, put_result
from rankkit.core.ranking import Ranking
from rankkit.core.text import without_surrogates
from rankkit.errors import InputError, nearest


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. Times are UTC, ISO 8601; ``ended_at`` is ``None`` while it goes on, and for good if it was killed.
    ``queries`` counts its rankings so far, ``failed`` those of them that were not kept.
    """

    id: str
    name: str
    fingerprint: str
    data: str
    experiment: str
    seed: int | None
    began_at: str
    ended_at: str | None
    queries: int
    failed: int

    @property
    def finished(self) -> bool:
        return self.ended_at is not None

    def to_dict(self) -> dict[str, object]:
        return asdict(self) | {"finished": self.finished}


@dataclass(frozen=True, slots=True)
class RunResult:
    """One ranking of a run, in its place; ``None`` with the ``trouble`` for one that was not kept."""

    position: int
    query_id: str
    ranking: KeptRanking | None
    trouble: str = ""


class Run:
    """A run at work; ``with`` finishes it if nothing goes wrong. Until it is finished it counts as unfinished.

    ``time`` gives the time as it is written down. Threads may add to it at once.
    """

    def __init__(self, file: StoreFile, identifier: str, fingerprint: str, time: Callable[[], str]) -> None:
        self.id = identifier
        self._file, self._fingerprint, self._time = file, fingerprint, time

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.finish()

    def add(self, ranking: Ranking, repeat: int = 0) -> bool:
        """The run's next ranking, found in the store or computed just now: it is kept first (see ``RunStore.keep``).
        One that is not kept stands in the run with its trouble only.

        Raises:
            StoreError: it could not be written.
        """
        trouble = passing_trouble(ranking)
        made = None if trouble else encoded(ranking)
        with self._file.writing() as write:
            kept = None
            if made is not None:
                kept = put_result(write, self._fingerprint, ranking.request, repeat, made, self._time())
            why = "" if kept is not None else trouble or "holds values that cannot be kept"
            write.execute(_ADD, (kept, *map(without_surrogates, (str(ranking.query.id), why)), self.id))
        return kept is not None

    def finish(self) -> None:
        """Say that it came to its end.

        Raises:
            StoreError: it could not be written.
        """
        with self._file.writing() as write:
            write.execute("UPDATE runs SET ended_at = ? WHERE id = ?", (self._time(), self.id))


def run_rows(read: sqlite3.Connection) -> list[RunRow]:
    """All runs, the newest first."""
    return [RunRow(*row) for row in read.execute(_RUNS)]


def run_of(runs: Sequence[RunRow], which: str) -> RunRow:
    """The run of an id, or of the beginning of one; or the newest of a name.

    Raises:
        InputError: there is none, or several ids begin so.
    """
    named = [run for run in runs if run.id == which] or [run for run in runs if run.name == which]
    begun = [run for run in runs if which and run.id.startswith(which)]
    if not named and len(begun) > 1:
        raise InputError(f"several runs begin with {which!r}", hint=f"Say which: {', '.join(run.id for run in begun)}.")
    if not named and not begun:
        names = {run.name or run.id for run in runs}
        hint = f"{nearest(which, names)} rankkit runs list shows all." if runs else "No run was kept here yet."
        raise InputError(f"there is no run {which!r}", hint=hint)
    return (named or begun)[0]


_RUNS = """
SELECT runs.id, name, fingerprint, data, experiment, seed, began_at, ended_at,
    (SELECT count(*) FROM run_results WHERE run = runs.number),
    (SELECT count(*) FROM run_results WHERE run = runs.number AND result IS NULL)
FROM runs JOIN systems ON systems.id = system ORDER BY runs.number DESC"""
_ADD = """
INSERT INTO run_results (run, position, result, query_id, trouble)
SELECT number, (SELECT coalesce(max(position) + 1, 0) FROM run_results WHERE run = number), ?, ?, ?
FROM runs WHERE id = ?"""
