"""How far probabilities can be believed: log loss, Brier score, expected calibration error, and from where on the
documents above a threshold are relevant often enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

#: Bins of equal width for the calibration error and the diagram, as Guo et al. (2017) draw it, with ten of them.
BINS = 10
#: A probability of 0 for a document that is relevant costs this much and not infinitely much.
_LEAST = 1e-15


@dataclass(frozen=True, slots=True)
class Bin:
    """Probabilities from ``low`` to below ``high`` (1 is in the last bin): how many, their mean, and the share of
    these documents that are relevant.
    """

    low: float
    high: float
    count: int
    mean_probability: float
    relevant: float


@dataclass(frozen=True, slots=True)
class CalibrationFigures:
    """Lower is better. ``ece`` is the mean distance, over documents, of a bin's mean probability from its share of
    relevant documents (Naeini et al. 2015).
    """

    log_loss: float
    brier: float
    ece: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class PrecisionPoint:
    """The lowest threshold above which documents are relevant at ``precision`` or more: the probability, and the
    raw score that stands for it. ``reached`` is the precision there, ``kept`` how many documents pass, and ``recall``
    the share of the relevant ones among them. All but ``precision`` are ``None`` where no threshold reaches it.
    """

    precision: float
    probability: float | None = None
    score: float | None = None
    reached: float | None = None
    recall: float | None = None
    kept: int | None = None


def figures_of(probabilities: Sequence[float], relevant: Sequence[bool], bins: int = BINS) -> CalibrationFigures:
    """Of at least one document."""
    rows = list(zip(probabilities, relevant, strict=True))
    losses = (-math.log(max(one if said else 1.0 - one, _LEAST)) for one, said in rows)
    squares = ((one - said) ** 2 for one, said in rows)
    filled = _bins(rows, bins)
    error = math.fsum(one.count * abs(one.mean_probability - one.relevant) for one in filled)
    count = len(rows)
    return CalibrationFigures(math.fsum(losses) / count, math.fsum(squares) / count, error / count, filled)


def _bins(rows: Sequence[tuple[float, bool]], bins: int) -> tuple[Bin, ...]:
    """Those with anything in them, from the lowest on."""
    inside: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for one, said in rows:
        inside[min(int(one * bins), bins - 1)].append((one, said))
    return tuple(
        Bin(
            place / bins,
            (place + 1) / bins,
            len(some),
            math.fsum(one for one, _ in some) / len(some),
            sum(said for _, said in some) / len(some),
        )
        for place, some in enumerate(inside)
        if some
    )


def at_precision(
    wanted: float, probabilities: Sequence[float], relevant: Sequence[bool], scores: Sequence[float]
) -> PrecisionPoint:
    """The threshold that keeps most: ``scores`` are the raw ones of the same documents."""
    rows = sorted(zip(probabilities, relevant, scores, strict=True), key=lambda row: -row[0])
    found = PrecisionPoint(wanted)
    kept = right = 0
    lowest = math.inf
    for probability, group in groupby(rows, key=lambda row: row[0]):  # equal ones pass together
        for _, said, score in group:
            kept, right, lowest = kept + 1, right + said, min(lowest, score)
        if right and right / kept >= wanted:
            found = PrecisionPoint(wanted, probability, lowest, right / kept, right / sum(relevant), kept)
    return found
