"""From a raw score to a probability of relevance: what a calibration has fitted, applied without any library.

Every map rises, or at least never falls, with the score, gives a number in [0, 1] for every finite score, and looks at
nothing but that score.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol, get_args

from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError
from rankkit.judging.batched import logistic

#: As what a raw score is read: log-odds as they are, or a probability or its logarithm, of which log-odds are made.
Reading = Literal["log-odds", "probability", "log-probability"]

#: Scores that mean a probability by themselves. The others have no number that says "as likely as not".
READINGS: Mapping[ScoreKind | None, Reading] = {
    ScoreKind.LOGIT: "log-odds",
    ScoreKind.LOG_ODDS: "log-odds",
    ScoreKind.PROBABILITY: "probability",
    ScoreKind.LOG_LIKELIHOOD: "log-probability",
}

#: Beyond this log-odds are as sure as a float can say; a map stays finite there.
_SURE = 1e9
#: Probabilities are kept this far from 0 and 1 where log-odds are made of them.
_LEAST = 1e-12


class ProbabilityMap(Protocol):
    def probability(self, score: float) -> float:
        """The probability of relevance that a raw score stands for."""

    def to_dict(self) -> dict[str, object]:
        """Plain values, from which ``read_map`` makes an equal one."""


@dataclass(frozen=True, slots=True)
class LogisticMap:
    """1 / (1 + e^-(slope x + intercept)) of the log-odds x: Platt's (1999), or, with no intercept, temperature scaling
    (Guo et al. 2017, arXiv 1706.04599) with the temperature 1 / slope.
    """

    slope: float
    intercept: float = 0.0
    reading: Reading = "log-odds"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.intercept)) or self.slope < 0:
            raise ConfigError(f"a slope of {self.slope} and an intercept of {self.intercept} give no rising map")
        if self.reading not in get_args(Reading):
            raise ConfigError(f"scores cannot be read as {self.reading!r}", hint=", ".join(get_args(Reading)))

    def probability(self, score: float) -> float:
        return logistic(_within(self.slope * log_odds(score, self.reading) + self.intercept))

    def to_dict(self) -> dict[str, object]:
        return {"slope": self.slope, "intercept": self.intercept, "reading": self.reading}


@dataclass(frozen=True, slots=True)
class IsotonicMap:
    """Through these points, straight between them and level beyond (Zadrozny and Elkan 2002): ``scores`` rise,
    ``probabilities`` do not fall.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        fit = len(self.scores) == len(self.probabilities) > 0
        fit = fit and all(map(math.isfinite, self.scores)) and all(0.0 <= one <= 1.0 for one in self.probabilities)
        fit = fit and all(low < high for low, high in pairwise(self.scores))
        if not fit or any(low > high for low, high in pairwise(self.probabilities)):
            raise ConfigError("these points give no map that never falls, from finite scores to [0, 1]")

    def probability(self, score: float) -> float:
        right = bisect_right(self.scores, score)
        if right == 0 or right == len(self.scores):
            return self.probabilities[max(right - 1, 0)]
        left = right - 1
        low, high = self.probabilities[left], self.probabilities[right]
        # Halves, so that the distance of two huge scores is finite.
        width = self.scores[right] / 2 - self.scores[left] / 2
        share = (score / 2 - self.scores[left] / 2) / width if width else 0.0
        return min(max(low + share * (high - low), low), high)

    def to_dict(self) -> dict[str, object]:
        return {"scores": list(self.scores), "probabilities": list(self.probabilities)}


def log_odds(score: float, reading: Reading) -> float:
    """A raw score as log-odds, finite for every finite score."""
    if reading == "log-odds":
        return _within(score)
    if reading == "probability":
        share = min(max(score, _LEAST), 1.0 - _LEAST)
        return math.log(share) - math.log1p(-share)
    logarithm = min(score, -_LEAST)
    return _within(logarithm - math.log(-math.expm1(logarithm)))


def raw_probability(score: float, kind: ScoreKind | None) -> float | None:
    """What a raw score says by itself, taken at its word; ``None`` for one of a kind that says no probability."""
    return logistic(log_odds(score, READINGS[kind])) if kind in READINGS else None


def read_map(said: Mapping[str, object]) -> ProbabilityMap:
    """The map of these plain values.

    Raises:
        ConfigError: they are of no map.
    """
    if said.keys() == {"slope", "intercept", "reading"}:
        reading = said["reading"]
        if reading not in get_args(Reading):
            raise ConfigError(f"scores cannot be read as {reading!r}", hint=", ".join(get_args(Reading)))
        return LogisticMap(_number(said["slope"]), _number(said["intercept"]), reading)  # type: ignore[arg-type]
    if said.keys() == {"scores", "probabilities"}:
        return IsotonicMap(_numbers(said["scores"]), _numbers(said["probabilities"]))
    raise ConfigError(f"a map has a slope, or points; here are {', '.join(said) or 'none of them'}")


def _within(value: float) -> float:
    return min(max(value, -_SURE), _SURE)


def _numbers(values: object) -> tuple[float, ...]:
    return tuple(map(_number, values)) if isinstance(values, Sequence) and not isinstance(values, str) else ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
