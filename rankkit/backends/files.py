"""Checksums of a model's files, so that two models are told apart whatever they differ in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from rankkit.errors import InvalidModel

#: What ``rankkit models pull`` leaves beside a model's files, written last: their names, sizes and checksums.
_MANIFEST = "rankkit.json"


def file_sha256(path: Path) -> str:
    """Of all its bytes, in hexadecimal: the manifest's where the file is as it was pulled, so that gigabytes are not
    read again.

    Raises:
        InvalidModel: it cannot be read.
    """
    try:
        return _recorded(path) or _computed(path)
    except OSError as error:
        raise InvalidModel(f"{path} cannot be read: {error}") from error


def fingerprint_of(parts: Iterable[object]) -> str:
    """12 hex digits over the parts' ``str``, in order, each by itself: ("a", "bc") is not ("ab", "c")."""
    texts = [str(part).encode("utf-8", "backslashreplace") for part in parts]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(text), text) for text in texts)).hexdigest()[:12]


def _computed(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recorded(path: Path) -> str | None:
    """What the manifest says of a file that was not changed since: of that size, and not younger."""
    manifest = path.parent / _MANIFEST
    try:
        content = json.loads(manifest.read_bytes())
        rows = {row["name"]: (row["bytes"], row["sha256"]) for row in content["files"]}
        size, digest = rows[path.name]
        written = manifest.stat().st_mtime_ns
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None
    seen = path.stat()
    unchanged = seen.st_size == size and seen.st_mtime_ns <= written
    return digest if unchanged and isinstance(digest, str) and len(digest) == 64 else None
