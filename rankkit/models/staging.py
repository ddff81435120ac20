"""One process at a time works on a model, in a folder that nobody else looks into."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rankkit.models.home import home, lock_file, staging_folder
from rankkit.models.progress import OnPull, PullProgress


@contextmanager
def locked(name: str, notify: OnPull) -> Iterator[None]:
    """Hold the model's lock. The system lets go of it when a process dies, however it dies."""
    path = lock_file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        notify(PullProgress(name, "waiting", note="another process is at work on this model"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def staging(name: str) -> Iterator[Path]:
    """A fresh folder on the cache's own disk, gone afterwards. The caller holds the model's lock."""
    parent = staging_folder(name)
    parent.mkdir(parents=True, exist_ok=True)
    try:
        # A new name each time: a download that outlived its killed parent must not write into this one.
        yield Path(tempfile.mkdtemp(dir=parent))
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def sweep() -> None:
    """Delete what killed pulls left behind: every staging folder whose lock nobody holds."""
    for left in (home() / "staging").glob("*"):
        lock = FileLock(lock_file(left.name))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            # An orphaned download may still write there, and what cannot be deleted now is swept next time.
            shutil.rmtree(left, ignore_errors=True)
        finally:
            lock.release()


def settle(folder: Path) -> None:
    """Have the disk write every file down before a rename says that all is there: a power cut is a kill, too."""
    for path in folder.iterdir():
        with path.open("rb+") as opened:
            os.fsync(opened.fileno())
