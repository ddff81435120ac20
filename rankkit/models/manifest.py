"""What lies in the cache and where it came from: ``rankkit.json`` in a pulled model's folder, written last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rankkit.errors import InvalidModel
from rankkit.models.catalogue import Row
from rankkit.models.home import disk_errors
from rankkit.models.row_checks import check_file_name, check_sha256

#: Bytes of a manifest that is read.
_LARGEST = 1 << 20

FILE_NAME = "rankkit.json"


@dataclass(frozen=True, slots=True)
class PulledFile:
    """``unseen`` is empty where the catalogue gave the checksum; else it says why the checksum is only that of what
    arrived, which still shows later damage.
    """

    name: str
    sha256: str
    bytes: int
    unseen: str = ""

    def __post_init__(self) -> None:
        check_file_name(self.name)
        check_sha256(self.sha256)


@dataclass(frozen=True, slots=True)
class Manifest:
    """``pulled_at`` is UTC, ISO 8601; ``terms`` the address of the terms that were accepted, if there were any;
    ``commit`` that of a hub repository.
    """

    name: str
    licence: str
    source: str
    pulled_at: str
    files: tuple[PulledFile, ...]
    terms: str = ""
    commit: str = ""

    @classmethod
    def of(cls, row: Row, source: str, folder: Path, digests: Mapping[str, str], commit: str = "") -> Manifest:
        return cls(
            name=row.name,
            licence=row.licence,
            source=source,
            pulled_at=datetime.now(UTC).isoformat(timespec="seconds"),
            files=tuple(
                PulledFile(
                    file.name,
                    digests[file.name],
                    (folder / file.name).stat().st_size,
                    unseen="" if file.sha256 else row.unseen,
                )
                for file in row.files
            ),
            terms=row.terms.url if row.terms else "",
            commit=commit,
        )

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def fits(self, row: Row) -> bool:
        """Whether this is still what the catalogue means by the name: a newer row may mean other files."""
        have = {file.name: file.sha256 for file in self.files}
        return have.keys() == {file.name for file in row.files} and all(
            not file.sha256 or have[file.name] == file.sha256 for file in row.files
        )


_ADAPTER = TypeAdapter(Manifest)


def write(manifest: Manifest, folder: Path) -> None:
    (folder / FILE_NAME).write_bytes(_ADAPTER.dump_json(manifest, indent=2) + b"\n")


def read(folder: Path) -> Manifest | None:
    """The manifest of a folder; ``None`` where there is none: then nothing was pulled there.

    Raises:
        InvalidModel: it is damaged.
        StoreError: it may not be read.
    """
    with disk_errors():
        try:
            with (folder / FILE_NAME).open("rb") as opened:
                text = opened.read(_LARGEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise InvalidModel(
            f"{folder / FILE_NAME} is damaged: {error.errors(include_url=False)[0]['msg']}",
            hint=f"Run: rankkit models remove {folder.name}, and pull it again.",
        ) from error
