"""The run store's open file, as threads and forked processes share it, and the statements that write into it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rankkit.comparison import database
from rankkit.comparison.kept import encoded_request, request_digest
from rankkit.core.ranking import Request


class StoreFile:
    """One connection, which one thread at a time uses: a statement takes less time than finding another one would.

    Raises:
        StoreError: as ``database.connect``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._opened: sqlite3.Connection | None = database.connect(path)
        #: Of the process that this one was forked from: neither used nor closed here.
        self._inherited: list[sqlite3.Connection] = []

    def close(self) -> None:
        """Again changes nothing. It is opened again where it is used again."""
        if self._process != os.getpid():
            return
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        if self._process != os.getpid():
            # SQLite forbids to carry a connection over a fork, closing it here would end the parent's locks, and a
            # thread that held ours is not here.
            self._inherited += [self._opened] if self._opened else []
            self._opened, self._lock, self._process = None, threading.RLock(), os.getpid()
        with self._lock, database.store_errors(self.path):
            if self._opened is None:
                self._opened = database.connect(self.path)
            yield self._opened

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside, or nothing."""
        with self.reading() as opened, database.transaction(opened):
            yield opened

    def size(self) -> int:
        """In bytes, with what SQLite keeps beside it."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())


def put_system(write: sqlite3.Connection, fingerprint: str, description: str | None = None) -> int:
    """The row of a system. Its latest description stays: names in it may be others than before."""
    write.execute(
        "INSERT INTO systems (fingerprint, description) VALUES (?, ?) "
        "ON CONFLICT DO UPDATE SET description = coalesce(excluded.description, description)",
        (fingerprint, description),
    )
    [[system]] = write.execute("SELECT id FROM systems WHERE fingerprint = ?", (fingerprint,))
    return int(system)


def put_result(
    write: sqlite3.Connection, fingerprint: str, request: Request, repeat: int, ranking: bytes, time: str
) -> int:
    """The row of a result: the one that is there already, or a new one."""
    system, digest = put_system(write, fingerprint), request_digest(request)
    write.execute(
        "INSERT INTO requests (digest, shown) VALUES (?, ?) ON CONFLICT DO NOTHING", (digest, encoded_request(request))
    )
    [[asked]] = write.execute("SELECT id FROM requests WHERE digest = ?", (digest,))
    write.execute(
        "INSERT INTO results (system, request, repeat, ranking, kept_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (system, asked, repeat, ranking, time),
    )
    key = (system, asked, repeat)
    [[result]] = write.execute("SELECT id FROM results WHERE system = ? AND request = ? AND repeat = ?", key)
    return int(result)
