"""Keys that show themselves to nobody, and that are taken out of what servers say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import NoReturn

from rankkit.backends.http.spellings import KeyFinder, merged
from rankkit.errors import ConfigError

#: A shorter key ("EMPTY", "none") is a stand-in for no key, and masking it would blot out ordinary words.
SHORTEST_SECRET = 6
MASK = "***"


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
        """The text with stars for each appearance of the key: as it is or in any case, with characters written as
        escapes of JSON, URLs or HTML, in full width or with accents, split over lines or by characters without ink, as
        hexadecimal digits, or within base64; and for each part of it that gives it away (``spellings.KeyFinder``).
        """
        return masked(text, (self,))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the text says too much."""
        return [] if len(self.reveal()) < SHORTEST_SECRET else self._finder.spans(text)

    @cached_property
    def _finder(self) -> KeyFinder:
        return KeyFinder(self.reveal())

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never written into a file or sent to another process")


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """With stars for all that shows one of the secrets, or two that share a part."""
    kept, at = [], 0
    for start, end in merged(span for secret in secrets for span in secret.spans(text)):
        kept += [text[at:start], MASK]
        at = end
    return "".join([*kept, text[at:]]) if kept else text


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
