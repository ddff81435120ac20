"""Intervals and tests: scipy's own on the same figures, and right in the long run."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="the extra `eval` is not installed")

from scipy import stats

from rankkit.comparison.statistics import difference, holm, interval, mean_difference, queries_needed


def figures(seed: int, count: int = 43) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    first = draw.beta(2, 2, count)
    return first, np.clip(first + draw.normal(0.05, 0.1, count), 0, 1)


def test_an_interval_is_scipys_bootstrap():
    sample, _ = figures(1)
    ours = interval(sample.tolist(), seed=7)
    theirs = stats.bootstrap(
        (sample,), np.mean, n_resamples=9_999, batch=250, method="BCa", random_state=np.random.default_rng(7)
    ).confidence_interval
    assert (ours.mean, ours.low, ours.high) == pytest.approx((sample.mean(), theirs.low, theirs.high))


def test_p_is_that_of_scipys_paired_randomisation_test():
    baseline, system = figures(2)
    theirs = stats.permutation_test(
        (system, baseline),
        lambda one, other, axis: (one - other).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9_999,
        batch=250,
        random_state=np.random.default_rng(7),
    )
    assert difference(system, baseline, seed=7).p == pytest.approx(theirs.pvalue, abs=0.002)


def test_a_difference_counts_queries_and_its_size():
    found = difference([0.5, 0.5, 0.9, 0.1], [0.5, 0.4, 0.5, 0.2], seed=0)
    gains = np.array([0.0, 0.1, 0.4, -0.1])
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    assert found.difference == pytest.approx(0.1)
    assert found.effect_size == pytest.approx(gains.mean() / gains.std(ddof=1))


def test_of_several_data_sets_each_weighs_the_same():
    """An exact test over all signs, and scipy's own bootstrap of the two means."""
    draw = np.random.default_rng(5)
    small, large = draw.normal(0.2, 0.1, 3), draw.normal(-0.02, 0.1, 8)
    found = mean_difference([(small, np.zeros(3)), (large, np.zeros(8))], seed=0)
    assert found.difference == pytest.approx((small.mean() + large.mean()) / 2)
    means = [
        (np.array(signs[:3]) @ small / 3 + np.array(signs[3:]) @ large / 8) / 2
        for signs in itertools.product((1, -1), repeat=11)
    ]
    extreme = np.mean([abs(mean) >= abs(found.difference) - 1e-12 for mean in means])
    assert found.p == pytest.approx(extreme)
    theirs = stats.bootstrap(
        (small, large),
        lambda one, other, axis: (one.mean(axis=axis) + other.mean(axis=axis)) / 2,
        n_resamples=9_999,
        batch=250,
        method="BCa",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert (found.wins + found.ties + found.losses) == 11
    deviation = math.sqrt((small.var(ddof=1) + large.var(ddof=1)) / 2)
    assert found.effect_size == pytest.approx(found.difference / deviation)


def test_of_one_data_set_it_is_the_difference():
    first, second = figures(3)
    assert mean_difference([(second, first)], seed=1) == difference(second, first, seed=1)


@pytest.mark.parametrize(("system", "baseline"), [([0.5, 0.7], [0.5, 0.7]), ([1.0], [0.0]), ([1.0, 1.0], [0.0, 0.0])])
def test_what_cannot_be_tested_is_not_significant(system, baseline):
    assert difference(system, baseline, seed=0).p >= 0.5


def test_no_interval_is_invented_for_one_query():
    assert interval([0.3], seed=0).low is None


def test_equal_figures_have_an_interval_without_width():
    found = interval([0.3] * 20, seed=0)
    assert (found.low, found.high) == (found.mean, found.mean)


def test_data_sets_weigh_the_same_whatever_their_size():
    assert interval([0.0] * 10, [1.0] * 1000, seed=0).mean == 0.5


@pytest.mark.parametrize(("effect", "queries"), [(0.5, 34), (0.2, 199), (0.8, 15)])
def test_the_number_of_queries_is_that_of_the_tables(effect, queries):
    """Cohen's tables, as G*Power 3.1 computes them, for a two-sided paired t test."""
    assert queries_needed(effect) == queries


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_corrects_upwards_keeps_the_order_and_stays_a_probability(values):
    corrected = holm(values)
    assert all(value <= other <= 1 for value, other in zip(values, corrected, strict=True))
    by_p = [corrected[at] for at in sorted(range(len(values)), key=values.__getitem__)]
    assert by_p == sorted(by_p)


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@pytest.mark.slow
def test_95_percent_intervals_hold_the_mean_that_often():
    draw, held, trials = np.random.default_rng(5), 0, 1_000
    for trial in range(trials):
        found = interval(draw.beta(2, 2, 50).tolist(), seed=trial, resamples=1_000)
        held += found.low <= 0.5 <= found.high
    assert 0.93 <= held / trials <= 0.97


@pytest.mark.slow
def test_p_is_uniform_where_nothing_differs():
    draw = np.random.default_rng(6)
    p = [difference(draw.normal(size=30), draw.normal(size=30), seed=at, resamples=999).p for at in range(500)]
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert math.isclose(np.mean(np.array(p) < 0.05), 0.05, abs_tol=0.025)
