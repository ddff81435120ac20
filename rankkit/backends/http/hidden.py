"""Errors that servers and gateways send as a success: what gives them away, and the status that they ought to have."""

from __future__ import annotations

from collections.abc import Mapping


def tells_of_failure(body: Mapping[str, object]) -> bool:
    """Whether a reply without an answer is an error under another name."""
    return any(body.get(name) for name in ("base_resp", "detail", "msg", "message")) or body.get("success") is False


def status_of(*places: object) -> int:
    """The status that an error names, or that its names stand for; 500 where there is nothing to go by."""
    rows = [row for place in places for row in (place if isinstance(place, list) else [place]) if isinstance(row, dict)]
    codes = [row.get(name) for row in rows for name in ("status", "status_code", "code", "type", "status_msg")]
    for code in codes:
        number = int(code) if isinstance(code, str) and code.isdigit() and len(code) == 3 else code
        if isinstance(number, int) and 400 <= number <= 599:
            return number
    names = " ".join(code.lower() for code in codes if isinstance(code, str))
    return next((status for words, status in _STATUSES if any(word in names for word in words)), 500)


#: What the names of errors without a status mean.
_STATUSES: tuple[tuple[tuple[str, ...], int], ...] = (
    (("rate_limit", "ratelimit", "rate limit", "too_many", "resource_exhausted"), 429),
    (("overloaded", "unavailable"), 503),
    (("timeout", "deadline"), 504),
    (("authentication", "unauthenticated", "permission", "invalid_api_key", "unauthorized"), 401),
    (("not_found", "notfound"), 404),
    (("invalid", "bad_request", "badrequest", "unsupported", "content", "filter", "context_length", "failed_pre"), 400),
)
