"""Whether a request is tried again, and after how long."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Mapping

#: A server that asks to wait for longer, in seconds, is not waited for.
LONGEST_WAIT = 120.0
_FIRST_WAIT, _LONGEST_GUESS = 0.5, 8.0

_PASSING = frozenset({408, 409, 425, 429})
#: What a 429 says that no waiting helps against.
_LASTING = frozenset({"insufficient_quota", "billing_hard_limit_reached", "quota_exceeded"})


def passes(status: int, headers: Mapping[str, str], codes: tuple[str, ...] = ()) -> bool:
    """Whether an error of this status may be over at the next try. A server may say so itself."""
    said = headers.get("x-should-retry", "").lower()
    if said in ("true", "false"):
        return said == "true"
    return (status in _PASSING and not _LASTING & set(codes)) or status >= 500


def wait_before_next(tries: int, headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds to wait after so many tries: what the server asks for, or half a second, doubled each time up to 8, a
    quarter of it by chance so that many clients do not come back at once. ``None``: it asks for too long.
    """
    asked = asked_wait(headers, time.time() if now is None else now)
    if asked is None:
        guess: float = min(_FIRST_WAIT * 2 ** min(tries - 1, 10), _LONGEST_GUESS)
        return guess * (1 - random.random() / 4)
    return asked if asked <= LONGEST_WAIT else None


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """What ``Retry-After`` (seconds, or a date) or ``retry-after-ms`` says, in seconds, 0 or more."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            asked = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if asked == asked:  # not NaN
            return max(0.0, asked)
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, OverflowError):
        return None
    return max(0.0, date.timestamp() - now)
