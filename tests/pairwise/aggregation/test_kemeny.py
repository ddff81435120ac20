"""The Kemeny order against trying all orders."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.pairwise.aggregation.kemeny import kemeny_order
from rankkit.pairwise.aggregation.matrix import WinMatrix


def price(order, matrix: WinMatrix) -> float:
    known = (matrix.beats(lower, upper) for upper, lower in itertools.combinations(order, 2))
    return sum(0.5 if value is None else value for value in known)


def cheapest(matrix: WinMatrix) -> float:
    return min(price(order, matrix) for order in itertools.permutations(range(matrix.n)))


@st.composite
def outcomes(draw, max_group_size=6):
    n = draw(st.integers(1, max_group_size))
    asked = {
        pair: value / 4
        for pair in itertools.combinations(range(n), 2)
        if (value := draw(st.none() | st.integers(0, 4))) is not None
    }
    return WinMatrix(n, asked)


@settings(deadline=None)
@given(outcomes())
def test_no_order_is_better(matrix):
    assert price(kemeny_order(matrix), matrix) == pytest.approx(cheapest(matrix))


def test_a_circle_is_broken_at_its_weakest_win():
    # 0 beats 1 beats 2 beats 0, the last by a hair; 3 loses to all.
    asked = {(0, 1): 0.75, (1, 2): 0.75, (0, 2): 0.25 + 0.125, (0, 3): 1.0, (1, 3): 1.0, (2, 3): 1.0}
    assert kemeny_order(WinMatrix(4, asked)) == [0, 1, 2, 3]


def test_of_equally_good_orders_the_first_stage_one():
    circle = WinMatrix(3, {(0, 1): 1.0, (1, 2): 1.0, (2, 0): 1.0})
    assert kemeny_order(circle) == [0, 1, 2]


@settings(deadline=None, max_examples=40)
@given(outcomes(7))
def test_the_heuristic_gives_an_order_that_no_single_move_improves(matrix):
    order = kemeny_order(matrix, exact=0)
    assert sorted(order) == list(range(matrix.n))
    reached = price(order, matrix)
    for item, place in itertools.product(order, range(matrix.n)):
        rest = [other for other in order if other != item]
        assert price([*rest[:place], item, *rest[place:]], matrix) >= reached - 1e-9


def test_a_hundred_items_in_circles_take_a_moment_only():
    drawn = random.Random(1)
    asked = {pair: float(drawn.random() < 0.8) for pair in itertools.combinations(range(100), 2)}
    matrix = WinMatrix(100, asked)
    assert price(kemeny_order(matrix), matrix) <= price(range(100), matrix)
