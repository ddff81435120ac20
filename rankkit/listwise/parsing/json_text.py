"""JSON in an answer: alone, as lines of objects, with commas between objects, or between words."""

from __future__ import annotations

import json
import re

from rankkit.listwise.parsing.identifiers import Alphabet

_BEGINS = re.compile(r"\[\s*\{|\{\s*\"")
#: An object with an identifier and a score, in text that is no JSON as a whole (cut off, a comma too many).
_SCORED = re.compile(
    r"\{(?:[^{}\[\]]|\[\w{1,9}\]){0,200}?[\"'][^\"'\n]{0,30}(?:score|relevance|confidence|probability|rating)"
    r"[^\"'\n]{0,30}[\"']\s{0,4}:\s{0,4}[\"']?-?[0-9]",
    re.IGNORECASE,
)
_FIRST_SCORE = re.compile(r"\{\s{0,8}[\"']?(?P<key>[^\"'\n:]{1,30})[\"']?\s{0,4}:\s{0,4}[\"']?-?[0-9]")


class Number(str):
    """A number as it was written, so that "3" and 3 stay apart."""

    __slots__ = ()


def json_in(text: str) -> tuple[object, bool]:
    """The value of an answer that is JSON, or of the JSON within it, and whether there are words beside it; ``None``
    where there is none.
    """
    value = _loaded(text)
    if value is None and (begun := _BEGINS.search(text)):
        return _embedded(text, begun.start()), True
    return value, False


def broken_scores(text: str, alphabet: Alphabet) -> bool:
    """Whether a text that is no JSON holds scores as JSON writes them."""
    first = _FIRST_SCORE.match(text)
    cut = first is not None and alphabet.pattern.fullmatch(first["key"].strip()) is not None
    return cut or _SCORED.search(text) is not None


def _loaded(text: str) -> object:
    if text[:1] + text[-1:] not in ("[]", "{}"):
        return None
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except (ValueError, RecursionError):
        pass
    lines = [line.strip().rstrip(",") for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(line[0] + line[-1:] == "{}" for line in lines):
        rows = [_loaded(line) for line in lines]  # JSON lines
        return None if None in rows else rows
    # Objects with commas between, and no list around them.
    return _loaded(f"[{text}]") if text[0] == "{" and len(lines) == 1 else None


def _embedded(text: str, start: int) -> object:
    try:
        decoder = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=Number)
        value: object
        value, _ = decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return value
