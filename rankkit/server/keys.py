"""Who may call: named keys, from a variable or from a file that is read again when it changes."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from rankkit.errors import ConfigError

logger = logging.getLogger("rankkit.server")

#: The variable with keys, separated by commas.
KEYS_ENV = "RANKKIT_API_KEYS"
#: A key that is shorter can be guessed.
_SHORTEST = 8


class Keys(Protocol):
    """Knows keys by their names."""

    def name_of(self, key: str) -> str | None:
        """The name of a key; ``None`` for one that is not valid (any more)."""


class FixedKeys:
    """Keys that stay as they are: ``{name: key}``. Only their digests are kept."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._digests = {name: _digest(key) for name, key in keys.items()}

    def name_of(self, key: str) -> str | None:
        # All of them are compared, each in constant time: how long it takes says nothing.
        given = _digest(key)
        found = [name for name, digest in self._digests.items() if hmac.compare_digest(digest, given)]
        return found[0] if found else None


class KeyFile:
    """The keys of a file, one a line (``name:key``, or a key by itself; ``#`` begins a comment). It is read again when
    it changes, so a line that is removed is a key that is revoked; while it cannot be read, the last ones hold.

    Raises:
        ConfigError: it cannot be read, or is wrong, when the server starts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self._keys = FixedKeys(read_keys(_text_of(path), str(path)))

    def name_of(self, key: str) -> str | None:
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            self._read_again()
        return self._keys.name_of(key)

    def _read_again(self) -> None:
        try:
            self._keys = FixedKeys(read_keys(_text_of(self._path), str(self._path), may_be_empty=True))
        except ConfigError as error:
            logger.error("the keys stay as they were: %s", error.message)
        else:
            logger.info("the keys were read again from %s", self._path)

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def keys_from(environment: Mapping[str, str], file: Path | None) -> Keys | None:
    """The keys of a file, else those of ``RANKKIT_API_KEYS``, else none at all.

    Raises:
        ConfigError: both are given, or what is given is wrong.
    """
    said = environment.get(KEYS_ENV, "")
    if file is not None and said.strip():
        raise ConfigError(f"keys are in {file} and in {KEYS_ENV}", hint="Give one of the two.")
    if file is not None:
        return KeyFile(file)
    return FixedKeys(read_keys(said.replace(",", "\n"), KEYS_ENV)) if said.strip() else None


def read_keys(text: str, where: str, *, may_be_empty: bool = False) -> dict[str, str]:
    """``{name: key}`` of lines. Keys without a name are called ``key-1``, ``key-2``, ... by their place.

    Raises:
        ConfigError: says which line is wrong, and never what it holds.
    """
    keys: dict[str, str] = {}
    lines = [line.strip() for line in text.splitlines()]
    for place, line in enumerate((line for line in lines if line and not line.startswith("#")), start=1):
        before, colon, after = line.partition(":")
        name, key = (before.strip(), after.strip()) if colon else (f"key-{place}", line)
        _check(name, key, f"key {place} of {where}")
        if name in keys:
            raise ConfigError(f"key {place} of {where} has the name of another one", hint="Give each its own name.")
        keys[name] = key
    if not keys and not may_be_empty:
        raise ConfigError(f"{where} has no key", hint="Write one a line: name:key.")
    return keys


def _check(name: str, key: str, where: str) -> None:
    if len(key) < _SHORTEST or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(
            f"{where} is no key: {_SHORTEST} or more visible ASCII characters are",
            hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    if not name or not all(char.isalnum() or char in "-_." for char in name):
        raise ConfigError(f"{where} has a name of other characters than letters, digits, '-', '_' and '.'")


def given_key(headers: Mapping[str, str]) -> str:
    """The key of a request as its client sends it: ``Authorization`` with ``Bearer`` or without, ``Api-Key`` or
    ``X-Api-Key``; ``""`` for none.
    """
    said = headers.get("authorization", "").strip()
    scheme, _, rest = said.partition(" ")
    if said:
        return rest.strip() if scheme.lower() == "bearer" else said
    return (headers.get("api-key") or headers.get("x-api-key") or "").strip()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"the keys of {path} cannot be read: {why}", hint="Write one a line: name:key.") from error
