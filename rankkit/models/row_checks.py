"""What the fields of a catalogue row may hold. A catalogue may be somebody else's file, so every field that becomes a
path, an address, a program's argument or words on a terminal is held to its form when the row is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from rankkit.errors import ConfigError

#: Names of models and their files are names in the cache folder: nothing that could lead out of it.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?<!\.)")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,254}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST_REPOSITORY = 96
#: Windows opens a device by these names, whatever the folder and the ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_MANIFEST = "rankkit.json"


def check(fine: object, otherwise: str) -> None:
    """Raises:
    ConfigError: unless ``fine``.
    """
    if not fine:
        raise ConfigError(otherwise)


def check_file_name(name: str) -> None:
    check(is_plain(name), f"file name {name!r} is not a plain file name")
    check(name.lower() != _MANIFEST, f"{name!r} is the name of rankkit's own record beside a model's files")


def is_plain(name: str) -> bool:
    """Whether it is a name and no path, on every system."""
    return bool(_PLAIN.fullmatch(name)) and not _DEVICES.fullmatch(name)


def check_alias(alias: str) -> None:
    check(
        _ALIAS.fullmatch(alias) and ".." not in alias, f"alias {alias!r} is neither a plain name nor owner/name of two"
    )


def check_members(files: Iterable[tuple[str, str]]) -> None:
    """``files`` leads from a model's own file names to paths inside an archive or a repository."""
    seen: dict[str, str] = {}
    for name, path in files:
        check_file_name(name)
        check(name.lower() not in seen, f"{seen.get(name.lower())!r} and {name!r} are one file on some systems' disks")
        seen[name.lower()] = name
        check_inner_path(path)


def check_inner_path(path: str) -> None:
    """A relative POSIX path that stays where it begins."""
    fine = len(path) <= 1024 and ":" not in path and "\\" not in path and not has_control(path)
    check(
        fine and not set(path.split("/")) & {"", ".", ".."},
        f"{path[:200]!r} is not a relative path with forward slashes and without '.', '..' or empty parts",
    )


def check_package(package: str, version: str) -> None:
    """What goes to pip: a name of PEP 508 and a version of PEP 440, never an option, an address or a path."""
    try:
        canonicalize_name(package, validate=True)
    except InvalidName as error:
        raise ConfigError(f"package {package[:200]!r} is not a name of a Python package (PEP 508)") from error
    # "\n" after the name would pass a pattern that ends in "$".
    check(package.isascii() and package == package.strip(), f"package {package[:200]!r} has white space around it")
    try:
        Version(version)
    except InvalidVersion as error:
        raise ConfigError(f"version {version[:200]!r} is not a version of a Python package (PEP 440)") from error
    check(version.isascii() and version == version.strip(), f"version {version[:200]!r} has white space around it")


def check_repository(repo: str, revision: str) -> None:
    fine = _REPOSITORY.fullmatch(repo) and len(repo) <= _LONGEST_REPOSITORY
    odd = any(pair in repo for pair in ("--", "..", "-/", "./")) or repo.endswith((".git", ".", "-"))
    check(fine and not odd, f"{repo[:200]!r} is not the name of a hub repository (owner/name)")
    parts = set(revision.split("/"))
    check(
        _REVISION.fullmatch(revision) and not parts & {"", ".", ".."} and ".." not in revision,
        f"{revision[:200]!r} is not the name of a revision: a commit, a branch or a tag",
    )


def is_commit(revision: str) -> bool:
    """Whether it names one state of a repository for good."""
    return bool(_COMMIT.fullmatch(revision))


def check_sha256(digest: str) -> None:
    """Empty, or 64 hexadecimal digits."""
    check(not digest or _SHA256.fullmatch(digest), f"{digest[:100]!r} is not a sha256")


def check_size(size: int | None, what: str) -> None:
    check(size is None or 0 < size < 1 << 53, f"{what} has {size} bytes, which cannot be")


def check_words(texts: Mapping[str, str]) -> None:
    """Words that are shown: none of the characters that steer a terminal."""
    for name, text in texts.items():
        check(not has_control(text.replace("\n", "")), f"{name} holds control characters: {text[:100]!r}")


def has_control(text: str) -> bool:
    """Control and format characters (direction marks among them), halves of surrogate pairs, line separators."""
    return any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text)
