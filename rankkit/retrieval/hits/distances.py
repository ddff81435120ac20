"""Distances and similarities: a vector search may give either, and only its user knows which."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from rankkit.errors import InputError, InvalidDocument, nearest
from rankkit.retrieval.hits.paths import is_absent

_Rule = Literal["negative", "cosine", "inverse"]
#: How a distance becomes a score, which is higher for what is nearer: ``negative`` is ``-d`` (with pgvector's ``<#>``
#: the inner product), ``cosine`` is ``1 - d`` (of a cosine distance, the cosine), ``inverse`` is ``1 / (1 + d)``.
DistanceScore: TypeAlias = _Rule | Callable[[float], float]


def score_from(rule: DistanceScore | None) -> Callable[[float], float] | None:
    """The function that a rule names; ``None`` for none: then a distance is no score.

    Raises:
        InputError: no rule is called so.
    """
    if rule is None or callable(rule):
        return rule
    if rule not in get_args(_Rule):
        raise InputError(f"distance_score is {rule!r}", hint=nearest(str(rule), get_args(_Rule)))
    return {"negative": _negative, "cosine": _cosine, "inverse": _inverse}[rule]


def finite(value: object, what: str) -> float | None:
    """A number as a plain float; ``None`` for none, for NaN and for what is infinite.

    Raises:
        InvalidDocument: it is something else.
    """
    if is_absent(value):
        return None
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise InvalidDocument(f"{what} is a number, not {value!r}")
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _negative(distance: float) -> float:
    return 0.0 - distance  # and not -0.0 of what is nearest


def _cosine(distance: float) -> float:
    return 1.0 - distance


def _inverse(distance: float) -> float:
    return 1.0 / (1.0 + distance)
