"""Fits with known answers: what the data was drawn from comes back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.calibration.fitting import fit_map
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError, DataError
from rankkit.judging.probability_maps import IsotonicMap, LogisticMap

METHODS = ("temperature", "platt", "isotonic")


def drawn(slope: float, intercept: float, count: int = 40_000) -> tuple[list[float], list[bool]]:
    """Scores, and labels drawn from a logistic of them."""
    random = np.random.default_rng(7)
    scores = random.normal(1.0, 4.0, count)
    chances = 1.0 / (1.0 + np.exp(-(slope * scores + intercept)))
    return list(map(float, scores)), list(map(bool, random.random(count) < chances))


def test_platt_finds_the_logistic_that_the_data_was_drawn_from():
    made = fit_map(*drawn(0.4, -1.5), ScoreKind.LOGIT, "platt")
    assert isinstance(made, LogisticMap)
    assert (made.slope, made.intercept) == (pytest.approx(0.4, abs=0.01), pytest.approx(-1.5, abs=0.05))


def test_temperature_finds_the_temperature():
    made = fit_map(*drawn(0.4, 0.0), ScoreKind.LOGIT, "temperature")
    assert isinstance(made, LogisticMap)
    assert (1 / made.slope, made.intercept) == (pytest.approx(2.5, abs=0.06), 0.0)


def test_isotonic_comes_close_to_any_rising_curve():
    made = fit_map(*drawn(0.4, -1.5), ScoreKind.SIMILARITY, "isotonic")
    for score in (-5.0, 0.0, 3.0, 6.0):
        assert made.probability(score) == pytest.approx(1 / (1 + math.exp(-(0.4 * score - 1.5))), abs=0.05)


def test_platt_of_probabilities_is_platt_of_their_log_odds():
    scores, relevant = drawn(0.4, -1.5, 2_000)
    shares = [1 / (1 + math.exp(-score)) for score in scores]
    of_shares = fit_map(shares, relevant, ScoreKind.PROBABILITY, "platt")
    of_logarithms = fit_map([math.log(one) for one in shares], relevant, ScoreKind.LOG_LIKELIHOOD, "platt")
    of_logits = fit_map(scores, relevant, ScoreKind.LOGIT, "platt")
    for share, score in zip(shares[:50], scores[:50], strict=True):
        expected = pytest.approx(of_logits.probability(score), abs=1e-5)
        assert of_shares.probability(share) == expected
        assert of_logarithms.probability(math.log(share)) == expected


@pytest.mark.parametrize("method", METHODS)
def test_scores_that_separate_the_documents_give_a_finite_map_that_is_not_certain(method):
    made = fit_map([-3.0, -2.0, 2.0, 3.0], [False, False, True, True], ScoreKind.LOGIT, method)
    assert 0.0 < made.probability(-2.5) < 0.5 < made.probability(2.5) < 1.0


@pytest.mark.parametrize("method", METHODS)
@given(
    rows=st.lists(st.tuples(st.floats(-1e300, 1e300), st.booleans()), min_size=2, max_size=30),
)
def test_every_fit_is_a_map_that_never_falls(method, rows):
    relevant = [said for _, said in rows]
    if len(set(relevant)) < 2:
        return
    made = fit_map([score for score, _ in rows], relevant, ScoreKind.LOGIT, method)
    found = [made.probability(score) for score, _ in sorted(rows)]
    assert found == sorted(found) and all(0.0 <= one <= 1.0 for one in found)


def test_isotonic_keeps_the_pools_of_adjacent_violators():
    made = fit_map([1.0, 2.0, 3.0, 4.0], [False, True, False, True], ScoreKind.LOGIT, "isotonic")
    assert isinstance(made, IsotonicMap)
    assert [made.probability(score) for score in (1.0, 2.0, 2.5, 3.0, 4.0)] == pytest.approx(
        [1 / 6, 0.5, 0.5, 0.5, 5 / 6]
    )


@pytest.mark.parametrize("relevant", [[True, True], [False, False]])
def test_where_all_are_alike_there_is_nothing_to_fit(relevant):
    with pytest.raises(DataError, match="nothing to tell apart"):
        fit_map([1.0, 2.0], relevant, ScoreKind.LOGIT, "platt")


@pytest.mark.parametrize("kind", [ScoreKind.SIMILARITY, ScoreKind.RELEVANCE, ScoreKind.BM25, None])
def test_temperature_is_refused_where_no_score_means_one_half(kind):
    with pytest.raises(ConfigError, match="temperature scaling"):
        fit_map([1.0, 2.0], [False, True], kind, "temperature")
    assert fit_map([1.0, 2.0], [False, True], kind, "platt").probability(2.0) > 0.5
