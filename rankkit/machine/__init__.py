"""What this machine lends to the process: CPUs and memory, containers considered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.machine.cpus import available_cpus as available_cpus
    from rankkit.machine.memory import available_memory as available_memory
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "available_cpus": "rankkit.machine.cpus",
            "available_memory": "rankkit.machine.memory",
        },
    )
