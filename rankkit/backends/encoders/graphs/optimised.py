"""Where the optimised form of a graph lies, and whether it still is one.

::

    <folder of model.onnx>/optimised/      or, where that folder cannot be written to,
    <home>/optimised/<bytes>-<sha256>/     (size and sha256 of model.onnx)
        model.onnx              the graph that computes less; its weights beside it where the source's lie so
        model.prepared.onnx     the same, as this version of onnxruntime rewrites it when it opens it: opens sooner
        model.onnx.json         what it was made from and how, written last; says why where there is no graph

A record counts for the very file that it was made from, by its sha256, and for one way of making it.
"""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rankkit.backends.files import cache_home, file_sha256, read_sha256

_LOGGER = logging.getLogger("rankkit")

FOLDER = "optimised"
#: How folders begin in which one is being made.
WORK = ".making-"
#: The way of making them. What another one made is not used.
RECIPE = 1
#: Bytes of a record that is read.
_LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A file of an optimised graph, as it was written."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Optimised:
    """What became of a graph: ``files``, the graph first, or the ``reason`` why it is left as it is.

    ``changes`` say what was done. ``largest_difference`` is that between its scores and the source's, and
    ``own_difference`` how far the source's own move in a batch. ``modified`` (ns) is when the source was last written.
    ``prepared`` is a form that gives the same scores to the last bit, and opens sooner, on the ``onnxruntime`` and the
    kind of ``machine`` that it was made on.
    """

    source: str
    bytes: int
    sha256: str
    modified: int
    recipe: int
    onnxruntime: str
    machine: str
    folder: Path
    files: tuple[GraphFile, ...] = ()
    prepared: tuple[GraphFile, ...] = ()
    reason: str = ""
    changes: tuple[str, ...] = ()
    largest_difference: float = 0.0
    own_difference: float = 0.0

    @property
    def graph(self) -> Path | None:
        """The file to run; ``None`` where the source is run."""
        return self.folder / self.files[0].name if self.files else None

    @property
    def all_files(self) -> tuple[GraphFile, ...]:
        return self.files + self.prepared

    @property
    def words(self) -> str:
        """For a person, in one line."""
        if not self.files:
            return f"left as it is: {self.reason}"
        moved = f"; the source's own move by {self.own_difference:.2g} in a batch" if self.own_difference > 1e-4 else ""
        return f"{', '.join(self.changes)} (scores differ by at most {self.largest_difference:.1g}{moved})"

    def dump(self) -> str:
        kept = {name: value for name, value in asdict(self).items() if name != "folder"}
        return json.dumps(kept, indent=2) + "\n"


def runnable(source: Path) -> Path:
    """The optimised form of a graph where there is one, else the graph itself."""
    made = find_optimised(source)
    return source if made is None or made.graph is None else made.graph


def prepared_form(graph: Path, onnxruntime: str) -> Path:
    """The form of an optimised graph that this version of onnxruntime opens sooner, where there is one; else the graph
    itself.
    """
    if not is_optimised(graph):
        return graph
    record = read_record(graph.parent, graph.name)
    if record is None or not record.prepared or (record.onnxruntime, record.machine) != (onnxruntime, machine()):
        return graph
    path = graph.parent / record.prepared[0].name
    return path if path.is_file() and path.stat().st_size == record.prepared[0].bytes else graph


def is_optimised(graph: Path) -> bool:
    """Whether it lies where optimised forms lie, or are being made."""
    return FOLDER in (graph.parent.name, graph.parent.parent.name)


def machine() -> str:
    """Which machines share a prepared form."""
    return f"{platform.system()} {platform.machine()}"


def find_optimised(source: Path) -> Optimised | None:
    """What was made of a graph, whole and still of this very file; ``None`` where nothing was."""
    for folder in places(source):
        record = read_record(folder, source.name)
        if record is not None and _is_of(record, source) and _is_whole(record):
            return record
    return None


def places(source: Path) -> Iterator[Path]:
    """Where it may lie. That the folder in the cache exists is checked first: its name needs the source's checksum."""
    yield source.parent / FOLDER
    size = source.stat().st_size if source.is_file() else -1
    root = _cache()
    if root is not None and any(root.glob(f"{size}-*")):
        yield root / f"{size}-{file_sha256(source)}"


def cache_place(source: Path) -> Path | None:
    """The folder in the cache; ``None`` where this user has no cache."""
    root = _cache()
    return None if root is None else root / f"{source.stat().st_size}-{file_sha256(source)}"


def discard(source: Path) -> int:
    """Delete what was made of a graph, wherever it lies; return how many bytes that freed.

    Raises:
        OSError: the disk.
    """
    freed = 0
    for folder in places(source):
        record = read_record(folder, source.name)
        names = [file.name for file in record.all_files] if record else []
        for path in (record_path(folder, source.name), *(folder / name for name in names)):
            if path.is_file():
                freed += path.stat().st_size
                path.unlink()
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return freed


def damaged(record: Optimised) -> list[str]:
    """Files of it that are not what was written: every byte is read."""
    return [
        file.name
        for file in record.all_files
        if not (record.folder / file.name).is_file() or read_sha256(record.folder / file.name) != file.sha256
    ]


def _cache() -> Path | None:
    try:
        return cache_home() / FOLDER
    except (RuntimeError, KeyError):
        return None


def record_path(folder: Path, source: str) -> Path:
    return folder / f"{source}.json"


def read_record(folder: Path, source: str) -> Optimised | None:
    """The record for a graph of that name; ``None`` where there is none that can be read."""
    try:
        with record_path(folder, source).open("rb") as file:
            content = json.loads(file.read(_LARGEST))
        record = _parsed(content, folder)
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None
    return record if record.source == source else None


def _parsed(content: Mapping[str, Any], folder: Path) -> Optimised:
    """Raises:
    ValueError, TypeError, LookupError: it is none.
    """
    files, prepared = (
        tuple(GraphFile(str(file["name"]), int(file["bytes"]), str(file["sha256"])) for file in content[key])
        for key in ("files", "prepared")
    )
    if any(not _stays_inside(file.name) for file in files + prepared):
        raise ValueError("a file outside of its folder")
    return Optimised(
        source=str(content["source"]),
        bytes=int(content["bytes"]),
        sha256=str(content["sha256"]),
        modified=int(content["modified"]),
        recipe=int(content["recipe"]),
        onnxruntime=str(content["onnxruntime"]),
        machine=str(content["machine"]),
        folder=folder,
        files=files,
        prepared=prepared,
        reason=str(content["reason"]),
        changes=tuple(map(str, content["changes"])),
        largest_difference=float(content["largest_difference"]),
        own_difference=float(content["own_difference"]),
    )


def _stays_inside(name: str) -> bool:
    path = Path(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name


def _is_of(record: Optimised, source: Path) -> bool:
    """Whether it was made from this very file, in the way that is known here. A file of the same size and age is taken
    for the same: its checksum is computed for others only.
    """
    seen = source.stat()
    if record.recipe != RECIPE or seen.st_size != record.bytes:
        return False
    return seen.st_mtime_ns == record.modified or file_sha256(source) == record.sha256


def _is_whole(record: Optimised) -> bool:
    """Whether its files are there in their sizes. (``rankkit models verify`` reads them.)"""
    for file in record.files:
        path = record.folder / file.name
        if not path.is_file() or path.stat().st_size != file.bytes:
            _LOGGER.warning("%s is not what was made of %s: the source is run", path, record.source)
            return False
    return True
