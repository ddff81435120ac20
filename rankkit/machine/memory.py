"""How much memory this process may still take. A model that does not fit is killed by the system, without a word."""

from __future__ import annotations

import os
from pathlib import Path

from rankkit.machine import cgroups


def available_memory(root: Path = cgroups.SYSTEM) -> int | None:
    """Bytes that may still be taken: what the system has left, cut to the room in this process's control groups.

    Where the system does not say what is left (macOS), all of its memory counts; ``None`` where not even that is known
    (Windows).
    """
    known = [_system(root), *(_group(folder) for folder in cgroups.folders("memory", root))]
    return min((room for room in known if room is not None), default=None)


def _system(root: Path) -> int | None:
    for line in (cgroups.read(root / "proc/meminfo") or "").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            return int(amount.split()[0]) * 1024
    if root != cgroups.SYSTEM or not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _group(folder: Path) -> int | None:
    """Room in one control group. File pages count as room: the kernel drops them before it refuses memory."""
    for limit_name, used_name, prefix in (
        ("memory.max", "memory.current", ""),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    ):
        limit, used = cgroups.number(folder / limit_name), cgroups.number(folder / used_name)
        if limit is None or used is None:
            continue
        counts = dict(line.split() for line in (cgroups.read(folder / "memory.stat") or "").splitlines())
        pages = sum(int(counts.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
        return max(0, limit - used + pages)
    return None
