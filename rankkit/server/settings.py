"""What the server allows: how much of everything, how long, and whom. Plain values with the defaults of the command."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields

from rankkit.errors import ConfigError

_MIB = 1024 * 1024

#: ``scheme://name:port``.
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s*?#@]+/?")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one request may be, and that all together may hold.

    ``body_bytes`` is that of one body and ``held_bytes`` of all that are read or waiting; ``body_seconds`` is how long
    a client may take to send it. ``nesting`` counts the brackets that stand open at once.
    """

    body_bytes: int = 8 * _MIB
    body_seconds: float = 20.0
    held_bytes: int = 256 * _MIB
    documents: int = 1000
    query_characters: int = 32_768
    characters: int = 8_000_000
    nesting: int = 32

    def __post_init__(self) -> None:
        _positive(self)


@dataclass(frozen=True, slots=True)
class Settings:
    """``in_flight`` requests are ranked at once, ``queue`` more may wait. ``deadline`` is in seconds, from the arrival
    of a request to its ranking; a client may ask for less, or for more up to ``longest_deadline``. ``threads`` is how
    many objects that have only ``rank`` work at once.

    ``allowed_hosts`` are the names that the ``Host`` header may have beside those that no page can take over (this
    machine's own, and addresses in numbers); ``"*"`` is any. ``allowed_origins`` are the pages that may call, as
    browsers write them.
    """

    limits: Limits = field(default_factory=Limits)
    in_flight: int = 32
    queue: int = 128
    deadline: float = 30.0
    longest_deadline: float = 300.0
    threads: int = 4
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _positive(self, but="queue")
        if self.queue < 0:
            raise ConfigError(f"a queue of {self.queue} is not possible", hint="Give 0 or more.")
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigError(
                    f"{origin!r} is no origin of a page, as browsers write it",
                    hint="Give scheme, name and, where it is not the scheme's own, port: https://app.example:8443.",
                )
        if self.deadline > self.longest_deadline:
            object.__setattr__(self, "longest_deadline", self.deadline)


def _positive(values: Limits | Settings, but: str = "") -> None:
    for one in fields(values):
        value = getattr(values, one.name)
        if isinstance(value, int | float) and one.name != but and not value > 0:
            raise ConfigError(f"{one.name} = {value!r} is not possible", hint="Give a number above 0.")
