"""What happens while something is ranked, for those who watch: logs, traces, metrics.

::

    with rankkit.listening(spans.on_event):     # in this thread or task, and in all that works for it
        reranker.rank(request)

An event never holds a text or a key: stages, query ids, numbers, and names of errors. The logger ``rankkit`` has the
same without being asked: INFO for a stage, DEBUG for a call, WARNING for a failure that a ranking survived.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from rankkit.core.usage import Usage

logger = logging.getLogger("rankkit")

Kind = Literal["stage started", "stage ended", "call started", "call ended"]


@dataclass(frozen=True, slots=True)
class Event:
    """A beginning or an end; the two have the same ``id``. A call's ``parent`` is its stage.

    ``at`` is in seconds since the epoch; ``usage`` and ``error`` (the name of its class) are known at the end.
    """

    kind: Kind
    id: int
    stage: str
    query_id: str
    parent: int | None = None
    at: float = field(default_factory=time.time)
    usage: Usage | None = None
    error: str = ""


OnEvent = Callable[[Event], None]

_listener: ContextVar[OnEvent | None] = ContextVar("rankkit_listener", default=None)
_numbers = itertools.count(1)


def new_id() -> int:
    """A number for a stage or a call, unlike all others of this process."""
    return next(_numbers)


@contextmanager
def listening(on_event: OnEvent) -> Iterator[None]:
    """Have every event inside the block passed to ``on_event``, by whichever thread it happens on."""
    token = _listener.set(on_event)
    try:
        yield
    finally:
        _listener.reset(token)


def listener() -> OnEvent | None:
    return _listener.get()
