"""How a ranking is carried out: where its calls run, and who follows it. It is handed down through every reranker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rankkit.core.async_workers import AsyncWorkers
from rankkit.core.events import OnEvent, listener
from rankkit.core.workers import ThreadWorkers, Workers


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. ``done`` and ``total`` count requests, ``answered`` counts questions; ``total`` is ``None``
    as long as nobody knows how many requests will come.
    """

    stage: str
    done: int
    total: int | None
    answered: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Execution:
    """``on_loop`` makes calls on the event loop of the task that ranks; otherwise they are made on threads. A
    ``rehearsal`` makes none that takes time (a plan), and is reported to nobody.
    """

    progress: OnProgress | None = None
    on_loop: bool = False
    rehearsal: bool = False
    on_event: OnEvent | None = field(default_factory=listener)

    def workers(self, count: int) -> Workers[Any, Any]:
        """For ``count`` pieces of work at once."""
        return AsyncWorkers(count) if self.on_loop else ThreadWorkers(count, inline=self.rehearsal)
