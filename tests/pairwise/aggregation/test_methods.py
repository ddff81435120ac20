"""Every aggregation on outcomes that can be worked out by hand."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.errors import ConfigError
from rankkit.pairwise.aggregation.bradley_terry import bradley_terry
from rankkit.pairwise.aggregation.matrix import WinMatrix
from rankkit.pairwise.aggregation.methods import AGGREGATIONS, sample_wins, sampling

#: Item 1 beats 0 and 2; 0 beats 2 by less when it is shown second.
ANSWERS = {(0, 1): 0.25, (1, 0): 0.75, (0, 2): 1.0, (2, 0): 0.5, (1, 2): 0.75, (2, 1): 0.25}
THREE = WinMatrix(3, ANSWERS)


@pytest.mark.parametrize(
    ("name", "scores"),
    [
        ("sum", [0.25 + 1.0, 0.75 + 0.75, 0.5 + 0.25]),
        ("sym-sum", [2 * (0.25 + 0.75), 2 * (0.75 + 0.75), 2 * (0.25 + 0.25)]),
        ("binary", [1.0, 2.0, 0.0]),
        ("min", [0.25, 0.75, 0.25]),
        ("max", [0.75, 0.75, 0.25]),
        ("log-odds", [0.0, 2 * math.log(3), -2 * math.log(3)]),
        ("kemeny", [1.0, 2.0, 0.0]),
    ],
)
def test_three_items(name, scores):
    assert AGGREGATIONS[name].scores(THREE) == pytest.approx(scores)


def test_one_order_only_and_pairs_not_asked():
    partial = WinMatrix(4, {(0, 1): 0.25, (1, 2): 1.0})
    assert AGGREGATIONS["sum"].scores(partial) == [1.25, 0.75 + 1.0 + 0.5, 1.0, 1.5]
    assert AGGREGATIONS["sym-sum"].scores(partial) == [2.5, 4.5, 2.0, 3.0]
    assert AGGREGATIONS["binary"].scores(partial) == [1.0, 2.5, 1.0, 1.5]
    assert AGGREGATIONS["min"].scores(partial) == [0.25, 0.75, 0.0, 0.5]
    assert AGGREGATIONS["max"].scores(partial) == [0.25, 1.0, 0.0, 0.5]


def test_a_draw_is_half_a_win():
    assert AGGREGATIONS["binary"].scores(WinMatrix(2, {(0, 1): 1.0, (1, 0): 1.0})) == [0.5, 0.5]


def test_samples_are_the_same_for_the_same_seed_and_all_opponents_are_the_sum():
    everyone = sampling(opponents=9).scores(THREE)
    assert everyone == pytest.approx([0.0, 0.5, -0.5])  # as sym-sum, with an even record as 0
    assert sample_wins(THREE, opponents=1, seed=3) == sample_wins(THREE, opponents=1, seed=3)
    with pytest.raises(ConfigError, match="0 opponents"):
        sample_wins(THREE, opponents=0)


def test_log_odds_of_certain_answers_stay_finite():
    scores = AGGREGATIONS["log-odds"].scores(WinMatrix(2, {(0, 1): 1.0, (1, 0): 0.0}))
    assert scores == pytest.approx([13.8155, -13.8155])  # log((1 - 1e-6) / 1e-6)


def test_bradley_terry_finds_the_strengths_that_made_the_outcome():
    strengths = [8.0, 4.0, 2.0, 1.0, 0.25]
    asked = {(i, j): strengths[i] / (strengths[i] + strengths[j]) for i, j in itertools.permutations(range(5), 2)}
    found = bradley_terry(WinMatrix(5, asked), prior=0.0, tolerance=1e-12)
    assert [value - found[3] for value in found] == pytest.approx([math.log(s) for s in strengths], abs=2e-5)


def test_bradley_terry_with_a_chain_of_wins_only_and_with_nothing():
    chain = WinMatrix(5, {(0, 1): 1.0, (1, 2): 1.0, (3, 4): 1.0})
    scores = bradley_terry(chain)
    assert scores[0] > scores[1] > scores[2] and scores[3] > scores[4]
    assert all(map(math.isfinite, scores))
    assert bradley_terry(WinMatrix(3)) == [0.0, 0.0, 0.0]
    assert all(map(math.isfinite, bradley_terry(chain, prior=0.0)))
    with pytest.raises(ConfigError):
        bradley_terry(chain, prior=-1.0)


def test_bradley_terry_of_a_perfect_order_is_that_order():
    asked = dict.fromkeys(itertools.combinations(range(40), 2), 1.0)
    scores = bradley_terry(WinMatrix(40, asked))
    assert scores == sorted(scores, reverse=True)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=9), st.sampled_from(sorted(AGGREGATIONS)))
def test_without_contradictions_every_aggregation_but_a_sample_agrees_with_the_worth(worth, name):
    n = len(worth)
    asked = {(i, j): 0.5 + (worth[i] - worth[j]) / 8 for i, j in itertools.permutations(range(n), 2)}
    order = AGGREGATIONS[name].order(WinMatrix(n, asked))
    assert sorted(order) == list(range(n))
    if name not in ("min", "max"):  # they look at one opponent only, and draw often
        assert [worth[item] for item in order] == sorted(worth, reverse=True)


@settings(deadline=None)
@given(st.permutations(range(6)), st.sampled_from(sorted(AGGREGATIONS)))
def test_repeated_samples_of_one_order_give_it_back(permutation, name):
    matrix = WinMatrix.of_permutations(6, [permutation] * 3)
    order = AGGREGATIONS[name].order(matrix)
    assert order[0] == permutation[0] or name in ("max",)
    if name in ("sum", "sym-sum", "binary", "bradley-terry", "kemeny", "log-odds", "sample"):
        assert order == list(permutation)


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
def test_nothing_asked_keeps_the_first_stage_order(name):
    for n in (0, 1, 4):
        assert AGGREGATIONS[name].order(WinMatrix(n)) == list(range(n))


def test_a_majority_of_samples_decides():
    drawn = random.Random(5)
    samples = [sorted(range(8), key=lambda item: item + drawn.gauss(0, 1)) for _ in range(40)]
    assert AGGREGATIONS["kemeny"].order(WinMatrix.of_permutations(8, samples)) == list(range(8))
