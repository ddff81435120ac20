"""Models on the Hugging Face hub, by the hub's own client: its token, endpoint (HF_ENDPOINT) and proxies are used."""

from __future__ import annotations

import errno
import inspect
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import errors as hub_errors
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
from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)
from huggingface_hub.utils.tqdm import tqdm as hub_bar

from rankkit.errors import ChecksumMismatch, DownloadFailed, RankkitError
from rankkit.models.catalogue import HubSource, Row
from rankkit.models.digest import sha256
from rankkit.models.home import ensure_room, size
from rankkit.models.progress import OnPull, PullProgress, watching

#: What the client raises on purpose (not all of it has a common base), and what the libraries under it raise: the hub's
#: own error derives from its HTTP library's, and so shows what connection errors of that library derive from.
_CLIENT: tuple[type[Exception], ...] = (
    *(error for error in vars(hub_errors).values() if isinstance(error, type) and issubclass(error, Exception)),
    HfHubHTTPError.__bases__[0],
    OSError,
    ValueError,
    RuntimeError,
)
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Bytes beyond a file's stated size at which its download is ended: the client counts in pieces.
_SLACK = 1 << 16


def fetch(
    row: Row, source: HubSource, folder: Path, work: Path, notify: OnPull, *, known_commit: str = ""
) -> tuple[str, Mapping[str, str]]:
    """Put the source's files into ``folder``; return the commit that they come from, and the sha256 of each. ``work``
    is an empty folder on the same disk.

    All files come from one commit, even when the repository changes meanwhile: the one that the row states, or
    ``known_commit``, which an earlier pull found. Where the hub states a file's sha256 (it does for large files), what
    arrived is held against it. A download ends when it is longer than the row, or else the hub, says.

    Raises:
        DownloadFailed: no network, no such repository or file, or access to it must be asked for.
        ChecksumMismatch: a file is not the one that the hub or the row states.
    """
    folder.mkdir(parents=True, exist_ok=True)
    endpoint = os.environ.get("HF_ENDPOINT") or None
    with _hub_errors(source):
        commit, sizes, etags = _ask(source, known_commit or source.revision, endpoint)
    _check_sizes(row, source, sizes)
    total = sum(sizes.values())
    ensure_room(total)

    def report(seen: int) -> None:
        notify(PullProgress(row.name, "downloading", source.label, min(seen, total), total))

    with _hub_errors(source), _no_bars(), watching(work, report):
        for path in source.files.values():
            limited = _ends_beyond(sizes[path], f"{source.repo}/{path}")
            hf_hub_download(source.repo, path, revision=commit, local_dir=work, endpoint=endpoint, **limited)
    notify(PullProgress(row.name, "unpacking", source.label, total, total))
    digests: dict[str, str] = {}
    for name, path in source.files.items():
        arrived = work / path
        if arrived.is_symlink() or not arrived.is_file():
            raise ChecksumMismatch(f"{source.repo}/{path} arrived as something else than a plain file")
        digests[name] = sha256(arrived)
        if _SHA256.fullmatch(etags[path]) and digests[name] != etags[path]:
            raise ChecksumMismatch(
                f"{source.repo}/{path} arrived with sha256 {digests[name]}, the hub says {etags[path]}",
                hint="Try again; if it stays so, a proxy between here and the hub changes files.",
            )
        arrived.replace(folder / name)
    return commit, digests


def _ask(source: HubSource, revision: str, endpoint: str | None) -> tuple[str, dict[str, int], dict[str, str]]:
    """The commit that the revision names now, and size and etag of every file in it."""
    sizes: dict[str, int] = {}
    etags: dict[str, str] = {}
    for path in source.files.values():
        said = get_hf_file_metadata(hf_hub_url(source.repo, path, revision=revision, endpoint=endpoint))
        if said.size is None:
            raise DownloadFailed(f"the hub does not say how long {source.repo}/{path} is, so it is not downloaded")
        revision = said.commit_hash or revision
        sizes[path], etags[path] = said.size, said.etag or ""
    return revision, sizes, etags


def _check_sizes(row: Row, source: HubSource, sizes: Mapping[str, int]) -> None:
    for file in row.files:
        said = sizes[source.files[file.name]]
        if file.bytes is not None and said != file.bytes:
            raise ChecksumMismatch(
                f"{file.name} of {row.name} has {size(said)} at {source.label}, but the catalogue says "
                f"{size(file.bytes)}: nothing was downloaded",
                hint="The repository changed since the row was written.",
            )


def _ends_beyond(most: int, what: str) -> dict[str, Any]:
    """What has the client end a download that is longer than ``most``: a progress bar, which it asks before it writes a
    piece. Clients before 2.0 take none; with them a file is only found too long when it has arrived.
    """
    if "tqdm_class" not in inspect.signature(hf_hub_download).parameters:
        return {}

    class Limited(hub_bar):
        seen = 0

        def update(self, n: float | None = 1) -> bool | None:
            self.seen += int(n or 0)
            if self.seen > most + _SLACK:
                raise ChecksumMismatch(
                    f"{what} is longer than the {size(most)} that the hub announced: the download was ended",
                    hint="Try again; if it stays so, a proxy between here and the hub changes files.",
                )
            return super().update(n)  # type: ignore[no-any-return]

    return {"tqdm_class": Limited}


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
    except RankkitError:
        raise
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
    except _CLIENT as error:
        if isinstance(error, OSError) and error.errno in _DISK:
            raise  # the disk, not the hub
        raise _no_connection(source, error) from error


def _no_connection(source: HubSource, error: BaseException) -> DownloadFailed:
    if isinstance(error, HfHubHTTPError):
        return DownloadFailed(f"the hub refused {source.repo}: {_first_line(error)}")
    if isinstance(error, ValueError | RuntimeError):
        return DownloadFailed(f"the hub's client refuses {source.repo}: {_first_line(error)}")
    cause = error.__cause__ or error
    return DownloadFailed(
        f"no connection to the hub for {source.repo}: {type(cause).__name__}: {_first_line(cause)}",
        hint="Check the network and the proxy (HTTPS_PROXY), or set HF_ENDPOINT to a mirror.",
    )


def _first_line(error: BaseException) -> str:
    """Without what could steer a terminal: it may be a server's."""
    lines = [line for line in map(str.strip, str(error).splitlines()) if line] or [type(error).__name__]
    return "".join(filter(str.isprintable, lines[0]))[:500]
