"""Files that commands write: whole or not at all, never over data, never through a link that somebody put there."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from rankkit.data.lines import read_lines
from rankkit.errors import DataError, RankkitError


def check_writable(path: Path, what: str, looks_right: Callable[[str], bool], inputs: Iterable[Path] = ()) -> None:
    """Refuse a place where no file can be written, before work is done whose result would be lost.

    ``what`` is the kind of file ("a run"); ``looks_right`` says of its first line whether it is one: only such a file,
    or an empty one, is replaced. ``inputs`` are files that are being read.

    Raises:
        DataError: its folder is missing or may not be written to, or the path is a folder, one of the inputs, or a
            file of another kind.
    """
    if not path.parent.is_dir():
        raise DataError(f"{path}: there is no folder {path.parent}", hint="Make it first.")
    if path.is_dir():
        raise DataError(f"{path}: is a folder", hint="Give the name of a file.")
    if is_device(path):
        return
    if not os.access(path.parent, os.W_OK):
        raise DataError(f"{path}: the folder {path.parent} may not be written to", hint="Give another place.")
    if not path.exists():
        return
    if any(one.exists() and one.samefile(path) for one in inputs):
        raise DataError(f"{path}: is read as data, and would be lost", hint="Give another place.")
    try:
        first = next(read_lines(path), ("", ""))[1]
    except DataError:
        first = "?"
    if path.stat().st_size and not looks_right(first):
        raise DataError(
            f"{path}: there is a file already that is not {what}: {first[:60]!r}",
            hint="Give another place, or move it away.",
        )


def is_device(path: Path) -> bool:
    """Whether it is written through, not replaced: a terminal, a pipe, ``/dev/null``."""
    with contextlib.suppress(OSError):
        return not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()
    return False


def create_beside(path: Path, suffix: str) -> tuple[Path, IO[bytes]]:
    """A new file beside ``path``, called as it is with ``suffix`` (and a number where there is one of that name). What
    is there, a link too, is not opened.

    Raises:
        OSError: it cannot be made.
    """
    name = path.name[:200]
    for number in range(1, 1000):
        beside = path.with_name(f"{name}{suffix}" if number == 1 else f"{name}{suffix}-{number}")
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o666)
            return beside, os.fdopen(descriptor, "wb")
    raise FileExistsError(f"{name}{suffix} and 999 more are there")


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """Give a new file that takes the place of ``path`` when the block ends well; otherwise all stays as it was.

    Raises:
        DataError: it cannot be written.
    """
    try:
        if is_device(path):
            with path.open("wb") as device:
                yield device
            return
        partial, file = create_beside(path, f".{secrets.token_hex(4)}.partial")
        try:
            with file:
                yield file
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except RankkitError:  # of whoever writes: a store's is an OSError, too
        raise
    except OSError as error:
        raise _unwritten(path, error) from error


def replace_all(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: each takes its place when all of them are on the disk, or none does.

    Raises:
        DataError: one cannot be written.
    """
    with ExitStack() as stack:
        for path, content in contents.items():
            file = stack.enter_context(replaced(path))
            try:
                file.write(content)
                file.flush()
            except OSError as error:
                raise _unwritten(path, error) from error


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Give a new folder that takes the place of ``path`` when the block ends well; otherwise all stays as it was.

    Raises:
        DataError: it cannot be written.
    """
    beside = path.parent / f".{path.name[:200]}.{secrets.token_hex(4)}"
    partial, former = beside.with_name(f"{beside.name}.partial"), beside.with_name(f"{beside.name}.former")
    try:
        partial.mkdir()
        try:
            yield partial
            if path.exists():
                path.rename(former)
            try:
                partial.rename(path)
            except BaseException:
                if former.exists():
                    former.rename(path)
                raise
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        shutil.rmtree(former, ignore_errors=True)
    except RankkitError:  # of whoever writes: a store's is an OSError, too
        raise
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be written ({error.strerror or error})", hint="Give another place.")
