"""The combinations of a sweep: a config with some of its keys set to each of several values."""

from __future__ import annotations

import copy
import json
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from rankkit.config.kinds import Spec
from rankkit.config.loading import read_spec
from rankkit.config.spec import naming
from rankkit.config.writing import as_table
from rankkit.errors import ConfigError

#: Combinations that a sweep may have.
MOST = 200


@dataclass(frozen=True, slots=True)
class Combination:
    """One value for each key that is swept, and the spec that has them. ``name`` is what reports call it."""

    name: str
    values: Mapping[str, object]
    spec: Spec


def parse_sweep(rows: Iterable[str]) -> dict[str, list[object]]:
    """``["stages.1.drop_after=10,20"]`` as keys and their values. These are read as TOML; what TOML does not know is a
    string, so that quotes may be left out.

    Raises:
        ConfigError: a row is not of this form, or a key is there twice.
    """
    sweep: dict[str, list[object]] = {}
    for row in rows:
        key, sign, words = (part.strip() for part in row.partition("="))
        if not (key and sign and words):
            raise ConfigError(f"a sweep is KEY=VALUE,VALUE, not {row!r}", hint='As in "stages.1.drop_after=10,20".')
        if key in sweep:
            raise ConfigError(f"{key} is swept twice", hint="Give all of its values in one list.")
        sweep[key] = _values(words)
    return sweep


def _values(words: str) -> list[object]:
    try:
        return list(tomllib.loads(f"value = [{words}]")["value"])
    except tomllib.TOMLDecodeError:
        return [_value(word.strip()) for word in words.split(",")]


def _value(word: str) -> object:
    try:
        return tomllib.loads(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        return word


def combinations(spec: Spec, sweep: Mapping[str, Sequence[object]]) -> list[Combination]:
    """Each value of each key with each of the others, checked; the last key changes fastest.

    Raises:
        ConfigError: nothing is swept, a key is not in the config, the config refuses a value, or there are more than
            ``MOST`` combinations.
    """
    if not sweep:
        raise ConfigError("nothing is swept", hint='Name a key and its values: "stages.1.drop_after=10,20".')
    for key, values in sweep.items():
        _check_values(key, values)
    if (count := math.prod(map(len, sweep.values()))) > MOST:
        raise ConfigError(
            f"the sweep has {count} combinations; {MOST} is the most", hint="Sweep fewer keys at once, or fewer values."
        )
    table = as_table(spec)
    return [_combination(table, dict(zip(sweep, values, strict=True))) for values in product(*sweep.values())]


def _check_values(key: str, values: Sequence[object]) -> None:
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise ConfigError(f"{key}: the sweep needs a list of values (seen: {values!r:.80})")
    words = [_word(value) for value in values]
    if repeated := next((word for word in words if words.count(word) > 1), None):
        raise ConfigError(f"{key}: the sweep has {repeated} twice")


def _combination(table: Mapping[str, object], values: Mapping[str, object]) -> Combination:
    changed = copy.deepcopy(dict(table))
    name = ", ".join(f"{key}={_word(value)}" for key, value in values.items())
    with naming(f"the sweep, {name}"):
        for key, value in values.items():
            _set(changed, key, value)
        return Combination(name, values, read_spec(changed))


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _set(table: dict[str, object], key: str, value: object) -> None:
    """Set ``stages.1.budget.calls``. Items of lists count from 1; a table that is not there is made, and whether its
    keys are known is the spec's to say.
    """
    *way, last = key.split(".")
    inner: object = table
    for at, part in enumerate(way):
        if isinstance(inner, dict):
            if part not in inner and [*way, last][at + 1].isdigit():
                raise ConfigError(f"{key}: the config has no list {'.'.join(way[: at + 1])}")
            inner = inner.setdefault(part, {})
        else:
            items, place = _item(inner, part, ".".join(way[:at]), key)
            inner = items[place]
    if isinstance(inner, dict):
        inner[last] = value
    else:
        items, place = _item(inner, last, ".".join(way), key)
        items[place] = value


def _item(inner: object, part: str, before: str, key: str) -> tuple[list[object], int]:
    if not isinstance(inner, list):
        raise ConfigError(f"{key}: {before} is a value, with no keys inside")
    if not (part.isascii() and part.isdigit()) or not 1 <= int(part) <= len(inner):
        raise ConfigError(
            f"{key}: {before} has no item {part!r}", hint=f"Items count from 1; the config has {len(inner)} of them."
        )
    return inner, int(part) - 1
