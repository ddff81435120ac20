"""Models on this machine: found by name or path, pulled when asked for, checked, removed.

A pulled model is complete or not there: it is made in a staging folder and renamed into place. One lock a model lets
two processes ask for it at once; the second finds what the first one pulled. Nothing here uses the network except
``pull``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from rankkit.backends.encoders.graphs.optimised import FOLDER as OPTIMISED
from rankkit.errors import (
    ChecksumMismatch,
    ConfigError,
    InvalidModel,
    LicenceNotAccepted,
    ModelError,
    ModelNotPulled,
    UnknownModel,
)
from rankkit.models import manifest as manifests
from rankkit.models import records
from rankkit.models.catalogue import HubSource, Row, find, find_exactly
from rankkit.models.digest import sha256
from rankkit.models.fetch import fetch
from rankkit.models.graphs import check_optimised, ensure_optimised
from rankkit.models.home import disk_errors, home, is_offline, model_folder
from rankkit.models.manifest import Manifest
from rankkit.models.progress import OnPull, PullProgress, silent
from rankkit.models.staging import locked, settle, staging, sweep

_LOGGER = logging.getLogger("rankkit")


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model in the cache. ``path`` is what its backend opens: the folder, or a GGUF model's one file."""

    name: str
    path: Path
    manifest: Manifest


def locate(model: str | Path) -> Path:
    """Where a model lies: the folder with its files, or the one file of a GGUF model. Never uses the network.

    A catalogue name is looked up first; ``./name`` always means the folder or file here.

    Raises:
        UnknownModel: neither a catalogue name nor a folder or file.
        ModelNotPulled: in the catalogue, but not on this machine.
    """
    local = local_path(model)
    if local is not None:
        return local
    row = find(str(model))
    there = installed(row)
    if there is None:
        raise ModelNotPulled(f"{row.name} is not on this machine", hint=f"Run: {row.pull_command}")
    return there.path


def installed(row: Row) -> Pulled | None:
    """The model of a row if it is in the cache, whole and still what the row means."""
    folder = model_folder(row.name)
    there = manifests.read(folder)
    if there is None or not there.fits(row):
        return None
    return Pulled(row.name, _opened(folder, there), there)


def pulled() -> tuple[Pulled, ...]:
    """Everything in the cache, by name."""
    folders = sorted(path for path in (home() / "models").glob("*") if path.is_dir())
    read = ((folder, manifests.read(folder)) for folder in folders)
    return tuple(Pulled(folder.name, _opened(folder, there), there) for folder, there in read if there is not None)


def pull(
    model: str | Path | Row,
    *,
    accept_licence: bool = False,
    allow_unverified: bool = False,
    offline: bool | None = None,
    progress: OnPull = silent,
) -> Path:
    """Bring a model into the cache, unless it is there, and return where it lies (see ``locate``).

    ``accept_licence`` says that the user accepts the terms of models that have any. Where the row of a hub repository
    pins no commit and states no checksum, ``allow_unverified`` must say to take what is there now; what a first pull
    found is written down, and later ones are held to that, unless it says so again. ``offline=None`` reads the
    environment. ``progress`` may be called from another thread.

    Raises:
        UnknownModel: nearest names are given.
        ModelNotPulled: not there, and offline.
        LicenceNotAccepted: the model has terms; the message gives their address.
        DownloadFailed, ChecksumMismatch, SourceUnverified: what became of each source.
        StoreError: the cache folder is full or cannot be written to.
    """
    local = None if isinstance(model, Row) else local_path(model)
    if local is not None:
        return local
    row = model if isinstance(model, Row) else find(str(model))
    there = None if allow_unverified and row.unseen else installed(row)
    if there is None:
        _may_pull(row, offline=is_offline() if offline is None else offline, accepted=accept_licence)
        with disk_errors():
            sweep()
        with disk_errors(), locked(row.name, progress):
            again = None if allow_unverified and row.unseen else installed(row)
            there = again or _pull_here(row, progress, allow_unverified=allow_unverified)
    if row.kind == "cross-encoder":
        _optimise(there)
    progress(PullProgress(row.name, "done", there.manifest.source))
    return there.path


def _optimise(there: Pulled) -> None:
    """Whoever cannot have the optimised form has the model all the same; ``doctor`` says so, too."""
    try:
        ensure_optimised(there.path)
    except (ModelError, ConfigError) as error:
        _LOGGER.info("the graph of %s is run as it is: %s", there.name, error.message)


