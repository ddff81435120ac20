"""Vectors of queries and documents: how alike they are, and a store on disk for those of documents."""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from rankkit.core.text import without_surrogates
from rankkit.errors import DataError

#: A row for each vector of a text: one, or one a token. Queries are float32, documents float16.
Vectors = NDArray[Any]

_VERSION = 1
#: The start of the list of documents: what it is, its version, and how many numbers a vector has.
_HEADER = struct.Struct("<16sII")
_MAGIC = b"rankkit vectors\n"
#: A document: sha256 of its text, where its rows begin, how many, whether it was cut, whether it had invalid
#: characters, the checksum of its numbers, and that of the record.
_RECORD = struct.Struct("<32sQI??xxII")
_UNREADABLE = "Delete the folder: the vectors are computed again when they are needed."


@dataclass(frozen=True, slots=True)
class DocumentVectors:
    """A document's vectors as they are compared and stored, and the remarks on how it was read."""

    rows: Vectors
    shortened: bool = False
    invalid: bool = False


def similarity(query: Vectors, document: Vectors) -> float:
    """MaxSim (Khattab and Zaharia 2020, arXiv 2004.12832): for each of the query's vectors the greatest dot product
    with one of the document's, summed. Of one normalised vector each it is the cosine. One document at a time, so that
    it does not depend on others.
    """
    products = query.astype(np.float32, copy=False) @ document.astype(np.float32).T
    return float(products.max(axis=1).astype(np.float64).sum())


def digest_of(text: str) -> bytes:
    """What a text is stored by."""
    return hashlib.sha256(without_surrogates(text).encode()).digest()


@dataclass(eq=False)
class VectorStore:
    """A folder of one model's document vectors: float16, appended, mapped into memory.

    ``fingerprint`` is of all that a document's vectors depend on: another model, or another ``max_length``, has a store
    of its own inside ``folder``. Several threads and processes may use it at once. A document is listed after its
    numbers were written, each with a checksum: of what a killed process left, whole documents are found and the rest is
    written over. A document that cannot be read is one that is not there.
    """

    folder: Path
    fingerprint: str
    _places: dict[bytes, tuple[int, int, bool, bool, int]] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _process: int = field(default_factory=os.getpid, init=False, repr=False)
    _listed: int = field(default=0, init=False, repr=False)
    _rows: int = field(default=0, init=False, repr=False)
    _width: int = field(default=0, init=False, repr=False)
    _mapped: Vectors | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        self._own = self.folder / f"{self.fingerprint}-v{_VERSION}"
        for path in (self.folder, self._own):
            if path.exists() and not path.is_dir():
                raise DataError(f"{path} is a file", hint="Give a folder for the vectors.")

    def __reduce__(self) -> tuple[Callable[..., VectorStore], tuple[Path, str]]:
        return VectorStore, (self.folder, self.fingerprint)

    def __len__(self) -> int:
        """Documents that are known, those that other processes added included."""
        with self._held(), self._disk():
            self._read_list()
            return len(self._places)

    def get(self, digest: bytes) -> DocumentVectors | None:
        """A document's vectors, by ``digest_of`` its text.

        Raises:
            DataError: the store is of another version or cannot be read.
        """
        with self._held(), self._disk():
            if digest not in self._places:
                self._read_list()
            place = self._places.get(digest)
            if place is None:
                return None
            start, count, shortened, invalid, checksum = place
            rows = np.array(self._map()[start : start + count])
            if len(rows) != count or zlib.crc32(rows.tobytes()) != checksum:
                del self._places[digest]  # added again, it is listed again
                return None
        return DocumentVectors(rows, shortened, invalid)

    def add(self, digest: bytes, vectors: DocumentVectors) -> None:
        """Keep a document's vectors; one that is there already stays as it is.

        Raises:
            DataError: the folder cannot be written, or has vectors of another size.
        """
        rows = np.ascontiguousarray(vectors.rows, dtype=np.float16)
        with self._held(), self._disk():
            self._own.mkdir(parents=True, exist_ok=True)
            with FileLock(self._own / ".lock"):
                self._read_list()
                if digest not in self._places:
                    self._append(digest, rows, vectors)

    def _append(self, digest: bytes, rows: Vectors, vectors: DocumentVectors) -> None:
        if self._width not in (0, rows.shape[1]):
            raise DataError(
                f"{self._own} holds vectors of {self._width} numbers; one of {rows.shape[1]} came", hint=_UNREADABLE
            )
        data = rows.tobytes()
        with _to_write(self._own / "vectors.f16") as file:
            file.seek(self._rows * rows.shape[1] * 2)
            file.write(data)
        fields = (digest, self._rows, len(rows), vectors.shortened, vectors.invalid, zlib.crc32(data))
        record = _RECORD.pack(*fields, 0)
        record = _RECORD.pack(*fields, zlib.crc32(record))
        with _to_write(self._own / "documents.list") as file:
            if not self._listed:
                file.write(_HEADER.pack(_MAGIC, _VERSION, rows.shape[1]))
            file.seek(self._listed or _HEADER.size)
            file.write(record)
            file.truncate()
        self._read_list()

    def _read_list(self) -> None:
        """What was added since, here or by another process: up to the first record that is not whole."""
        path = self._own / "documents.list"
        size = path.stat().st_size if path.is_file() else 0
        if size < self._listed:  # somebody deleted the folder
            self._places.clear()
            self._listed = self._rows = self._width = 0
            self._mapped = None
        if size <= max(self._listed, _HEADER.size):
            return
        with path.open("rb") as file:
            if not self._listed:
                magic, version, width = _HEADER.unpack(file.read(_HEADER.size))
                if (magic, version) != (_MAGIC, _VERSION) or not width:
                    raise DataError(f"{path} is no list of vectors of version {_VERSION}", hint=_UNREADABLE)
                self._width, self._listed = width, _HEADER.size
            file.seek(self._listed)
            new = file.read()
        for at in range(0, len(new) - _RECORD.size + 1, _RECORD.size):
            *fields, own = _RECORD.unpack_from(new, at)
            if zlib.crc32(_RECORD.pack(*fields, 0)) != own:
                break
            digest, start, count, shortened, invalid, checksum = fields
            self._places[digest] = (start, count, shortened, invalid, checksum)
            self._rows = max(self._rows, start + count)
            self._listed += _RECORD.size

    def _map(self) -> Vectors:
        path = self._own / "vectors.f16"
        if self._mapped is None or len(self._mapped) < self._rows:
            there = min(self._rows, path.stat().st_size // (2 * self._width))
            self._mapped = np.memmap(path, np.float16, mode="r", shape=(there, self._width)) if there else None
        return np.empty((0, self._width), np.float16) if self._mapped is None else self._mapped

    def _held(self) -> threading.Lock:
        if self._process != os.getpid():  # a forked child: the thread that held the lock may be in the parent
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(
                f"{self._own}: vectors cannot be read or written there ({error.strerror or error})",
                hint="Give a folder that you may read and write, on a disk with room.",
            ) from error


@contextmanager
def _to_write(path: Path) -> Iterator[Any]:
    """A file to write into, its content kept."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "r+b") as file:
        yield file
