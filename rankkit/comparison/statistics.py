"""How sure a figure is, and whether two systems differ: scipy's tests, put together for per-query figures.

Everything is two-sided and paired by query. Smucker, Allan and Carterette (CIKM 2007) compare these tests on TREC
runs; Holm's step-down correction (Scandinavian Journal of Statistics, 1979) keeps the chance of one false difference
in a whole table at the level of a single test.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rankkit.core.extras import require_extra

with require_extra("eval", "comparing systems"):
    from scipy import stats

CONFIDENCE = 0.95
#: The power that ``queries_needed`` asks for, and the level of its test.
POWER = 0.8
RESAMPLES = 9_999

#: Resamples drawn at a time: it bounds the memory, and is no part of the result.
_BATCH = 250
#: Figures of one measure that differ by less are equal: two orders of the same grades give them by another sum.
_EQUAL = 1e-9
_MOST_QUERIES = 10_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries, and its bootstrap interval; ``low`` and ``high`` are ``None`` where there is one query."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A system's figures less the baseline's, query by query.

    ``p`` is that of the paired randomisation test. ``effect_size`` is Cohen's d for paired figures: the mean difference
    over its standard deviation; ``queries_needed``, the number of queries with which a paired t test would tell a
    difference of this size with a power of 0.8. Both are ``None`` where all differences are equal, or there is none.
    """

    difference: float
    low: float | None
    high: float | None
    p: float
    wins: int
    ties: int
    losses: int
    effect_size: float | None
    queries_needed: int | None


def interval(*groups: Sequence[float], seed: int, resamples: int = RESAMPLES) -> Interval:
    """The mean of the groups' means (of one group: its mean) with a BCa bootstrap interval of 95 %. Each group, the
    queries of one data set, is resampled by itself.

    Raises:
        ValueError: there is no figure.
    """
    samples = [np.asarray(group, float) for group in groups]
    if not samples or any(not sample.size for sample in samples):
        raise ValueError("no figures to average")
    mean = float(_mean_of_means(*samples))
    if any(sample.size < 2 for sample in samples):
        return Interval(mean, None, None)
    if all(np.ptp(sample) < _EQUAL for sample in samples):
        return Interval(mean, mean, mean)
    low, high = _bootstrap(samples, "BCa", seed, resamples)
    if math.isnan(low) or math.isnan(high):  # BCa is not defined where next to all figures are equal
        low, high = _bootstrap(samples, "percentile", seed, resamples)
    return Interval(mean, low, high)


def difference(
    system: Sequence[float], baseline: Sequence[float], *, seed: int, resamples: int = RESAMPLES
) -> Difference:
    """Compare two systems' figures for the same queries, in the same order.

    Raises:
        ValueError: there is no figure, or not one for each query.
    """
    return mean_difference([(system, baseline)], seed=seed, resamples=resamples)


def mean_difference(
    pairs: Sequence[tuple[Sequence[float], Sequence[float]]], *, seed: int, resamples: int = RESAMPLES
) -> Difference:
    """Compare two systems on several data sets together, each with its own queries: the mean of the data sets' mean
    differences, so that each weighs the same.

    Queries are resampled, and their signs exchanged, within their data set. The deviation that the effect size is of is
    the root of the data sets' mean variance; ``queries_needed`` is then the number in all, as many from each.

    Raises:
        ValueError: there is no figure, or not one for each query.
    """
    gains = [_gains(system, baseline) for system, baseline in pairs]
    mean = interval(*(one.tolist() for one in gains), seed=seed, resamples=resamples)
    variances = [float(one.var(ddof=1)) if one.size > 1 else 0.0 for one in gains]
    deviation = math.sqrt(sum(variances) / len(variances))
    effect = mean.mean / deviation if deviation > _EQUAL else None
    # Of a mean of means, each query has its data set's share.
    total = sum(one.size for one in gains)
    weighted = gains[0] if len(gains) == 1 else np.concatenate([one * (total / len(gains) / one.size) for one in gains])
    wins, losses = int((weighted > 0).sum()), int((weighted < 0).sum())
    return Difference(
        difference=mean.mean,
        low=mean.low,
        high=mean.high,
        p=_randomisation_p(weighted, seed, resamples),
        wins=wins,
        ties=total - wins - losses,
        losses=losses,
        effect_size=effect,
        queries_needed=None if not effect else queries_needed(effect),
    )


def _gains(system: Sequence[float], baseline: Sequence[float]) -> np.ndarray:
    if len(system) != len(baseline):
        raise ValueError(f"{len(system)} figures against {len(baseline)}: they are paired by query")
    gains: np.ndarray = np.asarray(system, float) - np.asarray(baseline, float)
    gains[np.abs(gains) < _EQUAL] = 0.0
    return gains


def holm(values: Sequence[float]) -> list[float]:
    """Holm's correction: the smallest of n p-values times n, the next times n - 1, and so on, none above 1 and none
    below the one before it.
    """
    adjusted = [0.0] * len(values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, values[index] * (len(values) - place)))
        adjusted[index] = highest
    return adjusted


def queries_needed(effect_size: float) -> int | None:
    """The fewest queries with which a paired t test at 0.05 has a power of 0.8; ``None`` above ten million."""
    enough, few = 2, 1
    while _power(effect_size, enough) < POWER:
        few, enough = enough, enough * 2
        if enough > _MOST_QUERIES:
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if _power(effect_size, middle) >= POWER else (middle, enough)
    return enough


def _power(effect_size: float, queries: int) -> float:
    critical = stats.t.ppf(1 - (1 - CONFIDENCE) / 2, queries - 1)
    shift = abs(effect_size) * math.sqrt(queries)
    # Beyond this the test is certain, and scipy's series would end in NaN.
    return 1.0 if shift > 30 + critical else float(stats.nct.sf(critical, queries - 1, shift))


def _randomisation_p(gains: np.ndarray, seed: int, resamples: int) -> float:
    """Under the null hypothesis the two systems' names are exchangeable for each query, so its sign is."""
    if gains.size < 2 or not np.any(gains):
        return 1.0
    tested = stats.permutation_test(
        (gains,),
        lambda sample, axis: sample.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=_BATCH,
        random_state=np.random.default_rng(seed),
    )
    return float(tested.pvalue)


def _bootstrap(samples: Sequence[np.ndarray], method: str, seed: int, resamples: int) -> tuple[float, float]:
    with warnings.catch_warnings():
        # scipy warns where BCa is not defined; the caller looks at the result.
        warnings.simplefilter("ignore")
        result = stats.bootstrap(
            samples,
            _mean_of_means,
            vectorized=True,
            confidence_level=CONFIDENCE,
            n_resamples=resamples,
            batch=_BATCH,
            method=method,
            random_state=np.random.default_rng(seed),
        )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _mean_of_means(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    means: np.ndarray = np.mean([sample.mean(axis=axis) for sample in samples], axis=0)
    return means
