"""A spec as a file, which read again is an equal spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tomli_w

from rankkit.config.spec import BaseSpec
from rankkit.errors import ConfigError


def as_table(spec: BaseSpec) -> dict[str, object]:
    """What the spec says, defaults left out, kinds and models always written, as JSON has it."""
    return {key: _plain(value, key) for key, value in spec.model_dump(exclude_defaults=True).items()}


def as_toml(spec: BaseSpec) -> str:
    """The same as TOML.

    Raises:
        ConfigError: ``extra_body`` holds a null, for which TOML has no word.
    """
    table = as_table(spec)
    _refuse_null(table, [])
    return tomli_w.dumps(table)


def _plain(value: object, key: str) -> object:
    """Limits that are not set are left out; those in ``extra_body`` are another's words, and are kept."""
    if isinstance(value, Mapping):
        kept = key.startswith("extra_body")
        inner = "extra_body" if kept else ""
        return {name: _plain(item, inner or str(name)) for name, item in value.items() if kept or item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item, key) for item in value]
    return value


def _refuse_null(value: object, path: Sequence[str]) -> None:
    if value is None:
        raise ConfigError(
            f"{'.'.join(path)} holds null, which TOML has no word for",
            hint="Keep this config as JSON: rankkit config show FILE --json.",
        )
    inside = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        _refuse_null(item, [*path, str(key)] if isinstance(value, Mapping) else path)
