"""Fields by their names, at the top or further inside: ``body``, ``article.body``, ``passages.text``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

_SHOWN = 20


def value_at(fields: Mapping[str, object], path: str) -> object:
    """What stands at a dotted path, or ``None``. A name with dots in it goes before a path; a list on the way gives a
    list of what its parts have.
    """
    if path in fields:
        return fields[path]
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        inner = fields.get(".".join(parts[:cut]))
        if (found := _inside(inner, ".".join(parts[cut:]))) is not None:
            return found
    return None


def has_path(fields: Mapping[str, object], path: str) -> bool:
    """Whether there is such a field, filled or not."""
    return path in fields or value_at(fields, path) is not None or path in set(names_of(fields))


def _inside(value: object, path: str) -> object:
    if isinstance(value, Mapping):
        return value_at(value, path)
    if isinstance(value, list | tuple):
        parts = [found for part in value if (found := _inside(part, path)) is not None]
        return [one for part in parts for one in (part if isinstance(part, list) else [part])] or None
    return None


def names_of(fields: Mapping[str, object]) -> Iterator[str]:
    """The names of all fields, those inside others too, as paths."""
    for name, value in fields.items():
        inner = value if isinstance(value, Mapping) else _first_mapping(value)
        if inner:
            yield from (f"{name}.{below}" for below in names_of(inner))
        else:
            yield str(name)


def _first_mapping(value: object) -> Mapping[str, object] | None:
    return value[0] if isinstance(value, list | tuple) and value and isinstance(value[0], Mapping) else None


def seen(many: Iterable[Mapping[str, object]]) -> str:
    """The names of fields as they came, for an error's words."""
    names = list(dict.fromkeys(name for fields in islice(many, 100) for name in names_of(fields)))
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) + more) or "none at all"


def is_absent(value: object) -> bool:
    """``None``, and what tables have in its place."""
    return (
        value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")
    )


def joined(value: object) -> object:
    """Strings of a list as one text, line by line; ``None`` for what is absent, anything else as it is."""
    if is_absent(value):
        return None
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview):
        parts = [part for part in value if part is not None]
        if all(isinstance(part, str) for part in parts):
            return "\n".join(str(part) for part in parts) if parts else None
    return value
