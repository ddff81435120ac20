"""Maps fitted to judged scores. scipy does the numbers: it minimises a convex loss and pools violators, which is all
that there is to do; scikit-learn would bring the same two, and more packages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rankkit.core.extras import require_extra
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError, DataError
from rankkit.judging.probability_maps import (
    READINGS,
    IsotonicMap,
    LogisticMap,
    ProbabilityMap,
    Reading,
    log_odds,
)

with require_extra("calibrate", "fitting a calibration"):
    import numpy as np
    from scipy.optimize import isotonic_regression, minimize

#: ``temperature`` has one parameter, ``platt`` two, ``isotonic`` as many as the data asks for.
CalibrationMethod = Literal["temperature", "platt", "isotonic"]


def fit_map(
    scores: Sequence[float], relevant: Sequence[bool], kind: ScoreKind | None, method: CalibrationMethod
) -> ProbabilityMap:
    """The map under which the relevance of these documents is most likely. It never falls with the score.

    Platt's targets (1999) stand for 1 and 0: where scores separate the documents, the slope stays finite; and an
    isotonic map says at most that sure a thing.

    Raises:
        ConfigError: ``temperature``, of scores that say no probability by themselves.
        DataError: all or none are relevant.
    """
    positive = sum(relevant)
    if positive in (0, len(relevant)):
        raise DataError(
            f"{positive} of {len(relevant)} documents are relevant: there is nothing to tell apart",
            hint="Take data with both, another minimal grade, or count documents without a judgement as irrelevant.",
        )
    negative = len(relevant) - positive
    if method == "isotonic":
        return _isotonic(scores, relevant, 1.0 / (len(relevant) + 2.0))
    if method == "temperature" and kind not in READINGS:
        raise ConfigError(
            f"temperature scaling is for scores that say a probability, not for {kind.value if kind else 'unnamed'} "
            "scores, which have no point that means one half",
            hint='Use "platt" or "isotonic".',
        )
    reading: Reading = READINGS.get(kind, "log-odds")
    odds = np.asarray([log_odds(score, reading) for score in scores])
    high, low = (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0)
    targets = np.where(np.asarray(relevant), high, low)
    slope, intercept = _logistic(odds, targets, with_intercept=method == "platt")
    return LogisticMap(slope, intercept, reading)


def _logistic(odds: np.ndarray, targets: np.ndarray, *, with_intercept: bool) -> tuple[float, float]:
    """Slope and intercept by maximum likelihood, the slope at least 0."""
    # Scores of any size look alike to the optimiser.
    centre = float(odds.mean()) if with_intercept else 0.0
    spread = float(np.abs(odds - centre).max()) or 1.0
    x = (odds - centre) / spread

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        z = parameters[0] * x + (parameters[1] if with_intercept else 0.0)
        errors = 1.0 / (1.0 + np.exp(-np.clip(z, -700.0, 700.0))) - targets
        gradient = [float(np.mean(errors * x))] + ([float(np.mean(errors))] if with_intercept else [])
        return float(np.mean(np.logaddexp(0.0, z) - targets * z)), np.asarray(gradient)

    start = np.asarray([1.0, 0.0] if with_intercept else [1.0])
    bounds = [(0.0, None), (None, None)][: len(start)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-10})
    slope = float(found.x[0]) / spread
    return slope, float(found.x[1]) - slope * centre if with_intercept else 0.0


def _isotonic(scores: Sequence[float], relevant: Sequence[bool], least: float) -> IsotonicMap:
    values, places, counts = np.unique(np.asarray(scores), return_inverse=True, return_counts=True)
    shares = np.bincount(places.ravel(), weights=np.asarray(relevant, dtype=float)) / counts
    fitted = np.clip(isotonic_regression(shares, weights=counts).x, least, 1.0 - least)
    # The two ends of a level part say all of it.
    ends = np.ones(len(values), dtype=bool)
    ends[1:-1] = (np.diff(fitted)[:-1] != 0) | (np.diff(fitted)[1:] != 0)
    return IsotonicMap(tuple(map(float, values[ends])), tuple(map(float, np.maximum.accumulate(fitted[ends]))))
