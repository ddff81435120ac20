"""The models that rankkit knows by name. They are rows of ``catalogue.toml``: to add one, add a row there.

``RANKKIT_CATALOGUE`` may name a file with further rows of the same form (a company's own models on its own mirror).
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, ValidationError

from rankkit.errors import ConfigError, UnknownModel, nearest
from rankkit.models import row_checks
from rankkit.models.naming import key, served_hint
from rankkit.models.row_checks import check

Kind = Literal["cross-encoder", "late-interaction", "bi-encoder", "seq2seq", "gguf"]

#: Bytes of a catalogue file. The one that comes with rankkit has 20 kB.
_LARGEST = 4 << 20
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model as it lies in the cache. ``bytes`` and ``sha256`` only where the file was seen."""

    name: str
    sha256: str = ""
    bytes: StrictInt | None = None

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def __post_init__(self) -> None:
        row_checks.check_file_name(self.name)
        row_checks.check_sha256(self.sha256)
        row_checks.check_size(self.bytes, self.name)


@dataclass(frozen=True, slots=True)
class Wheel:
    """``members`` leads from a model's file to a path inside the wheel. A file that several wheels of one source have
    is cut into pieces, and they are its pieces in order. ``sha256`` is the wheel's own.
    """

    package: str
    version: str
    members: Mapping[str, str]
    bytes: StrictInt | None = None
    sha256: str = ""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def __post_init__(self) -> None:
        row_checks.check_package(self.package, self.version)
        row_checks.check_members(self.members.items())
        row_checks.check_size(self.bytes, self.package)
        row_checks.check_sha256(self.sha256)


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Wheels on the Python package index that the user's pip is set up for. Their code is neither run nor installed."""

    kind: Literal["wheel"]
    wheel: tuple[Wheel, ...]

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def __post_init__(self) -> None:
        check(self.wheel, "a wheel source needs a wheel")

    @property
    def label(self) -> str:
        first, *others = self.wheel
        return f"wheel {first.package} {first.version}" + (f" and {len(others)} more" if others else "")

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for wheel in self.wheel for name in wheel.members)


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub. ``files`` leads from a model's file to a path inside the repository.

    Where ``revision`` is no commit, the first pull writes down which one it found (see ``records``).
    """

    kind: Literal["hub"]
    repo: str
    files: Mapping[str, str]
    revision: str = "main"

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def __post_init__(self) -> None:
        row_checks.check_repository(self.repo, self.revision)
        row_checks.check_members(self.files.items())

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

    def __post_init__(self) -> None:
        row_checks.check_words(url=self.url, text=self.text)


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
    max_length: StrictInt | None = None
    prompt: str = ""
    notes: str = field(default="", compare=False)

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def __post_init__(self) -> None:
        self._check_words()
        check(self.licence and self.homepage, "licence and homepage must be given")
        check(self.source, "a row needs a source")
        check(len({source.names for source in self.source}) == 1, "all sources must give the same files")
        names = self.source[0].names
        check(names, "a source needs files")
        listed = [file.name for file in self.file]
        check(set(listed) <= names, f"file rows that no source gives (they give {sorted(names)})")
        check(len(set(listed)) == len(listed), f"two rows for one file among {sorted(listed)}")
        check(
            self.unseen != "" or all(file.sha256 for file in self.files), "no checksum, and no `unseen` with a reason"
        )
        check(
            self.kind != "gguf" or (len(names) == 1 and next(iter(names)).lower().endswith(".gguf")),
            "a gguf model is one file, whose name ends in .gguf",
        )
        check(self.max_length is None or self.max_length > 0, f"max_length {self.max_length} is not possible")

    def _check_words(self) -> None:
        check(
            row_checks.is_plain(self.name),
            f"{self.name[:200]!r} is not a plain name (letters, digits, '.', '_', '-'; 128 at most)",
        )
        for alias in self.aliases:
            row_checks.check_alias(alias)
        row_checks.check_words(
            title=self.title,
            licence=self.licence,
            homepage=self.homepage,
            languages=" ".join(self.languages),
            unseen=self.unseen,
            prompt=self.prompt,
            notes=self.notes,
        )

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
