"""Keeping a run store small: runs that nobody asks for any more go, and with them the results of no other run."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rankkit.comparison.runs import RunRow, run_rows
from rankkit.comparison.store_file import StoreFile
from rankkit.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed, or would be. ``bytes`` is what the file is smaller by; for a dry run, the size of the results
    themselves.
    """

    runs: tuple[RunRow, ...]
    results: int
    bytes: int
    dry_run: bool

    def to_dict(self) -> dict[str, object]:
        runs = [run.to_dict() for run in self.runs]
        return {"runs": runs, "results": self.results, "bytes": self.bytes, "dry_run": self.dry_run}


def remove(
    file: StoreFile, now: datetime, older_than_days: float | None, keep_last: int | None, *, dry_run: bool
) -> Removed:
    """``RunStore.gc``."""
    for name, value in (("older_than_days", older_than_days), ("keep_last", keep_last)):
        if value is not None and not value >= 0:
            raise ConfigError(f"{name} is {value}", hint="Give 0 or more, or leave it out.")
    with file.reading() as opened:
        before = file.size()
        opened.execute("BEGIN IMMEDIATE")
        try:
            runs = _outdated(run_rows(opened), now, older_than_days, keep_last)
            removed = replace(_removed(opened, runs), dry_run=dry_run)
            opened.execute("ROLLBACK" if dry_run else "COMMIT")
        finally:
            if opened.in_transaction:
                opened.execute("ROLLBACK")
        if dry_run or not (removed.runs or removed.results):
            return removed
        _compact(opened)
        return replace(removed, bytes=max(0, before - file.size()))


def _outdated(
    runs: Sequence[RunRow], now: datetime, older_than_days: float | None, keep_last: int | None
) -> tuple[RunRow, ...]:
    """Of runs with the newest first."""
    if older_than_days is None:
        return () if keep_last is None else tuple(runs[keep_last:])
    oldest = now - timedelta(days=older_than_days)
    return tuple(run for run in runs[keep_last or 0 :] if datetime.fromisoformat(run.began_at) < oldest)


def _removed(write: sqlite3.Connection, runs: tuple[RunRow, ...]) -> Removed:
    write.executemany("DELETE FROM runs WHERE id = ?", [(run.id,) for run in runs])
    [[results, size]] = write.execute(f"SELECT count(*), coalesce(sum(length(ranking)), 0) {_UNUSED}")
    write.execute(f"DELETE {_UNUSED}")
    write.execute("DELETE FROM requests WHERE id NOT IN (SELECT request FROM results)")
    write.execute("DELETE FROM systems WHERE id NOT IN (SELECT system FROM results UNION SELECT system FROM runs)")
    return Removed(runs, results, size, dry_run=False)


def _compact(opened: sqlite3.Connection) -> None:
    """Give the room back to the disk. Where others read just now, or the disk has no room for the smaller file beside
    the larger one, the room stays with the file, for the next results.
    """
    try:
        opened.execute("VACUUM")
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
            raise


_UNUSED = "FROM results WHERE id NOT IN (SELECT result FROM run_results WHERE result IS NOT NULL)"
