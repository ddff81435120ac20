"""Texts and ids that are there more than once, in memory that is small beside a collection of millions."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np


def digest(text: str) -> int:
    """64 bits of a text, white space at its ends and between words being all the same."""
    words = " ".join(text.split())
    return int.from_bytes(blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class Repeats:
    """Digests of texts or ids, in the order in which they were added. Eight bytes each."""

    def __init__(self) -> None:
        self._digests = array("Q")

    def add(self, text: str) -> None:
        """Add a text, or an id."""
        self._digests.append(digest(text))

    def repeated(self) -> frozenset[int]:
        """The digests that were added more than once."""
        values, counts = np.unique(np.frombuffer(self._digests, dtype=np.uint64), return_counts=True)
        return frozenset(int(value) for value in values[counts > 1])

    @property
    def more(self) -> int:
        """How many were added beyond the first of each."""
        return len(self._digests) - len(np.unique(np.frombuffer(self._digests, dtype=np.uint64)))


def pairs(rows: Iterable[tuple[str, str]], repeated: frozenset[int], most: int) -> list[tuple[str, str]]:
    """Of (name, text) rows, the names of texts that are in ``repeated``: each with the name of the first of that text.
    Ends when ``most`` are found.
    """
    first: dict[int, str] = {}
    found: list[tuple[str, str]] = []
    for name, text in rows:
        value = digest(text)
        if value in repeated and first.setdefault(value, name) is not name:
            found.append((name, first[value]))
            if len(found) == most:
                break
    return found
