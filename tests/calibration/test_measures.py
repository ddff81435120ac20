"""Log loss, Brier score, calibration error and thresholds, against plain sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.calibration.measures import at_precision, figures_of

ROWS = st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=60)


def plain_ece(probabilities: list[float], relevant: list[bool], bins: int) -> float:
    """Bin by bin, with numpy's digitize."""
    p, y = np.asarray(probabilities), np.asarray(relevant, dtype=float)
    places = np.minimum((p * bins).astype(int), bins - 1)
    total = 0.0
    for place in range(bins):
        inside = places == place
        if inside.any():
            total += inside.mean() * abs(p[inside].mean() - y[inside].mean())
    return total


@given(ROWS, st.integers(1, 20))
def test_the_calibration_error_is_that_of_a_plain_computation(rows, bins):
    p, y = [one for one, _ in rows], [said for _, said in rows]
    assert figures_of(p, y, bins).ece == pytest.approx(plain_ece(p, y, bins), abs=1e-12)


def test_probabilities_that_are_right_have_a_small_error_and_those_that_are_not_a_large_one():
    random = np.random.default_rng(3)
    p = random.random(50_000)
    y = random.random(50_000) < p
    right, wrong = figures_of(list(p), list(y)), figures_of(list(p**3), list(y))
    assert right.ece < 0.01 < 0.2 < wrong.ece
    assert right.log_loss < wrong.log_loss and right.brier < wrong.brier


def test_log_loss_and_brier_by_hand():
    found = figures_of([0.8, 0.4], [True, False])
    assert found.log_loss == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)
    assert found.brier == pytest.approx((0.04 + 0.16) / 2)
    assert math.isfinite(figures_of([0.0, 1.0], [True, False]).log_loss)


def test_the_last_bin_has_the_certain_ones_and_empty_bins_are_left_out():
    found = figures_of([1.0, 0.95, 0.05], [True, True, False])
    assert [(one.low, one.count) for one in found.bins] == [(0.0, 1), (0.9, 2)]


def test_the_threshold_is_the_lowest_that_reaches_the_precision():
    p, y = [0.9, 0.8, 0.7, 0.6, 0.5], [True, True, False, True, False]
    found = at_precision(0.75, p, y, [9.0, 8.0, 7.0, 6.0, 5.0])
    assert (found.probability, found.score, found.kept) == (0.6, 6.0, 4)
    assert (found.reached, found.recall) == (0.75, 1.0)


def test_equal_probabilities_pass_together_and_a_precision_may_be_out_of_reach():
    found = at_precision(0.9, [0.9, 0.9, 0.1], [True, False, True], [3.0, 2.0, 1.0])
    assert found.precision == 0.9 and found.probability is None and found.kept is None
    assert at_precision(0.5, [0.9], [False], [1.0]).probability is None
