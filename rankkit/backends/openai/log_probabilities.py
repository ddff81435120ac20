"""The log-probabilities of a reply's first token, as servers write them: numbers, texts, null, -9999, NaN."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

#: Servers write a number like this for a token that is outside what they show.
NOT_SHOWN = -9999.0

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shown:
    """Natural-log probabilities of tokens, and how many values were left out, by what they were: ``null``, ``not
    finite``, ``not shown`` (-9999), ``no number``, ``no token``.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """One for each value that was left out."""
        kinds = sorted(self.left_out)
        return tuple(f"log-probability left out: {kind}" for kind in kinds for _ in range(self.left_out[kind]))

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.left_out.items()))
        return f"{len(self.values)} log-probabilities" + (f", left out: {kinds}" if kinds else "")


def read_shown(logprobs: object) -> Shown | None:
    """The alternatives of the first token: a chat's list of objects, or a plain completion's mapping. ``None`` where
    there are none.
    """
    values: dict[str, float] = {}
    left_out: Counter[str] = Counter()
    for token, written in _pairs(logprobs):
        value = _number(written)
        if not isinstance(token, str):
            left_out["no token"] += 1
        elif isinstance(value, str):
            left_out[value] += 1
        elif text := token.replace("▁", " ").replace("Ġ", " "):  # how some tokenizers mark a leading space
            values[text] = max(value, values.get(text, -math.inf))
        # A token without text is a control token.
    return Shown(values, dict(left_out)) if values or left_out else None


def _pairs(logprobs: object) -> Iterator[tuple[object, object]]:
    if not isinstance(logprobs, dict):
        return
    content, top = logprobs.get("content"), logprobs.get("top_logprobs")
    if isinstance(content, list) and content and isinstance(content[0], dict):
        rows = content[0].get("top_logprobs")
        for row in rows if isinstance(rows, list) else []:
            yield (row.get("token"), row.get("logprob")) if isinstance(row, dict) else (None, None)
    elif isinstance(top, list) and top and isinstance(top[0], dict):
        yield from top[0].items()


def _number(written: object) -> float | str:
    """The number, or what stands in its place."""
    if written is None:
        return "null"
    if isinstance(written, str):
        text = written.strip()
        if _NOT_FINITE.fullmatch(text):
            return "not finite"
        written = float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(written, bool) or not isinstance(written, int | float):
        return "no number"
    try:
        value = float(written)
    except OverflowError:  # an integer of hundreds of digits
        return "not finite"
    if not math.isfinite(value):
        return "not finite"
    return value if value > NOT_SHOWN else "not shown"


def first_differing(continuations: Sequence[str], shown: Mapping[str, float]) -> tuple[float | None, ...]:
    """What the first token tells about each continuation: the log-probability of the shown token that it starts with.

    That is exact for a continuation of one token. For a longer one it is the probability of its first token, an upper
    bound, and given only if no *other* continuation starts with that token: where they part later, as "[1]" and
    "[12]" may, the first token cannot tell them apart and both get ``None``.
    """
    return tuple(_first_of(continuation, continuations, shown) for continuation in continuations)


def _first_of(continuation: str, continuations: Sequence[str], shown: Mapping[str, float]) -> float | None:
    if continuation in shown:
        return shown[continuation]
    others = [other for other in continuations if other != continuation]
    starts = [
        token
        for token in shown
        if continuation.startswith(token) and not any(other.startswith(token) for other in others)
    ]
    return max((shown[token] for token in starts), default=None)