def verify(name: str) -> Pulled:
    """Read every file of a pulled model and hold it against its checksum, and both against the catalogue.

    Raises:
        ModelNotPulled: nothing to verify.
        InvalidModel: a file is missing, or lies there that nobody pulled.
        ChecksumMismatch: a file is not what it was, or not what the catalogue means; all such files are named.
    """
    there = _pulled(name)
    folder = model_folder(there.name)
    again = f"Run: rankkit models remove {there.name}, and pull it again."
    listed = {file.name: file for file in there.manifest.files}
    with disk_errors():
        plain = {path.name for path in folder.iterdir() if path.is_file() and not path.is_symlink()}
        unknown = sorted({path.name for path in folder.iterdir()} - listed.keys() - {manifests.FILE_NAME, OPTIMISED})
    missing = sorted(listed.keys() - plain)
    if missing:
        raise InvalidModel(f"{there.name} lacks {', '.join(missing)} in {folder} (links do not count)", hint=again)
    if unknown:
        raise InvalidModel(f"nobody pulled {', '.join(map(repr, unknown))} in {folder}", hint=again)
    with disk_errors():
        changed = [file.name for file in listed.values() if sha256(folder / file.name) != file.sha256]
    if changed:
        raise ChecksumMismatch(f"{', '.join(changed)} of {there.name} changed since it was pulled", hint=again)
    with disk_errors():
        check_optimised(folder, {file.name: file.sha256 for file in listed.values()}, _anew(there.name))
    row = find_exactly(there.name)
    if row is not None and not there.manifest.fits(row):
        raise ChecksumMismatch(f"{there.name} is what was pulled, and not what the catalogue means by it", hint=again)
    return there


def _anew(name: str) -> str:
    return f"Run: rankkit models optimise {name} --undo, and without --undo to make it anew."


def remove(name: str) -> int:
    """Take a model out of the cache; return how many bytes that freed.

    Raises:
        ModelNotPulled: it is not there.
    """
    folder = _folder(name)
    with disk_errors(), locked(folder.name, silent):
        freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        with staging(folder.name) as aside:
            # Renamed before it is deleted, so that nobody ever sees half of it.
            folder.rename(aside / "removed")
    return freed


def _pull_here(row: Row, notify: OnPull, *, allow_unverified: bool) -> Pulled:
    """Under the row's lock: fetch into staging, then put it into place in one step."""
    with staging(row.name) as aside:
        made = aside / "model"
        record = None if allow_unverified else records.read(row)
        fetched = fetch(row, made, aside / "work", notify, record)
        manifests.write(Manifest.of(row, fetched.source.label, made, fetched.digests, fetched.commit), made)
        source = fetched.source if isinstance(fetched.source, HubSource) else None
        records.write(row, fetched.digests, fetched.commit, source)
        settle(made)
        folder = model_folder(row.name)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            # Damaged, or of an older catalogue: a folder can only be renamed to a free name.
            folder.rename(aside / "replaced")
        made.rename(folder)
    there = installed(row)
    if there is None:
        raise InvalidModel(f"{row.name} vanished from {folder} right after it was pulled")
    return there


def _may_pull(row: Row, *, offline: bool, accepted: bool) -> None:
    if offline:
        raise ModelNotPulled(
            f"{row.name} is not on this machine, and rankkit is offline (RANKKIT_OFFLINE or HF_HUB_OFFLINE is set)",
            hint="Unset it to pull, copy the model's folder from another machine and give its path, "
            "or point RANKKIT_HOME at a cache that has it.",
        )
    if row.terms and not accepted:
        raise LicenceNotAccepted(
            f"{row.name} ({row.licence}) may only be used under terms that you must accept first: {row.terms.text} "
            f"Read them at {row.terms.url}",
            hint=f"If you accept them, run: rankkit models pull {row.name} --accept-licence",
        )


def _opened(folder: Path, there: Manifest) -> Path:
    files = [file.name for file in there.files]
    return folder / files[0] if len(files) == 1 and files[0].endswith(".gguf") else folder


def local_path(model: str | Path) -> Path | None:
    """The folder or file that is meant; ``None`` where a catalogue name is meant.

    Raises:
        UnknownModel: neither.
    """
    try:
        path = Path(model).expanduser()
    except RuntimeError as error:
        raise UnknownModel(f"nobody knows whose folder {model} is: {error}", hint="Give the whole path.") from error
    if isinstance(model, Path) or model.startswith(("~", ".")) or path.is_absolute():
        if _is_there(path):
            return path
        raise UnknownModel(f"there is no folder or file {path}", hint="rankkit models list shows those known by name.")
    if find_exactly(model) is not None:
        return None
    if not model:  # as a path, it would be the folder that the program runs in
        find(model)
    # Neither a known name nor a path by its looks: only what really lies here counts, before names that are alike.
    if _is_there(path):
        return path
    find(model)
    return None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long for any disk, or with a zero byte
        return False


def _folder(name: str) -> Path:
    """The cache folder of a pulled model, by any of its names, or of one that the catalogue has forgotten since."""
    forgotten = {path.name: path for path in (home() / "models").glob("*") if path.is_dir()}
    if name in forgotten:
        return forgotten[name]
    row = find(name)
    # A name that leads out of the folder is in no catalogue, and the folders are those that were listed.
    if row.name not in forgotten:
        raise ModelNotPulled(f"{row.name} is not on this machine", hint="rankkit models list --pulled shows what is.")
    return forgotten[row.name]


def _pulled(name: str) -> Pulled:
    folder = _folder(name)
    there = manifests.read(folder)
    if there is None:
        raise ModelNotPulled(f"{folder} holds no pulled model", hint=f"Run: rankkit models pull {folder.name}")
    return Pulled(folder.name, _opened(folder, there), there)
