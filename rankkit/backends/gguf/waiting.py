"""How the compute threads of llama.cpp wait for each other, and how to keep them from holding up everybody else.

Its threads are those of OpenMP (GCC's ``libgomp``), which by default spin for a long time before they sleep. Alone,
that is the fastest; as soon as the CPUs are shared, each turn of the scheduler is lost to a thread that only waits.
Measured on two CPUs, three documents of a 135M model, two threads each: 0.34 s alone, and two such processes at once
17 s each; with a thousand turns (``GOMP_SPINCOUNT=1000``) 0.34 s and 0.70 s; without any (a passive policy) 0.48 s and
0.60 s.

The library reads the environment once, when it is loaded, so the setting is there for just that moment: neither other
libraries nor child processes inherit it. Whatever the user has set is left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SPIN_COUNT = "1000"
_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
#: Turns from which on a waiting thread keeps a CPU for longer than waking it would take.
_LONG = 100_000
_UNITS: Mapping[str, int] = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_PINNED = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY")
_HINT = "Start the process with OMP_WAIT_POLICY=passive"


@contextmanager
def waits_briefly() -> Iterator[None]:
    """Around the import that loads the library."""
    if any(name in os.environ for name in _VARIABLES):
        yield
        return
    os.environ["GOMP_SPINCOUNT"] = SPIN_COUNT
    try:
        yield
    finally:
        os.environ.pop("GOMP_SPINCOUNT", None)


def loaded_before(maps: Path = Path("/proc/self/maps")) -> bool:
    """Whether this process has the system's OpenMP library already: then its settings were read."""
    try:
        text = maps.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"/libgomp\.so[.0-9]*$", text, re.MULTILINE) is not None


def problem(environment: Mapping[str, str], *, too_late: bool) -> str:
    """What is wrong with how the threads will wait, and what to do, in words; ``""`` for nothing."""
    policy = environment.get("OMP_WAIT_POLICY", "").strip().lower()
    count = environment.get("GOMP_SPINCOUNT", "").strip().lower()
    pinned = [name for name in _PINNED if environment.get(name, "").strip().lower() not in ("", "false")]
    if policy == "active" or _is_long(count):
        setting = f"GOMP_SPINCOUNT={count}" if _is_long(count) else f"OMP_WAIT_POLICY={policy}"
        return (
            f"{setting} makes llama.cpp's threads spin while they wait: up to 50 times slower as soon as other work "
            "needs the CPUs. Unset it."
        )
    if too_late and not policy and not count:
        return (
            "OpenMP was loaded before rankkit could have llama.cpp's threads wait briefly: they spin, which is up to "
            f"50 times slower as soon as other work needs the CPUs. {_HINT}, or "
            "load a GGUF model with rankkit first."
        )
    if pinned:
        return (
            f"{', '.join(pinned)} ties llama.cpp's threads to CPUs: two processes are tied to the same ones, and wait "
            "for each other. Unset it where more than one runs."
        )
    return ""


def _is_long(count: str) -> bool:
    found = re.fullmatch(r"([0-9]+)\s*([kmgt]?)", count)
    if found is None:
        return count in ("infinity", "infinite")
    return int(found[1]) * _UNITS[found[2]] > _LONG
