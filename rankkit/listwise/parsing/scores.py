"""Telling scores from identifiers in lines such as ``1: 2``, ``Passage 3: 5/10`` and ``[1] = 9``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from rankkit.listwise.parsing.identifiers import Alphabet

#: One passage and a number behind it, and nothing else.
_SCORED = re.compile(
    r"[\s>*•-]{0,6}(?P<counted>\d{1,3}[.)] )?(?:[A-Za-z]{1,12} ?#?)?[\[(]{0,2}(?P<label>\w{1,4})[\])]{0,2}"
    r"(?: ?(?:[:=,]|[-–—] ) ?| (?=\()|(?P<touching>(?<=\]) ))\(?"
    r"(?P<named>(?:(?:score|relevance|relevancy|rating|confidence|points)[: =]{1,3}(?:of )?){1,2})?"
    r"(?P<number>\d{1,6}(?:\.\d{1,6})?)(?: ?/ ?\d{1,4}| points?| ?%)?\)?[\s.,;]{0,4}",
    re.IGNORECASE,
)
_PIECES = re.compile(r"\n|;|(?<=[\d)%]),? (?=\[)")
_HEAD = re.compile(r"\s*[A-Za-z ]{1,30}:\s*(?=\[)")


def scored_lines(text: str, alphabet: Alphabet) -> bool:
    """Whether the answer goes through the passages in the prompt's order and gives each a number that is called a
    score, or is no place and no passage: one that comes twice, or that no passage has. ``[1] 2`` may be either.
    """
    head = _HEAD.match(text)
    pieces = [piece for piece in _PIECES.split(text[head.end() :] if head else text) if any(map(str.isdigit, piece))]
    found = [_SCORED.fullmatch(piece) for piece in pieces]
    labels = [match["label"] for match in found if match is not None]
    numbers = [match["number"] for match in found if match is not None]
    if len(labels) < 2 or len(labels) < len(pieces):
        return False
    positions = [alphabet.position(label) for label in labels]
    if None in positions or positions != sorted(set(positions), key=lambda place: place or 0):
        return False
    known = [match for match in found if match is not None]
    if all(match["counted"] for match in known) and _falls([float(number) for number in numbers]):
        return False
    if any(match["named"] or match["touching"] for match in known):
        return True
    return len(set(numbers)) < len(numbers) or any(alphabet.position(number) is None for number in numbers)


def _falls(numbers: Sequence[float]) -> bool:
    """Whether scores go with the list that they stand in."""
    return all(before >= after for before, after in pairwise(numbers)) and numbers[0] > numbers[-1]
