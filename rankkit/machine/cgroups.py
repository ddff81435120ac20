"""Reads the limits that Linux control groups put on this process: what containers and batch systems use.

Every function takes the folder under which ``proc`` and ``sys`` stand, so that a test can lay out its own. Elsewhere
than on Linux nothing is there, and nothing is limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

SYSTEM = Path("/")


def folders(controller: str, root: Path = SYSTEM) -> Iterator[Path]:
    """The group folders that govern this process for ``controller`` (``"cpu"``, ``"memory"``), the innermost first.

    Both layouts are covered: one tree for all controllers (version 2), or one tree each (version 1). A limit may sit
    on any level, and inside a container the path that the kernel gives may not be mounted, so all parents are given.
    """
    for line in (read(root / "proc/self/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            top = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            top = root / "sys/fs/cgroup" / controller
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            yield top.joinpath(*parts[:depth])


def read(file: Path) -> str | None:
    """The text of a kernel file, ``None`` where it is absent or closed to us."""
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def number(file: Path) -> int | None:
    """The whole number in a kernel file; ``None`` where there is none (``max``, say)."""
    text = read(file) or ""
    try:
        return int(text)
    except ValueError:
        return None
