"""Maps from scores to probabilities: between 0 and 1, never falling, finite whatever the score."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError
from rankkit.judging.probability_maps import IsotonicMap, LogisticMap, log_odds, raw_probability, read_map

FINITE = st.floats(allow_nan=False, allow_infinity=False)
LOGISTIC = st.builds(
    LogisticMap,
    st.floats(0.0, 1e300),
    st.floats(-1e300, 1e300),
    st.sampled_from(["log-odds", "probability", "log-probability"]),
)


@st.composite
def isotonic(draw: st.DrawFn) -> IsotonicMap:
    scores = sorted(draw(st.sets(FINITE, min_size=1, max_size=6)))
    levels = sorted(draw(st.lists(st.floats(0.0, 1.0), min_size=len(scores), max_size=len(scores))))
    return IsotonicMap(tuple(scores), tuple(levels))


MAPS = LOGISTIC | isotonic()


@given(MAPS, st.lists(FINITE, min_size=2, max_size=20))
def test_every_map_gives_probabilities_that_never_fall(made, scores):
    found = [made.probability(score) for score in sorted(scores)]
    assert all(0.0 <= one <= 1.0 for one in found)
    assert found == sorted(found)


@given(MAPS)
def test_a_map_is_read_back_as_it_was(made):
    assert read_map(made.to_dict()) == made


@pytest.mark.parametrize("score", [1e308, -1e308, 745.2, -745.2, 0.0])
def test_huge_scores_stay_finite(score):
    for made in (LogisticMap(1e6), LogisticMap(0.5, 3.0), IsotonicMap((-1e308, 1e308), (0.1, 0.9))):
        assert math.isfinite(made.probability(score))


def test_log_odds_are_those_of_a_probability_and_of_its_logarithm():
    assert log_odds(0.8, "probability") == pytest.approx(math.log(4.0))
    assert log_odds(math.log(0.8), "log-probability") == pytest.approx(math.log(4.0))
    assert log_odds(math.log(4.0), "log-odds") == math.log(4.0)


def test_what_a_score_says_by_itself():
    assert raw_probability(0.0, ScoreKind.LOGIT) == 0.5
    assert raw_probability(0.8, ScoreKind.PROBABILITY) == pytest.approx(0.8)
    assert raw_probability(math.log(0.8), ScoreKind.LOG_LIKELIHOOD) == pytest.approx(0.8)
    for kind in (None, ScoreKind.SIMILARITY, ScoreKind.BM25, ScoreKind.RELEVANCE, ScoreKind.WINS, ScoreKind.FUSED):
        assert raw_probability(0.8, kind) is None


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"slope": -1.0, "intercept": 0.0, "reading": "log-odds"},
        {"slope": math.nan, "intercept": 0.0, "reading": "log-odds"},
        {"slope": 1.0, "intercept": math.inf, "reading": "log-odds"},
        {"slope": True, "intercept": 0.0, "reading": "log-odds"},
        {"slope": 1.0, "intercept": 0.0, "reading": "tea leaves"},
        {"slope": 1.0, "intercept": 0.0, "reading": ["log-odds"]},
        {"scores": [], "probabilities": []},
        {"scores": [1.0, 2.0], "probabilities": [0.5]},
        {"scores": [2.0, 1.0], "probabilities": [0.1, 0.5]},
        {"scores": [1.0, 2.0], "probabilities": [0.5, 0.1]},
        {"scores": [1.0, 2.0], "probabilities": [0.5, 1.1]},
        {"scores": "12", "probabilities": [0.5, 0.6]},
        {"scores": [1.0, 2.0], "probabilities": [0.5, 0.6], "slope": 1.0},
    ],
)
def test_what_is_no_rising_map_is_refused(said):
    with pytest.raises(ConfigError):
        read_map(said)
