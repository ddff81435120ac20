"""What the first pull of a model found where its row states no checksum: the commit of a hub repository, and the sha256
of each file. A later pull takes the same, on this machine and on every one that the records are copied to::

    <home>/records/<name>.json

They outlive ``remove``. ``allow_unverified`` accepts what the source gives now, and writes that down instead; without
it, a hub repository is only asked where a row or a record says what must come.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rankkit.errors import ChecksumMismatch, SourceUnverified, StoreError
from rankkit.models.catalogue import HubSource, Row
from rankkit.models.home import home
from rankkit.models.row_checks import check_sha256, is_commit

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """``commits`` are by repository and revision as the row states them; ``files`` maps names to sha256."""

    files: Mapping[str, str]
    commits: Mapping[str, str]

    def __post_init__(self) -> None:
        for digest in self.files.values():
            check_sha256(digest)
        if not all(map(is_commit, self.commits.values())):
            raise ValueError("a commit has 40 hexadecimal digits")

    def commit(self, source: HubSource) -> str:
        """The commit that was found before; ``""`` where none was."""
        return self.commits.get(_place(source), "")


_ADAPTER = TypeAdapter(Record)


def file_of(name: str) -> Path:
    return home() / "records" / f"{name}.json"


def read(row: Row) -> Record:
    """Empty where nothing was written down.

    Raises:
        StoreError: the record is damaged, so nobody knows what was trusted before.
    """
    path = file_of(row.name)
    try:
        with path.open("rb") as opened:
            return _ADAPTER.validate_json(opened.read(_LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return Record({}, {})
    except ValidationError as error:
        raise StoreError(
            f"{path} is damaged: {error.errors(include_url=False)[0]['msg']}",
            hint="It says what earlier pulls found. Delete it to trust what comes next.",
        ) from error


def write(row: Row, digests: Mapping[str, str], commit: str, source: HubSource | None) -> None:
    """Remember what has just been pulled, where the row itself does not say it. The caller holds the model's lock."""
    unstated = {file.name: digests[file.name] for file in row.files if not file.sha256}
    if not unstated:
        return
    path = file_of(row.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    commits = {_place(source): commit} if source is not None and is_commit(commit) else {}
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as written:
        written.write(_ADAPTER.dump_json(Record(unstated, commits), indent=2) + b"\n")
    Path(written.name).replace(path)


def check(row: Row, record: Record, digests: Mapping[str, str], label: str) -> None:
    """Hold what arrived against what an earlier pull found.

    Raises:
        ChecksumMismatch: it is another file under the same name.
    """
    for file in row.files:
        known = record.files.get(file.name, "")
        if not file.sha256 and known and digests[file.name] != known:
            raise ChecksumMismatch(
                f"{file.name} of {row.name}, from {label}, has sha256 {digests[file.name]}, but the first pull found "
                f"{known} ({file_of(row.name)}): the download was thrown away",
                hint=f"If you trust the new file, run: rankkit models pull {row.name} --allow-unverified",
            )


def check_known(row: Row, source: HubSource, record: Record) -> None:
    """Refuse a repository of which neither the row nor an earlier pull says what must come out of it.

    Raises:
        SourceUnverified: names the option that allows it.
    """
    known = {file.name for file in row.files if file.sha256} | record.files.keys()
    if source.repo in row.unpinned and not record.commit(source) and any(file.name not in known for file in row.files):
        raise SourceUnverified(
            f"nothing says what must come from {source.label}: the row {row.name} pins no commit and has no sha256 "
            f"({row.unseen})",
            hint=f"If you trust what is there now, run: rankkit models pull {row.name} --allow-unverified. The commit "
            "and the checksums that it finds are written down, and later pulls are held to them.",
        )


def _place(source: HubSource) -> str:
    return f"{source.repo}@{source.revision}"
