"""How many CPUs this process may really use. More compute threads than that make each other slower, severalfold."""

from __future__ import annotations

import os
from pathlib import Path

from rankkit.machine import cgroups

#: The most CPUs that this process should use: its share where several work side by side.
CPUS_ENV = "RANKKIT_CPUS"


def available_cpus(root: Path = cgroups.SYSTEM) -> int:
    """CPUs that this process may run on, at least 1: those its affinity allows, cut to the quota of its control groups
    and to ``RANKKIT_CPUS``.

    A quota of 1.5 CPUs counts as 1: a second thread would spend part of its time waiting, and the first waiting for it.
    """
    limits = [_allowed(), _quota(root), _share(os.environ.get(CPUS_ENV, ""))]
    return max(1, min(int(limit) for limit in limits if limit is not None))


def _share(said: str) -> int | None:
    """A number of CPUs, or no limit where it is none."""
    return int(said) if said.strip().isdecimal() and int(said) > 0 else None


def _allowed() -> int:
    process_cpu_count = getattr(os, "process_cpu_count", None)  # Python 3.13 and later
    if process_cpu_count is not None:
        return process_cpu_count() or 1
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _quota(root: Path) -> float | None:
    """The tightest CPU quota of all control groups around this process, in CPUs; ``None`` for no quota."""
    quotas = [_group_quota(folder) for folder in cgroups.folders("cpu", root)]
    return min((quota for quota in quotas if quota is not None), default=None)


def _group_quota(folder: Path) -> float | None:
    version_2 = (cgroups.read(folder / "cpu.max") or "").split()
    if len(version_2) == 2 and all(part.isdecimal() for part in version_2) and int(version_2[1]) > 0:
        return int(version_2[0]) / int(version_2[1])
    quota = cgroups.number(folder / "cpu.cfs_quota_us")
    period = cgroups.number(folder / "cpu.cfs_period_us")
    if quota is not None and period is not None and quota > 0 and period > 0:  # -1 is "no quota"
        return quota / period
    return None
