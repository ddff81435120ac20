"""Why a body cannot be read, in words: the field, what was seen, what is allowed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rankkit.core.printing import clip
from rankkit.core.text import without_surrogates
from rankkit.server.exchange import Problem, WireError

#: How deep objects and lists may lie in one another.
_DEPTH = 32


def refused(field: str, words: str, kind: str = "invalid_request") -> WireError:
    """The error for a field of the body, which a path with dots may name: ``documents.3``."""
    return WireError(Problem(422, kind, f"{field}: {words}", param=field))


def seen(value: Any) -> str:
    """What a client sent, short enough to be sent back to it."""
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    return clip(json.dumps(value, ensure_ascii=False, default=str), 60)


def problem_of(error: ValidationError) -> WireError:
    """All that pydantic found, the first three in words."""
    found = error.errors(include_url=False, include_context=False)
    lines = [_line(item["loc"], item["msg"], item["type"], item["input"]) for item in found[:3]]
    more = [f"and {len(found) - 3} more"] if len(found) > 3 else []
    first = clip(str(found[0]["loc"][0]), 60) if found[0]["loc"] else None
    return WireError(Problem(422, "invalid_request", "; ".join([*lines, *more]), param=first))


def _line(path: tuple[int | str, ...], message: str, kind: str, value: Any) -> str:
    words = message.removeprefix("Input ").removeprefix("Value error, ")
    start = f"{clip('.'.join(map(str, path)), 60)}: {words[:1].lower()}{words[1:]}"
    return start if kind == "missing" else f"{start} (seen: {seen(value)})"


def cleaned(value: Any, path: str = "", depth: int = 0) -> Any:
    """A copy of what JSON holds that can be written again: halves of characters (lone surrogates) are read as U+FFFD.

    Raises:
        WireError: NaN or an infinite number, which is no JSON though Python reads it, or too many levels.
    """
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise refused(path or "body", f"a number is finite (seen: {value})")
    if not isinstance(value, list | dict):
        return value
    if depth == _DEPTH:
        raise refused(path or "body", f"objects and lists lie more than {_DEPTH} deep in one another")
    if isinstance(value, list):
        return [cleaned(one, path or "body", depth + 1) for one in value]
    return {without_surrogates(key): cleaned(one, path or clip(key, 60), depth + 1) for key, one in value.items()}
