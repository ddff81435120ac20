"""How a pull tells what it is doing: a callback, so that a bar, a log line or nothing at all can be made of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class PullProgress:
    """``done`` and ``total`` are bytes that come over the network; ``total`` is ``None`` where it is not known.

    ``waiting``: another process pulls the same model. ``failed``: this source did not work out (``note`` says why) and
    the next is tried.
    """

    model: str
    phase: Literal["waiting", "downloading", "unpacking", "failed", "done"]
    source: str = ""
    done: int = 0
    total: int | None = None
    note: str = ""


OnPull = Callable[[PullProgress], None]


def silent(_: PullProgress) -> None:
    """For callers who want to hear nothing."""


@contextmanager
def watching(folder: Path, report: Callable[[int], None], *, every: float = 0.1) -> Iterator[None]:
    """Report how many bytes ``folder`` has held at most, every so many seconds and once at the end, while the body
    runs.

    Whoever downloads (pip, the hub's client) has its own idea of progress; the bytes on disk are the same for all.
    ``report`` is called from another thread.
    """
    over = threading.Event()
    most = 0

    def look() -> None:
        # A file that is being moved may be counted nowhere for a moment: that is no step back.
        nonlocal most
        most = max(most, bytes_under(folder))
        report(most)

    def watch() -> None:
        while not over.wait(every):
            look()

    thread = threading.Thread(target=watch, name="rankkit-pull-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    look()


def bytes_under(folder: Path) -> int:
    """Bytes of all files in a folder, which may change or vanish while they are counted."""
    return sum(_sizes(folder))


def longest_under(folder: Path) -> int:
    """Bytes of the longest file in a folder."""
    return max(_sizes(folder), default=0)


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(place) / name).lstat().st_size
            except FileNotFoundError:
                continue
