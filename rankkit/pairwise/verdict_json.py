"""The verdict in an answer that is a JSON object: ``{"answer": "B", "reason": "..."}``."""

from __future__ import annotations

import json
import re
from typing import Final

#: JSON that gives no verdict: nothing else in the answer is one either.
NO_VERDICT: Final = "\0"

_KEY = re.compile(
    r"(?:my|the|final|correct)?(?:answer|choice|chosen|winner|verdict|selection|selected|preference|preferred|decision|result"
    r"|output|label|better|best|morerelevant|mostrelevant|pick)(?:is)?(?:passage|document|option|label|id)?"
)
_BEGUN = re.compile(r"\{\s*\"(?P<key>[^\"]{1,40})\"\s*:\s*\"(?P<value>[^\"]{1,40})\"\s*(?P<more>[,}])")
_DEEPEST = 4
#: Keys that say whether the answer holds, and what denies it.
_JUDGES = re.compile("relevant|correct|right|valid", re.IGNORECASE)
_NO = frozenset(("no", "false", "irrelevant", "none", "0"))


def verdict_of_json(text: str) -> tuple[str, str] | None:
    """The text under the one key that names a winner, or ``NO_VERDICT`` for an object without, and the words around the
    object; ``None`` where there is no object. One that was cut off behind its first value counts with that.
    """
    start, end = text.find("{"), text.rfind("}")
    if text[:1] == "[" and start > 0:
        start, end = 0, text.rfind("]")
        if not text[1:].lstrip().startswith("{"):
            return None
    elif start < 0 or not (text[start + 1 :].lstrip() or "x").startswith(('"', "}")):
        return None
    try:
        held = json.loads(text[start : end + 1], object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        begun = _BEGUN.match(text, start) if text.count("{") == 1 else None
        return (begun["value"] if begun and _names_a_winner(begun["key"]) else NO_VERDICT), text[:start]
    objects = held if isinstance(held, list) and not isinstance(held, _Pairs) else [held]
    values = {value for one in objects if isinstance(one, _Pairs) for value in _values(one, _DEEPEST)}
    return (values.pop() if len(values) == 1 else NO_VERDICT), f"{text[:start]}\n{text[end + 1 :]}"


class _Pairs(list[tuple[str, object]]):
    """An object as it was written: a key that comes twice does not hide the first."""


def _values(held: _Pairs, depth: int) -> list[str]:
    """What stands under keys that name a winner. ``{"answer": "A", "correct": false}`` takes it back."""
    if any(value is False or (_JUDGES.search(key) and str(value).strip().lower() in _NO) for key, value in held):
        return []
    found: list[str] = []
    for key, value in held:
        if isinstance(value, _Pairs) and depth:
            found += _values(value, depth - 1)
        elif isinstance(value, list) and not isinstance(value, _Pairs) and len(value) == 1:
            found += _values(_Pairs([(key, value[0])]), depth - 1) if depth else []
        elif _names_a_winner(key):
            found.append(str(value))
    return found


def _names_a_winner(key: str) -> bool:
    return _KEY.fullmatch(re.sub(r"[\W_]+", "", key).lower()) is not None
