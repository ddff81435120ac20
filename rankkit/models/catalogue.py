"""The models that rankkit knows by name. They are rows of ``catalogue.toml``: to add one, add a row there.

``RANKKIT_CATALOGUE`` may name a file with further rows of the same form (a company's own models on its own mirror).
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from rankkit.errors import ConfigError, UnknownModel, nearest
from rankkit.models.naming import key, served_hint
from rankkit.models.row import File as File
from rankkit.models.row import HubSource as HubSource
from rankkit.models.row import Kind as Kind
from rankkit.models.row import Row as Row
from rankkit.models.row import Source as Source
from rankkit.models.row import Terms as Terms
from rankkit.models.row import Wheel as Wheel
from rankkit.models.row import WheelSource as WheelSource

#: Bytes of a catalogue file. The one that comes with rankkit has 20 kB.
_LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class _Catalogue:
    model: tuple[Row, ...]

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


def parse(text: str, *, origin: str = "catalogue") -> tuple[Row, ...]:
    """Read rows from TOML.

    Raises:
        ConfigError: names the row and the field; also when two rows answer to one name.
    """
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # A ValueError besides TOMLDecodeError: a number of more digits than Python reads.
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise ConfigError(f"{origin} is not TOML: {reason}") from error
    try:
        read = TypeAdapter(_Catalogue).validate_python(raw).model
    except ValidationError as error:
        raise ConfigError(_first_problem(error, raw, origin)) from error
    return _distinct(read, origin)


def rows() -> tuple[Row, ...]:
    """All rows: those that came with rankkit, then those of ``RANKKIT_CATALOGUE``."""
    extra = os.environ.get("RANKKIT_CATALOGUE")
    if not extra:
        return _shipped()
    text = _read(Path(extra).expanduser())
    return _distinct((*_shipped(), *parse(text, origin=extra)), extra)


def find_exactly(name: str) -> Row | None:
    """The row of this very name, alias or repository, in any case of letters; ``None`` where there is none."""
    return next((row for row in rows() if name.lower() in row.known_as), None)


def find(name: str) -> Row:
    """The row of this name, as people type it: in any case of letters, with or without hyphens, by an alias, by the
    name or address of its hub repository, or of the one that its homepage shows. An exact name goes first.

    Raises:
        UnknownModel: names the nearest, or says that the model is one behind an API.
    """
    known = rows()
    wanted = key(name)
    exact = (row for row in known if name.lower() in row.known_as)
    alike = (row for row in known if wanted in {key(called) for called in row.known_as})
    shown = (row for row in known if wanted and wanted == key(row.homepage))
    for row in (*exact, *alike, *shown):
        return row
    meant = nearest(name.rpartition("/")[2], [called for row in known for called in (row.name, *row.aliases)])
    raise UnknownModel(
        f"{name[:200]!r} is not a model that rankkit knows, nor a folder or file here",
        hint=served_hint(name)
        or f"{meant} rankkit models list shows all; a path to a local folder or GGUF file works as well.",
    )


def _read(path: Path) -> str:
    """A user's own catalogue file. ``open`` would wait for ever on a pipe, and read for ever from a device."""
    hint = "Set RANKKIT_CATALOGUE to a TOML file of [[model]] rows, or unset it."
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            raise ConfigError(
                f"RANKKIT_CATALOGUE names {path}, which is not a file of at most {_LARGEST >> 20} MiB", hint=hint
            )
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"RANKKIT_CATALOGUE names {path}, which cannot be read: {reason}", hint=hint) from error


@cache
def _shipped() -> tuple[Row, ...]:
    text = resources.files("rankkit.models").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse(text, origin="catalogue.toml")


def _distinct(read: tuple[Row, ...], origin: str) -> tuple[Row, ...]:
    counts = Counter(name for row in read for name in row.known_as)
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if repeated:
        raise ConfigError(f"{origin}: more than one row answers to {', '.join(map(repr, repeated))}")
    return read


def _first_problem(error: ValidationError, raw: Mapping[str, object], origin: str) -> str:
    problem = error.errors(include_url=False)[0]
    where = list(problem["loc"])
    models = raw.get("model")
    if len(where) > 1 and isinstance(where[1], int) and isinstance(models, list) and isinstance(models[where[1]], dict):
        where[:2] = [f"row {str(models[where[1]].get('name', where[1]))[:100]!r}"]
    message = problem["msg"].removeprefix("Value error, ")
    # Keys of the file itself are among the places: they may be anything.
    places = [str(place) if str(place).isprintable() else repr(place) for place in where]
    return f"{origin}: {': '.join([*(place[:200] for place in places), message])}"
