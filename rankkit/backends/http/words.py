"""What a server says about an error, whatever the shape that it says it in.

Seen in the field: ``{"error": {"message": ...}}`` (OpenAI), a list around it (Google), ``{"error": "..."}``
(LM Studio), ``{"detail": ...}`` with a text or pydantic's list (FastAPI), ``{"errors": [...]}`` (Cloudflare), an object
as the message (Mistral), the JSON of another server as a text (gateways), a web page, plain text, nothing.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

#: All that is kept of a server's words, in characters.
LONGEST_WORDS = 20_000
#: How much of them an error's message quotes.
LONGEST_QUOTE = 2_000

#: Where words stand, the most telling first.
_WORDS = (
    "message msg status_msg error errors detail details error_description error_message errorMessage title reason "
    "description raw metadata body fault faultstring base_resp violations fieldViolations field_violations "
    "invalid_params"
).split()
_CODES = frozenset(
    "code field type status reason param error_type error_code errorCode blockReason block_reason".split()
)
_DEEPEST, _MOST_PARTS, _LONGEST_PAGE = 8, 12, 8_000

_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)?|\x1b.?")
_UNSEEN = re.compile(r"<(script|style|svg)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,500}>")


@dataclass(frozen=True, slots=True)
class Said:
    """``words`` are for people. ``codes`` are the short names that stand beside them ("content_filter", "seed")."""

    words: str
    codes: tuple[str, ...] = ()


def read_error(text: str) -> Said:
    """The words of an error's body."""
    value = _parsed(text)
    if value is not None:
        return said_in(value)
    if re.match(r"\s*(?:<!doctype|<html|<\?xml|<head|<body)", text, re.IGNORECASE):
        page = _TAG.sub(" ", _UNSEEN.sub(" ", text[:_LONGEST_PAGE]))
        return Said(clean(html.unescape(page)))
    return Said(clean(text))


def said_in(value: object) -> Said:
    """The same for a JSON value."""
    parts: list[str] = []
    for part in _words(value, 0):
        if len(parts) < _MOST_PARTS and part and not any(part in other for other in parts):
            parts.append(part)
    words = "; ".join(parts) or clean(_compact(value))
    return Said(words[:LONGEST_WORDS], tuple(dict.fromkeys(_codes(value, 0))))


def clean(text: str) -> str:
    """On one line, without control characters and what steers a terminal."""
    flat = _TERMINAL.sub("", text[:LONGEST_WORDS])
    kept = "".join(
        " " if character.isspace() else character
        for character in flat
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    return " ".join(kept.split())


def quoted(words: str) -> str:
    return words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1] + "…"


def _parsed(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _words(value: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        inner = _parsed(value) if value.lstrip()[:1] in ("{", "[") else None
        if isinstance(inner, dict | list):
            yield from _words(inner, depth + 1)
        else:
            yield clean(value)
    elif isinstance(value, list):
        for item in value[:_MOST_PARTS]:
            yield from _words(item, depth + 1)
    elif isinstance(value, dict):
        if isinstance(value.get("msg"), str) and isinstance(value.get("loc"), list):  # one of pydantic's
            yield clean(f"{'.'.join(map(str, value['loc'][:8]))}: {value['msg']}")
            return
        for name in _WORDS:
            if name in value:
                yield from _words(value[name], depth + 1)


def _codes(value: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = _parsed(value)
    if isinstance(value, list):
        for item in value[:_MOST_PARTS]:
            yield from _codes(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in list(value.items())[:100]:
            if name in _CODES and isinstance(item, str | int) and not isinstance(item, bool):
                yield clean(str(item)[:100]).lower()
            elif not isinstance(item, str) or name in _WORDS:
                yield from _codes(item, depth + 1)
        if isinstance(value.get("loc"), list):
            yield from (str(place)[:100].lower() for place in value["loc"][:8])


def _compact(value: object) -> str:
    try:
        return "" if value in ({}, [], None, "") else json.dumps(value, ensure_ascii=False)[:LONGEST_WORDS]
    except (ValueError, RecursionError):
        return ""
