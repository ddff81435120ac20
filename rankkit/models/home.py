"""Where models lie on this machine, whether the network may be used, and what the disk says when it refuses.

::

    <home>/                     RANKKIT_HOME, or the user's cache folder
        models/<name>/          a pulled model: its files and rankkit.json, complete or not there at all
        optimised/<...>/        optimised graphs of folders elsewhere that cannot be written to
        staging/<name>/<...>/   a pull at work; what a killed one left is swept by the next
        locks/<name>.lock       held by the process that pulls or removes
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rankkit.backends.files import cache_home
from rankkit.errors import RankkitError, StoreError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_YES = {"1", "true", "yes", "on"}


def home() -> Path:
    """The folder that everything lies under. It need not exist yet.

    Raises:
        StoreError: it cannot be known: this user has no home.
    """
    try:
        return cache_home()
    except (RuntimeError, KeyError) as error:
        raise _no_home() from error


def _no_home() -> StoreError:
    return StoreError(
        "there is no place for models: HOME is not set, and this user has no entry in the list of users",
        hint="Set RANKKIT_HOME to a folder that you may read and write.",
    )


def model_folder(name: str) -> Path:
    return home() / "models" / name


def staging_folder(name: str) -> Path:
    return home() / "staging" / name


def lock_file(name: str) -> Path:
    return home() / "locks" / f"{name}.lock"


def is_offline() -> bool:
    """What RANKKIT_OFFLINE and HF_HUB_OFFLINE say."""
    return any(os.environ.get(name, "").strip().lower() in _YES for name in ("RANKKIT_OFFLINE", "HF_HUB_OFFLINE"))


def ensure_room(needed: int) -> None:
    """Refuse a download that cannot fit before it is begun. ``needed`` is in bytes; ``home()`` exists.

    Raises:
        StoreError: says how much is free.
    """
    free = shutil.disk_usage(home()).free
    if free < needed:
        raise StoreError(f"{home()} has {size(free)} free, and {size(needed)} are needed", hint=_MAKE_ROOM)


def disk_full() -> StoreError:
    """The error for a disk that filled up on the way."""
    free = shutil.disk_usage(_existing(home())).free
    return StoreError(f"the disk under {home()} is full ({size(free)} free)", hint=_MAKE_ROOM)


_MAKE_ROOM = (
    "Make room (rankkit models list, rankkit models remove NAME), or set RANKKIT_HOME to a folder on another disk."
)


@contextmanager
def disk_errors() -> Iterator[None]:
    """The one place where the system's words about the cache folder become a ``StoreError``."""
    try:
        yield
    except RankkitError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full() from error
        raise StoreError(
            f"cannot use the model cache {home()}: {error.strerror or error}",
            hint="Set RANKKIT_HOME to a folder that you may read and write.",
        ) from error


def size(count: int) -> str:
    """Bytes as a person reads them, in powers of ten: ``34.0 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
