"""Keys of a spec that are written down and that nothing would use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel

from rankkit.errors import ConfigError


def users_of_keys(keys_of: Iterable[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    """By key, who uses it, of pairs of a name and the keys that it uses."""
    users: dict[str, list[str]] = {}
    for name, keys in keys_of:
        for key in keys:
            if name not in users.setdefault(key, []):
                users[key].append(name)
    return users


def refuse_unused(spec: BaseModel, users: Mapping[str, Sequence[str]], chosen: str, what: str = "") -> None:
    """Refuse what was written and nothing would use. ``users`` says of each key who does; ``what`` they are, in words.

    Raises:
        ConfigError: names the key, and what it goes with.
    """
    for key, names in users.items():
        if chosen not in names and key in spec.model_fields_set and getattr(spec, key) is not None:
            raise ConfigError(f"{key} goes with {what}{' or '.join(names)}; this is {chosen}")
