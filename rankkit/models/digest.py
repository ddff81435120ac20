"""Checksums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

_CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    seen = hashlib.sha256()
    with path.open("rb") as opened:
        while piece := opened.read(_CHUNK):
            seen.update(piece)
    return seen.hexdigest()
