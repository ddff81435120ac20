"""What was run: enough to run it again, and to see whether two results are of the same thing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rankkit import __version__
from rankkit.errors import DataError

#: A name and a password in an address.
_PRIVATE = re.compile(r"://[^/\s@]+@")


def provenance(
    *, spec: Mapping[str, object] | None, seed: int | None, files: Iterable[Path], command: Sequence[str]
) -> dict[str, object]:
    """The version of rankkit, the spec as rankkit reads it, the command, and the files with their checksums.

    Raises:
        DataError: a file is gone.
    """
    return {
        "rankkit": __version__,
        "command": [_PRIVATE.sub("://***@", word) for word in command],
        "spec": spec,
        "seed": seed,
        "files": [{"path": str(path), "bytes": path.stat().st_size, "sha256": _sha256(path)} for path in files],
    }


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read any more ({error.strerror or error})") from error
