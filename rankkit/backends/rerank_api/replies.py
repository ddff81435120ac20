"""What a rerank API's reply says, taken out of its JSON with every shape checked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rankkit.backends.http.hidden import status_of, tells_of_failure
from rankkit.backends.http.words import clean, said_in
from rankkit.backends.rerank_api.dialects import Dialect
from rankkit.core.ranking import clip
from rankkit.errors import InvalidReply

_LONGEST_WARNING, _MOST_WARNINGS = 200, 8
#: Where the tokens that were read and the units that are billed stand, whoever answers.
_TOKENS = (
    ("usage", "prompt_tokens"),
    ("usage", "total_tokens"),
    ("usage", "input_tokens"),
    ("meta", "tokens", "input_tokens"),
    ("meta", "billed_units", "input_tokens"),
    ("total_tokens",),
)
_UNITS = (("meta", "billed_units", "search_units"), ("usage", "search_units"), ("usage", "rerank_units"))
_TOKENS_HEADER = "x-compute-tokens"
#: Where ``rankkit serve`` has them in dialects whose bodies have no place for them.
_WARNINGS_HEADER = "x-rankkit-warnings"


@dataclass(frozen=True, slots=True)
class Counted:
    """The service's own count, ``None`` for what it does not say."""

    tokens: int | None
    units: float | None


def hidden_status_in(dialect: Dialect, body: Mapping[str, object]) -> int | None:
    """The status of an error that comes as a success; ``None`` for a reply that has results, or no error either."""
    if body.get(dialect.results):
        return None
    error = body.get("error") or body.get("errors")
    if not error and body.get("object") != "error" and not tells_of_failure(body):
        return None
    return status_of(error, body.get("base_resp"), body)


def read_scores(dialect: Dialect, body: Mapping[str, object], count: int) -> tuple[float, ...]:
    """One score for each of so many documents, in their order.

    Raises:
        InvalidReply: there is not one finite number for each document, once.
    """
    rows = body.get(dialect.results)
    if not isinstance(rows, list):
        fields = clip(clean(", ".join(body)), 200) or "none"
        raise _invalid(
            dialect, f"no list {dialect.results!r} in it (fields: {fields}; {clip(said_in(body).words, 200)})"
        )
    scores: dict[int, float] = {}
    for row in rows:
        index, score = _row(dialect, row, count)
        if index in scores:
            raise _invalid(dialect, f"document {index} has two results")
        scores[index] = score
    if missing := [index for index in range(count) if index not in scores]:
        few = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        raise _invalid(dialect, f"{len(scores)} results for {count} documents: none for {few}")
    return tuple(scores[index] for index in range(count))


def _row(dialect: Dialect, row: object, count: int) -> tuple[int, float]:
    if not isinstance(row, dict):
        raise _invalid(dialect, f"a result that is no object: {row!r:.80}")
    index, score = row.get("index"), row.get(dialect.score)
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
        raise _invalid(
            dialect, f"a result has the index {index!r:.40}, and there are {count} documents (0 to {count - 1})"
        )
    if not isinstance(score, int | float) or isinstance(score, bool):
        raise _invalid(dialect, f"the {dialect.score} of document {index} is no number: {score!r:.40}")
    # An integer of a thousand digits is no float.
    number = float(score) if isinstance(score, float) or abs(score) < 1 << 1000 else math.inf
    if not math.isfinite(number):
        raise _invalid(dialect, f"the {dialect.score} of document {index} is {number}")
    return index, number


def read_counts(body: Mapping[str, object], headers: Mapping[str, str]) -> Counted:
    """What the service says that it read and bills. No tokens for documents that were scored is no count."""
    tokens = next((found for path in _TOKENS if (found := _number(body, path))), None)
    said = headers.get(_TOKENS_HEADER, "")
    if tokens is None and said.isascii() and said.isdigit() and len(said) < 16:
        tokens = float(said) or None
    units = next((found for path in _UNITS if (found := _number(body, path)) is not None), None)
    return Counted(None if tokens is None else math.ceil(tokens), units)


def _number(value: object, path: tuple[str, ...]) -> float | None:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e15:
        return None
    return float(value)


def read_warnings(body: Mapping[str, object], headers: Mapping[str, str]) -> tuple[str, ...]:
    """What the service warns of, in its words, shortened."""
    meta = body.get("meta")
    inside = meta.get("warnings") if isinstance(meta, dict) else None
    places = (inside, body.get("warnings"), body.get("warning"), _parsed(headers.get(_WARNINGS_HEADER, "")))
    found = (warning for place in places for warning in _texts(place))
    return tuple(dict.fromkeys(clip(clean(text), _LONGEST_WARNING) for text in found))[:_MOST_WARNINGS]


def _parsed(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _texts(place: object) -> Iterator[str]:
    for item in place if isinstance(place, list) else [place]:
        if isinstance(item, str) and item.strip():
            yield item
        elif isinstance(item, dict):
            yield said_in(item).words


def _invalid(dialect: Dialect, seen: str) -> InvalidReply:
    return InvalidReply(
        f"a reply of {dialect.name} cannot be used: {seen}",
        hint="Check that api is the dialect that this server speaks; if it is, the service is at fault.",
    )
