"""What is known of one request while it goes through the server: for its log line, its metrics and its errors."""

from __future__ import annotations

import json
import logging
import math
import re
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field

from rankkit.server.exchange import Dialect

access = logging.getLogger("rankkit.access")

#: What a client may call a request: it goes into logs and headers.
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}\Z")


def request_id(given: str) -> str:
    """The client's own if it is well-formed, else a new one."""
    return given if _WELL_FORMED.match(given) else uuid.uuid4().hex


def shown_path(path: str, routes: Collection[str]) -> str:
    """As the log has it: one that is none of ``routes`` may hold a text or a key, so only the words of theirs stay."""
    if path in routes:
        return path
    words = {word for route in routes for word in route.split("/")}
    return "/".join(word if word in words else "*" for word in path[:100].split("/"))


@dataclass(slots=True)
class Record:
    """Names, numbers and times; never a text or a key."""

    id: str
    method: str
    path: str
    arrived: float = field(default_factory=time.monotonic)
    until: float = math.inf
    key: str = ""
    dialect: str = ""
    model: str = ""
    documents: int = 0
    queue_seconds: float = 0.0
    status: int = 0
    kind: str = ""
    warnings: int = 0
    tokens: int = 0
    #: What its replies are written in, as far as that is known.
    writer: Dialect | None = None

    @property
    def seconds(self) -> float:
        """Since it arrived."""
        return time.monotonic() - self.arrived

    @property
    def seconds_left(self) -> float:
        """Until its deadline, 0 if that is over."""
        return max(0.0, self.until - time.monotonic())

    def log(self) -> None:
        """One line of JSON."""
        if not access.isEnabledFor(logging.INFO):
            return
        said: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "request_id": self.id,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "ms": round(self.seconds * 1000, 1),
        }
        more = {"dialect": self.dialect, "model": self.model, "documents": self.documents, "tokens": self.tokens}
        more |= {"warnings": self.warnings, "error": self.kind, "key": self.key}
        if self.documents:
            said["queue_ms"] = round(self.queue_seconds * 1000, 1)
        access.info("%s", json.dumps(said | {name: value for name, value in more.items() if value}))
