"""A spec as a file, which read again is an equal spec."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from rankkit.config.spec import BaseSpec
from rankkit.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def as_table(spec: BaseSpec) -> dict[str, object]:
    """What the spec says, defaults left out, kinds and models always told, as JSON has it."""
    return {key: _plain(value, key) for key, value in spec.model_dump(exclude_defaults=True).items()}


def as_toml(spec: BaseSpec) -> str:
    """The same as TOML.

    Raises:
        ConfigError: ``extra_body`` holds a null, for which TOML has no word.
    """
    return "\n".join(_lines(as_table(spec), ())).strip() + "\n"


def _plain(value: object, key: str) -> object:
    """Limits that are not set are left out; those in ``extra_body`` are another's words, and are kept."""
    if isinstance(value, Mapping):
        kept = key.startswith("extra_body")
        inner = "extra_body" if kept else ""
        return {name: _plain(item, inner or str(name)) for name, item in value.items() if kept or item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item, key) for item in value]
    return value


def _lines(table: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    """Plain values first: in TOML they would otherwise belong to the table before them."""
    for key, value in table.items():
        if not isinstance(value, Mapping) and not _is_tables(value):
            yield f"{_key(key)} = {_value(value, (*path, key))}"
    for key, value in table.items():
        inner = (*path, key)
        name = ".".join(map(_key, inner))
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]")
            yield from _lines(value, inner)
        elif _is_tables(value):
            for each in value:  # type: ignore[attr-defined]  # a list, as _is_tables says
                yield from ("", f"[[{name}]]")
                yield from _lines(each, inner)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: object, path: Sequence[str]) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _string(value)
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else f"{value}"
        case list():
            return f"[{', '.join(_value(item, path) for item in value)}]"
        case dict():
            pairs = (f"{_key(key)} = {_value(item, (*path, key))}" for key, item in value.items())
            return f"{{ {', '.join(pairs)} }}"
    raise ConfigError(
        f"{'.'.join(path)} holds {'null' if value is None else type(value).__name__}, which TOML has no word for",
        hint="Keep this config as JSON: rankkit config show FILE --json.",
    )


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
