"""Keys that show themselves to nobody, and that are taken out of what servers say."""

from __future__ import annotations

import base64
import html.entities
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import NoReturn

from rankkit.errors import ConfigError

#: A shorter key ("EMPTY", "none") is a stand-in for no key, and masking it would blot out ordinary words.
SHORTEST_SECRET = 6
MASK = "***"

#: What may stand between two characters of a key that is split over lines, as text or escaped.
_GAP = r"(?:\s|\\{1,4}[nrt]|%(?:25)?(?:0[ad]|20)|<br ?/?>){0,4}"
#: A piece of base64 of fewer characters is too likely to be something else.
_SHORTEST_PIECE = 8
_ENTITIES: Mapping[str, str] = {value: name.rstrip(";") for name, value in html.entities.html5.items()}


class Secret:
    """A key that shows itself to nobody who does not ask: not in reprs, not in pickles."""

    def __init__(self, value: str) -> None:
        if not value or not all("!" <= character <= "~" for character in value):
            raise ConfigError(
                "the key is empty, or holds a character that no HTTP header may hold",
                hint="Often a line break at its end: strip it.",
            )
        self._reveal: Callable[[], str] = lambda: value  # no attribute holds it: ``vars`` does not show it

    def reveal(self) -> str:
        return self._reveal()

    def mask(self, text: str) -> str:
        """The text with each appearance of the key replaced by stars: as it is or in any case, with characters written
        as escapes of JSON, URLs or HTML, split over lines, as hexadecimal digits, or within base64.
        """
        return text if len(self.reveal()) < SHORTEST_SECRET else self._pattern.sub(MASK, text)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        value = self.reveal()
        written = _GAP.join(map(_character, value))
        digits = r"(?:[\s:,-]|\\x|0x){0,3}".join(f"{ord(character):02x}" for character in value)
        pieces = ("(?:\\s|\\\\{1,4}[nr]){0,4}".join(map(re.escape, piece)) for piece in _in_base64(value))
        return re.compile("|".join([written, digits, *pieces]), re.IGNORECASE)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never written into a file or sent to another process")


def masked(text: str, secrets: Iterable[Secret]) -> str:
    for secret in secrets:
        text = secret.mask(text)
    return text


def masked_value(value: object, secrets: tuple[Secret, ...]) -> object:
    """A JSON value with the keys taken out of all its strings, names of fields included.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, str):
        return masked(value, secrets)
    if isinstance(value, list):
        return [masked_value(item, secrets) for item in value]
    if isinstance(value, dict):
        return {masked(name, secrets): masked_value(item, secrets) for name, item in value.items()}
    return value


def _character(character: str) -> str:
    """One character of a key, in each way that it is written."""
    code = ord(character)
    ways = [
        re.escape(character),
        rf"\\{{1,4}}(?:u00|x){code:02x}",
        rf"\\{{1,4}}{re.escape(character)}",
        rf"%(?:25){{0,2}}{code:02x}",
        rf"&(?:amp;)?#(?:0{{0,4}}{code}|x0{{0,4}}{code:x});?",
    ]
    if character in _ENTITIES:
        ways.append(rf"&(?:amp;)?{_ENTITIES[character]};?")
    return f"(?:{'|'.join(ways)})"


def _in_base64(value: str) -> Iterator[str]:
    """The characters that a key has in base64 wherever it stands in what was encoded ("Bearer ...", "user:...")."""
    raw = value.encode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        start = -(-before * 8 // 6)
        end = (before + len(raw)) * 8 // 6
        piece = encoded[start:end]
        if len(piece) >= _SHORTEST_PIECE:
            yield piece
            if piece.translate(_URL_SAFE) != piece:
                yield piece.translate(_URL_SAFE)


_URL_SAFE = str.maketrans("+/", "-_")
