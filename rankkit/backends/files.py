"""Checksums of a model's files, so that two models are told apart whatever they differ in, and the folder of what
rankkit keeps.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import platformdirs

from rankkit.errors import InvalidModel

#: What ``rankkit models pull`` leaves beside a model's files, written last: their names, sizes and checksums.
_MANIFEST = "rankkit.json"
#: What is left beside optimised graphs says the same of them.
_OPTIMISED = "*.onnx.json"


def cache_home() -> Path:
    """RANKKIT_HOME, or the user's cache folder. It need not exist.

    Raises:
        RuntimeError, KeyError: this user has no home.
    """
    chosen = os.environ.get("RANKKIT_HOME")
    place = Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("rankkit", appauthor=False)
    # What only puts a folder behind "~" leaves it as it is where nobody has that name.
    if "~" in place.parts[:1]:
        raise RuntimeError("there is no such user")
    return place.absolute()


def file_sha256(path: Path) -> str:
    """Of all its bytes, in hexadecimal: the manifest's where the file is as it was pulled, so that gigabytes are not
    read again.

    Raises:
        InvalidModel: it cannot be read.
    """
    try:
        return _recorded(path) or read_sha256(path)
    except OSError as error:
        raise InvalidModel(f"{path} cannot be read: {error}") from error


def read_sha256(path: Path) -> str:
    """The same, of what is there now, whatever a manifest says.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint_of(parts: Iterable[object]) -> str:
    """12 hex digits over the parts' ``str``, in order, each by itself: ("a", "bc") is not ("ab", "c")."""
    texts = [str(part).encode("utf-8", "backslashreplace") for part in parts]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(text), text) for text in texts)).hexdigest()[:12]


def _recorded(path: Path) -> str | None:
    """What a manifest beside it says of a file that was not changed since: of that size, and not younger."""
    manifests = (path.parent / _MANIFEST, *sorted(path.parent.glob(_OPTIMISED)))
    return next((digest for manifest in manifests if (digest := _stated(manifest, path))), None)


def _stated(manifest: Path, path: Path) -> str | None:
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
