"""Documents as JSON lines on disk, one of them read at a time, and the fingerprint of them all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rankkit.core.ranking import Candidate
from rankkit.errors import DataError, InvalidDocument

_LINES = "documents.jsonl"
_ENDS = "documents.ends.npy"
#: Real text has halves of surrogate pairs in it, here and there. They are not UTF-8, and must not be lost.
_ODD = "surrogatepass"


class Documents(Protocol):
    """The documents of an index, by their position in the corpus. A tuple is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int, /) -> Candidate: ...


@dataclass(frozen=True, slots=True, eq=False)
class StoredDocuments:
    """Documents that stay on disk. The file is mapped: replaced meanwhile, it is still the one that was opened."""

    lines: np.ndarray[Any, np.dtype[np.uint8]]
    ends: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def open(cls, folder: Path) -> StoredDocuments:
        """Map the files, and check that every document lies in them.

        Raises:
            ValueError: it does not.
        """
        lines, ends = np.memmap(folder / _LINES, np.uint8, mode="r"), np.load(folder / _ENDS, mmap_mode="r")
        if ends.ndim != 1 or ends.dtype != np.int64 or not len(ends):
            raise ValueError("the ends of documents are no list of numbers")
        if np.any(np.diff(ends, prepend=0) <= 0) or ends[-1] != len(lines):
            raise ValueError("documents do not end where they should")
        return cls(lines, ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, position: int, /) -> Candidate:
        start = int(self.ends[position - 1]) if position else 0
        line = self.lines[start : int(self.ends[position])].tobytes()
        try:
            name, title, text, metadata = json.loads(line.decode("utf-8", _ODD))
            if not (isinstance(name, str) and isinstance(metadata, dict)):
                raise TypeError("no id, or no metadata")
            return Candidate(name, text, title, metadata=metadata)
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(
                f"document {position} of the index is broken ({error})",
                hint="Delete the folder and build the index again from its corpus.",
            ) from error


def store_documents(documents: Iterable[Candidate], folder: Path) -> None:
    """Write documents for ``StoredDocuments.open``. First-stage scores are not kept.

    Raises:
        InvalidDocument: its metadata cannot be written as JSON.
    """
    ends: list[int] = []
    with (folder / _LINES).open("wb") as file:
        for document in documents:
            file.write(_line(document))
            ends.append(file.tell())
    np.save(folder / _ENDS, np.array(ends, np.int64))


def fingerprint(documents: Iterable[Candidate], settings: object) -> str:
    """A digest of the documents in their order (ids, titles, texts, metadata) and of how they are indexed.

    Raises:
        InvalidDocument: metadata of a document cannot be written as JSON.
    """
    seen = hashlib.sha256(repr(settings).encode())
    for document in documents:
        seen.update(_line(document))
    return seen.hexdigest()


def _line(document: Candidate) -> bytes:
    fields = (document.id, document.title, document.text, dict(document.metadata))
    try:
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", _ODD) + b"\n"
    except (TypeError, ValueError) as error:
        raise InvalidDocument(
            f"document {document.id!r} cannot be saved: its metadata is not JSON ({error})",
            hint="Keep strings, numbers, lists and mappings in it.",
        ) from error
