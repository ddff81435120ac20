"""The checksum of a model's weights, read off where it is known and computed where it is not.

A pulled model has ``rankkit.json`` beside it, with the sha256 that its download was checked against: it counts as long
as the file has the size stated there and was not written to after it. Any other file is read whole, once a process:
parts of it would not tell apart two models of which one has a few changed rows. The result is kept under the file's
identity (path, size, time of its last change, inode).
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

_MANIFEST = "rankkit.json"
_LARGEST_MANIFEST = 1 << 20


def weights_digest(parts: Sequence[Path]) -> str:
    """Of all files of a model, in hexadecimal: one file's own sha256, or that of the parts' checksums in order."""
    digests = [stated_digest(part) or _digest_of(part) for part in parts]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def stated_digest(path: Path) -> str:
    """The sha256 that the manifest beside the file states; ``""`` where there is none that counts."""
    manifest = path.with_name(_MANIFEST)
    try:
        with manifest.open("rb") as opened:
            read = json.loads(opened.read(_LARGEST_MANIFEST))
        if path.stat().st_mtime_ns > manifest.stat().st_mtime_ns:
            return ""
        size = path.stat().st_size
        files = read["files"]
        found = [file["sha256"] for file in files if file["name"] == path.name and file["bytes"] == size]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""  # no manifest, or none of ours: the file itself is asked
    return found[0] if len(found) == 1 and _is_sha256(found[0]) else ""


def _is_sha256(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and not set(text) - set("0123456789abcdef")


def _digest_of(path: Path) -> str:
    about = path.stat()
    return _read_whole(path, about.st_size, about.st_mtime_ns, about.st_ino)


@functools.lru_cache(maxsize=64)
def _read_whole(path: Path, *_identity: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
