"""Reading the outcome of comparisons."""

from __future__ import annotations

import pytest

from rankkit.errors import InputError
from rankkit.pairwise.aggregation.matrix import WinMatrix


def test_both_orders_are_averaged_and_one_stands_for_both():
    matrix = WinMatrix(3, {(0, 1): 0.9, (1, 0): 0.5, (1, 2): 0.75})
    assert matrix.shown_first(0, 1) == 0.9 and matrix.shown_first(1, 0) == 0.5
    assert matrix.beats(0, 1) == pytest.approx((0.9 + 0.5) / 2)
    assert matrix.beats(2, 1) == 0.25
    assert matrix.beats(0, 2) is None
    assert matrix.opponents() == [[1], [0, 2], [1]]


def test_samples_of_an_order_become_shares():
    matrix = WinMatrix.of_permutations(4, [(0, 1, 2), (1, 0, 2), (0, 1)])
    assert matrix.beats(0, 1) == pytest.approx(2 / 3)
    assert matrix.beats(1, 0) == pytest.approx(1 / 3)
    assert matrix.beats(0, 2) == 1.0
    assert matrix.beats(3, 0) is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({(0, 3): 0.5}, "0 with 3 among 3 items"),
        ({(1, 1): 0.5}, "1 with 1"),
        ({(0, 1): 1.5}, "is 1.5"),
        ({(0, 1): float("nan")}, "is nan"),
    ],
)
def test_what_is_no_outcome_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        WinMatrix(3, asked)


def test_a_permutation_with_a_repeated_item_is_refused():
    with pytest.raises(InputError, match="twice"):
        WinMatrix.of_permutations(3, [(0, 0, 1)])
