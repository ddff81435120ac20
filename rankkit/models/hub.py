"""Models on the Hugging Face hub, by the hub's own client: its token, endpoint (HF_ENDPOINT) and proxies are used."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from rankkit.errors import ChecksumMismatch, DownloadFailed
from rankkit.models.catalogue import HubSource, Row
from rankkit.models.digest import sha256
from rankkit.models.home import ensure_room
from rankkit.models.progress import PullProgress, Tell, watching

#: The hub's own error derives from its HTTP library's, and so shows what connection errors of that library derive from.
_TRANSPORT: tuple[type[BaseException], ...] = (HfHubHTTPError.__bases__[0], OSError)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(row: Row, source: HubSource, folder: Path, work: Path, tell: Tell) -> Mapping[str, str]:
    """Put the source's files into ``folder``; return the sha256 of each. ``work`` is an empty folder on the same disk.

    All files come from one commit, even when the repository changes meanwhile. Where the hub tells a file's sha256 (it
    does for large files), what arrived is held against it.

    Raises:
        DownloadFailed: no network, no such repository or file, or access to it must be asked for.
        ChecksumMismatch: a file is not the one that the hub told of.
    """
    folder.mkdir(parents=True, exist_ok=True)
    endpoint = os.environ.get("HF_ENDPOINT") or None
    with _hub_errors(source):
        commit, sizes, etags = _ask(source, endpoint)
    total = sum(sizes.values())
    ensure_room(total)

    def report(seen: int) -> None:
        tell(PullProgress(row.name, "downloading", source.label, min(seen, total), total))

    with _hub_errors(source), _no_bars(), watching(work, report):
        for path in source.files.values():
            hf_hub_download(source.repo, path, revision=commit, local_dir=work, endpoint=endpoint)
    tell(PullProgress(row.name, "unpacking", source.label, total, total))
    digests: dict[str, str] = {}
    for name, path in source.files.items():
        digests[name] = sha256(work / path)
        if _SHA256.fullmatch(etags[path]) and digests[name] != etags[path]:
            raise ChecksumMismatch(
                f"{source.repo}/{path} arrived with sha256 {digests[name]}, the hub says {etags[path]}",
                hint="Try again; if it stays so, a proxy between here and the hub changes files.",
            )
        (work / path).replace(folder / name)
    return digests


def _ask(source: HubSource, endpoint: str | None) -> tuple[str, dict[str, int], dict[str, str]]:
    """The commit that the revision names now, and size and etag of every file in it."""
    revision, sizes, etags = source.revision, {}, {}
    for path in source.files.values():
        told = get_hf_file_metadata(hf_hub_url(source.repo, path, revision=revision, endpoint=endpoint))
        revision = told.commit_hash or revision
        sizes[path], etags[path] = told.size or 0, told.etag or ""
    return revision, sizes, etags


@contextmanager
def _no_bars() -> Iterator[None]:
    """The caller draws the progress: two bars on one terminal line are none."""
    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


@contextmanager
def _hub_errors(source: HubSource) -> Iterator[None]:
    """The one place where the hub client's errors become ours."""
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise DownloadFailed(f"HF_HUB_OFFLINE keeps the hub's client from asking for {source.repo}") from error
    except GatedRepoError as error:
        raise DownloadFailed(
            f"{source.repo} is gated: its owner wants to know who pulls it",
            hint=f"Ask for access at {source.repo} on the hub, then log in (hf auth login) or set HF_TOKEN.",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise DownloadFailed(
            f"the hub has no repository {source.repo}, or it is private",
            hint="If it is private, log in (hf auth login) or set HF_TOKEN.",
        ) from error
    except RevisionNotFoundError as error:
        raise DownloadFailed(f"{source.repo} has no revision {source.revision}") from error
    except LocalEntryNotFoundError as error:
        raise _no_connection(source, error) from error
    except EntryNotFoundError as error:
        raise DownloadFailed(f"{source.repo} lacks a file that the catalogue lists: {_first_line(error)}") from error
    except _TRANSPORT as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
            raise  # the disk, not the hub
        raise _no_connection(source, error) from error


def _no_connection(source: HubSource, error: BaseException) -> DownloadFailed:
    if isinstance(error, HfHubHTTPError):
        return DownloadFailed(f"the hub refused {source.repo}: {_first_line(error)}")
    cause = error.__cause__ or error
    return DownloadFailed(
        f"no connection to the hub for {source.repo}: {type(cause).__name__}: {_first_line(cause)}",
        hint="Check the network and the proxy (HTTPS_PROXY), or set HF_ENDPOINT to a mirror.",
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
