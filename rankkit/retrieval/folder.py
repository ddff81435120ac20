"""The folder of a saved index, replaced as a whole or not at all.

::

    <folder>/
        index.json          which parts belong to it, their sizes, and what they were made from; written last
        parts-<number>/     the parts; what index.json does not name is left over, and swept by the next save
        .lock               held by the process that saves
"""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from rankkit.errors import DataError, RankkitError

_HEAD = "index.json"
_VERSION = 1
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BUILD_AGAIN = "Delete the folder and build the index again from its corpus."


@dataclass(frozen=True, slots=True)
class Saved:
    """What ``index.json`` says."""

    parts: Path
    fingerprint: str
    settings: Mapping[str, object]


def is_saved(folder: Path) -> bool:
    """Whether an index was ever saved here, whole or broken."""
    return (folder / _HEAD).is_file()


def open_saved(folder: Path) -> Saved:
    """Read which parts belong to the index, and check that they are there in full.

    Raises:
        DataError: there is no index, it is of another version, or it is broken.
    """
    if not is_saved(folder):
        raise DataError(f"{folder}: there is no index", hint="Build one from a corpus: rankkit search --corpus ...")
    with _disk_words(folder):
        raw = (folder / _HEAD).read_bytes()
    try:
        text = raw.decode("utf-8")
        head = json.loads(text)
        version = head["version"]
        if version == _VERSION:
            saved = Saved(folder / _inside(head["parts"]), str(head["fingerprint"]), dict(head["settings"]))
            sizes = {_inside(name): int(size) for name, size in head["sizes"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{folder / _HEAD} is broken ({error!r})", hint=_BUILD_AGAIN) from error
    if version != _VERSION:
        raise DataError(f"{folder}: an index of version {version}; this is for {_VERSION}", hint=_BUILD_AGAIN)
    _check_parts(saved.parts, sizes)
    return saved


def _inside(name: object) -> str:
    """The name of something that lies directly in the folder: an index that came from elsewhere may say anything."""
    if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a part")
    return name


def _check_parts(parts: Path, sizes: Mapping[str, int]) -> None:
    for name, size in sizes.items():
        file = parts / name
        seen = file.stat().st_size if file.is_file() and not file.is_symlink() and not parts.is_symlink() else None
        if seen != size:
            state = "is missing" if seen is None else f"has {seen} bytes instead of {size}"
            raise DataError(f"{file} {state}: the index is broken", hint=_BUILD_AGAIN)


@contextmanager
def replacing(folder: Path, fingerprint: str, settings: Mapping[str, object]) -> Iterator[Path]:
    """Give an empty folder for the new parts; when the block ends well, they are the index, and the old are deleted.

    A process that is killed in between leaves the old index as it was.

    Raises:
        DataError: the folder holds something else, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file", hint="Give a folder for the index.")
    others = [path.name for path in folder.iterdir() if not _ours(path)] if folder.exists() else []
    if others:
        raise DataError(
            f"{folder}: holds something else than an index: {', '.join(sorted(others)[:5])}",
            hint="Give a folder of its own: it need not exist yet.",
        )
    with _disk_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            parts = folder / f"parts-{uuid.uuid4().hex}"
            parts.mkdir()
            try:
                yield parts
                _publish(folder, parts, fingerprint, settings)
            finally:
                _sweep(folder)


def _ours(path: Path) -> bool:
    return path.name in (_HEAD, f"{_HEAD}.partial", ".lock") or path.name.startswith("parts-")


def _publish(folder: Path, parts: Path, fingerprint: str, settings: Mapping[str, object]) -> None:
    sizes: dict[str, int] = {}
    for path in sorted(parts.iterdir()):
        with path.open("rb+") as opened:
            os.fsync(opened.fileno())
        sizes[path.name] = path.stat().st_size
    head = {
        "version": _VERSION,
        "fingerprint": fingerprint,
        "settings": dict(settings),
        "parts": parts.name,
        "sizes": sizes,
    }
    partial = folder / f"{_HEAD}.partial"
    partial.unlink(missing_ok=True)  # what a killed save left, or a link that somebody put there
    with partial.open("x", encoding="utf-8") as opened_head:
        json.dump(head, opened_head, indent=2)
        opened_head.flush()
        os.fsync(opened_head.fileno())
    partial.replace(folder / _HEAD)


def _sweep(folder: Path) -> None:
    kept = open_saved(folder).parts.name if is_saved(folder) else ""
    for left in folder.glob("parts-*"):
        if left.name != kept:
            # Where another process still has it open, some systems refuse; the next save tries again.
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _disk_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except RankkitError:
        raise
    except OSError as error:
        raise DataError(
            f"{folder}: the index cannot be read or written there ({error.strerror or error})",
            hint="Give a folder that you may read and write, on a disk with room.",
        ) from error
