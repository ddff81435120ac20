"""The run store: each ranking that was computed, under what computed it and what it is of, in one SQLite file.

The key is the system's fingerprint, a digest of the request, and a number that tells repeated runs apart. So a system
that is unchanged is never computed again on the same request, and a changed prompt, parameter or weight is. A *run* is
a list of such rankings under a name, for ``rankkit runs``. Several threads and processes may use one file at once; each
result is kept at once and whole, and is there after the process was killed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from rankkit.comparison import database, removing
from rankkit.comparison.identity import SystemIdentity
from rankkit.comparison.kept import decoded, encoded, passing_trouble, request_digest, shown
from rankkit.comparison.removing import Removed
from rankkit.comparison.runs import Run, RunResult, RunRow, run_of, run_rows
from rankkit.comparison.store_file import StoreFile, put_result, put_system
from rankkit.core.ranking import Ranking, Request
from rankkit.core.text import without_surrogates
from rankkit.errors import StoreError


def _now() -> datetime:
    return datetime.now(UTC)


class RunStore:
    """An open store; ``RunStore.open`` makes one. Threads may share it.

    All methods raise ``StoreError`` where the file cannot be read or written; what was kept before stays.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime] = _now) -> None:
        self._file = StoreFile(path)
        self._now = now

    @classmethod
    def open(cls, path: str | Path | None = None, *, create: bool = True) -> Self:
        """The store in a file, which is made if need be; without a path, the one at ``default_store_path()``.

        Raises:
            StoreError: it is another program's, of a newer rankkit, damaged, or cannot be written; or, unless
                ``create``, it is not there.
        """
        place = database.default_store_path() if path is None else Path(path).expanduser().absolute()
        with database.store_errors(place):
            if not create and not place.exists():
                raise StoreError(f"there is no run store {place}", hint="rankkit compare makes one, or name another.")
        return cls(place)

    @property
    def path(self) -> Path:
        return self._file.path

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), self.path, now=self._now), ()

    def __repr__(self) -> str:
        return f"RunStore({str(self.path)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Again changes nothing. A closed store is opened again where it is used again."""
        self._file.close()

    # -- results

    def find(self, fingerprint: str, request: Request, repeat: int = 0) -> Ranking | None:
        """The ranking that this system made of this request, or ``None``."""
        with self._file.reading() as read:
            row = read.execute(_FIND, (fingerprint, request_digest(request), repeat)).fetchone()
        if row is None:
            return None
        try:
            return decoded(row[0], request)
        except ValueError as error:
            raise database.damaged(self.path) from error

    def keep(self, fingerprint: str, ranking: Ranking, repeat: int = 0) -> bool:
        """Keep a ranking as ``rank(request)`` gave it, without ``top_k``, a threshold or a budget that the fingerprint
        does not cover. ``False`` for one that is not kept: a call failed in it, or time ran out, which need not happen
        again. The first of two stays.
        """
        made = None if passing_trouble(ranking) else encoded(ranking)
        if made is None:
            return False
        with self._file.writing() as write:
            put_result(write, fingerprint, ranking.request, repeat, made, self._time())
        return True

    def missing(self, fingerprint: str, requests: Iterable[Request], repeat: int = 0) -> int:
        """How many of these requests the system would have to rank."""
        keys = ((fingerprint, request_digest(request), repeat) for request in requests)
        return sum(not self._has(key) for key in keys)

    def _has(self, key: tuple[str, bytes, int]) -> bool:
        with self._file.reading() as read:
            return read.execute(_FIND, key).fetchone() is not None

    # -- runs

    def begin_run(
        self,
        identity: SystemIdentity,
        *,
        name: str = "",
        data: str = "",
        experiment: str = "",
        seed: int | None = None,
    ) -> Run:
        """A new run of a system, to which its rankings are added as they come. ``name`` is what the system is called,
        ``data`` and ``experiment`` what is ranked, and for which file, in words for people.
        """
        identifier = uuid.uuid4().hex[:12]
        with self._file.writing() as write:
            system = put_system(write, identity.fingerprint, json.dumps(identity.description))
            called, *about = map(without_surrogates, (name, data, experiment))  # which SQLite cannot keep
            write.execute(_BEGIN, (identifier, called, system, *about, seed, self._time()))
        return Run(self._file, identifier, identity.fingerprint, self._time)

    def runs(self) -> list[RunRow]:
        """All of them, the newest first."""
        with self._file.reading() as read:
            return run_rows(read)

    def run(self, which: str) -> RunRow:
        """The run of an id, or of the beginning of one; or the newest of a name.

        Raises:
            InputError: there is none, or several ids begin so.
        """
        return run_of(self.runs(), which)

    def description_of(self, run: RunRow) -> Mapping[str, object]:
        """What the run's system is (``SystemIdentity.description``)."""
        with self._file.reading() as read:
            row = read.execute("SELECT description FROM systems WHERE fingerprint = ?", (run.fingerprint,)).fetchone()
        try:
            description: Mapping[str, object] = json.loads(row[0]) if row and row[0] else {}
        except ValueError as error:
            raise database.damaged(self.path) from error
        return description

    def rankings_of(self, run: RunRow) -> Iterator[RunResult]:
        """The run's rankings, in the order in which they were added."""
        with self._file.reading() as read:
            rows = read.execute(_RANKINGS, (run.id,)).fetchall()
        for position, query_id, trouble, made, request in rows:
            try:
                ranking = None if made is None else shown(made, request)
            except ValueError as error:
                raise database.damaged(self.path) from error
            yield RunResult(position, query_id, ranking, trouble)

    def gc(
        self, *, older_than_days: float | None = None, keep_last: int | None = None, dry_run: bool = False
    ) -> Removed:
        """Remove runs that began longer ago, those that are not among the last so many, or, with both, those of which
        both holds; and all results that belong to no run. ``dry_run`` only says what that would be.

        Raises:
            ConfigError: a number below 0.
        """
        return removing.remove(self._file, self._now(), older_than_days, keep_last, dry_run=dry_run)

    def _time(self) -> str:
        return self._now().isoformat(timespec="seconds")


_FIND = """
SELECT ranking FROM results JOIN systems ON systems.id = system JOIN requests ON requests.id = request
WHERE fingerprint = ? AND digest = ? AND repeat = ?"""
_BEGIN = """
INSERT INTO runs (id, name, system, data, experiment, seed, began_at) VALUES (?, ?, ?, ?, ?, ?, ?)"""
_RANKINGS = """
SELECT position, query_id, trouble, ranking, shown
FROM run_results JOIN runs ON runs.number = run
    LEFT JOIN results ON results.id = result LEFT JOIN requests ON requests.id = request
WHERE runs.id = ? ORDER BY position"""
