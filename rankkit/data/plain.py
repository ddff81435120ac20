"""Any Python value as plain JSON: what a file or another program can read, whatever somebody put into metadata."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from typing import Any, TypeAlias

Plain: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None

#: Deeper than anything that people nest, and less than Python's own limit.
_DEPTH = 100


def plain(value: object, above: tuple[int, ...] = ()) -> Plain:
    """Numbers of other libraries become Python's, NaN and infinity ``None``, dates ISO 8601, bytes text, sets sorted
    lists, dataclasses mappings. Whatever else there is becomes its words, as does what holds itself; ``above`` has the
    identities of what the value is in.
    """
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Enum):
        return plain(value.value, (*above, id(value)))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value) if id(value) in above or len(above) > _DEPTH else _parts(value, (*above, id(value)))


def _parts(value: object, above: tuple[int, ...]) -> Plain:
    if isinstance(value, Mapping):
        return {_key(key): plain(item, above) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name), above) for one in fields(value)}
    if isinstance(value, set | frozenset):
        return sorted((plain(item, above) for item in value), key=str)
    # Arrays and scalars of numpy, torch and the like.
    for name in ("tolist", "item"):
        if callable(convert := getattr(value, name, None)):
            return plain(convert(), above)
    if isinstance(value, list | tuple) or (isinstance(value, Iterable) and hasattr(value, "__len__")):
        return [plain(item, above) for item in value]
    return str(value)


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(plain(key))
