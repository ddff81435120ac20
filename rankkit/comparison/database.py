"""The run store's file: its tables, how an older one is brought up to date, and what SQLite's errors mean to people."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rankkit.errors import RankkitError, StoreError
from rankkit.models.home import home

#: "rank" in ASCII, at the place in the file where SQLite keeps whose database it is.
_APPLICATION = 0x72616E6B

#: How long, in seconds, a process waits for another one's write; each takes milliseconds, only ``gc`` takes longer.
_PATIENCE = 60.0

#: Each brings the tables from the version before to the next; the first makes them. Never changed once released.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE systems (
            id INTEGER PRIMARY KEY,
            fingerprint TEXT NOT NULL UNIQUE,
            description TEXT)""",
        """CREATE TABLE requests (
            id INTEGER PRIMARY KEY,
            digest BLOB NOT NULL UNIQUE,
            shown BLOB NOT NULL)""",
        """CREATE TABLE results (
            id INTEGER PRIMARY KEY,
            system INTEGER NOT NULL REFERENCES systems,
            request INTEGER NOT NULL REFERENCES requests,
            repeat INTEGER NOT NULL,
            ranking BLOB NOT NULL,
            kept_at TEXT NOT NULL,
            UNIQUE (system, request, repeat))""",
        "CREATE INDEX results_of_request ON results (request)",
    ),
    (
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            system INTEGER NOT NULL REFERENCES systems,
            data TEXT NOT NULL,
            experiment TEXT NOT NULL,
            seed INTEGER,
            began_at TEXT NOT NULL,
            ended_at TEXT)""",
        """CREATE TABLE run_results (
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            position INTEGER NOT NULL,
            result INTEGER REFERENCES results,
            query_id TEXT NOT NULL,
            trouble TEXT NOT NULL,
            PRIMARY KEY (run, position)) WITHOUT ROWID""",
        "CREATE INDEX run_results_of_result ON run_results (result)",
    ),
)
VERSION = len(MIGRATIONS)


def default_store_path() -> Path:
    """``RANKKIT_STORE``, or a file in the folder that models are kept in (``RANKKIT_HOME``).

    Raises:
        StoreError: it cannot be known: this user has no home.
    """
    chosen = os.environ.get("RANKKIT_STORE")
    try:
        return (Path(chosen).expanduser() if chosen else home() / "runs" / "store.sqlite3").absolute()
    except RuntimeError as error:
        raise StoreError(f"nobody knows whose folder {chosen} is: {error}", hint="Give the whole path.") from error


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, make it if need be, and bring its tables up to date; the caller sees to it that one thread at a
    time uses the connection.

    Raises:
        StoreError: it is another program's, of a newer rankkit, damaged, or cannot be written.
    """
    with store_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Transactions are begun by hand: Python's own begin late and end early.
        database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            _check_owner(database, path)
            mode = _write_ahead(database)
            # A killed process loses nothing in either mode. With a log written ahead, a machine without power may lose
            # the last results, never the file; without one that takes waiting for the disk.
            database.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
            database.execute("PRAGMA foreign_keys = ON")
            migrate(database)
        except BaseException:
            database.close()
            raise
    return database


def migrate(database: sqlite3.Connection, upto: int = VERSION) -> None:
    """Bring the tables to a version: all steps in one transaction, or none."""
    if _number(database, "user_version") >= upto:
        return
    with transaction(database):
        for version in range(_number(database, "user_version"), upto):  # another process may have been first
            for statement in MIGRATIONS[version]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {version + 1}")
        database.execute(f"PRAGMA application_id = {_APPLICATION}")


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All that is written inside, or nothing. It waits for its turn to write at the beginning: a transaction that had
    read before could not.
    """
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk has ended it already
            database.execute("ROLLBACK")
        raise


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """The one place where the words of SQLite, and of the system, about the file become a ``StoreError``."""
    try:
        yield
    except (RankkitError, sqlite3.ProgrammingError):  # the latter is a mistake of ours
        raise
    except sqlite3.Error as error:
        raise _error_of(path, error) from error
    except OSError as error:
        raise StoreError(f"the run store {path} cannot be used: {error.strerror or error}", hint=_ELSEWHERE) from error


_ELSEWHERE = "Give the store another place: --store PATH, or the environment variable RANKKIT_STORE."
_DAMAGED = (
    "Move the file away (with its -wal and -shm, if there are any), and a new one is made; "
    "sqlite3 FILE .recover gets back what can be read."
)
_AGAIN = "What was kept before is there. "
#: By SQLite's result code: what was seen, and what to do.
_WORDS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", f"{_AGAIN}Make room (rankkit runs gc), or: {_ELSEWHERE}"),
    sqlite3.SQLITE_READONLY: ("it cannot be written to", _ELSEWHERE),
    sqlite3.SQLITE_PERM: ("it cannot be written to", _ELSEWHERE),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", _ELSEWHERE),
    sqlite3.SQLITE_IOERR: ("the disk fails to read or write it", f"{_AGAIN}{_ELSEWHERE}"),
    sqlite3.SQLITE_BUSY: (f"another process has written to it for {_PATIENCE:g} s", "Try again when that has ended."),
    sqlite3.SQLITE_NOTADB: ("it is no database", _ELSEWHERE),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", _DAMAGED),
}


def _error_of(path: Path, error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # Python's own words, which quote what they could not read
        return StoreError(f"the run store {path}: it does not hold what it should", hint=_DAMAGED)
    seen, hint = _WORDS.get(code & 0xFF, ("it does not hold what it should", _DAMAGED))  # further bits are details
    return StoreError(f"the run store {path}: {seen} ({error})", hint=hint)


def damaged(path: Path) -> StoreError:
    """What is kept there can be read, and is not what this version of the store keeps."""
    return StoreError(f"the run store {path}: it is damaged, as a row of it shows", hint=_DAMAGED)


def _check_owner(database: sqlite3.Connection, path: Path) -> None:
    """Before anything is written: whose file it is, and of which version."""
    [[tables]] = database.execute("SELECT count(*) FROM sqlite_master")
    if tables and _number(database, "application_id") != _APPLICATION:
        raise StoreError(f"{path} is a database of another program, not a run store", hint=_ELSEWHERE)
    version = _number(database, "user_version")
    if version > VERSION:
        raise StoreError(
            f"the run store {path} is from a newer rankkit: version {version}, and this one knows up to {VERSION}",
            hint=f"Use that rankkit. {_ELSEWHERE}",
        )


def _write_ahead(database: sqlite3.Connection) -> str:
    """Readers and one writer at a time then do not wait for one another. The mode that the file now has: one on a disk
    that cannot have it keeps the usual one.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            [[mode]] = database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # SQLite does not wait here by itself where two processes make a file at once.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return str(mode)


def _number(database: sqlite3.Connection, pragma: str) -> int:
    [[number]] = database.execute(f"PRAGMA {pragma}")
    return int(number)
