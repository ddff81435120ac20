"""Setwise heapsort and bubble passes: the exact best, and no more questions than it takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Choose
from rankkit.errors import ConfigError
from rankkit.listwise.strategies.setwise import SetwiseBubble, SetwiseHeapsort
from tests.listwise.strategies.play import best, limits, play, shuffled, truth, worths

both = pytest.mark.parametrize("kind", [SetwiseHeapsort, SetwiseBubble])


@both
@settings(max_examples=100, deadline=None)
@given(worths, st.integers(1, 12), st.integers(1, 30), limits)
def test_the_best_come_first_in_perfect_order_and_the_others_stay(kind, worth, children, top_k, max_group_size):
    played = play(kind(children, top_k), len(worth), truth(worth), max_group_size)
    perfect = best(worth)
    assert played.order == [*perfect[:top_k], *sorted(perfect[top_k:])]
    assert all(isinstance(question, Choose) for question in played.questions)
    assert all(len(question.indices) <= children + 1 for question in played.questions)


def test_a_heap_of_seven_by_hand():
    played = play(SetwiseHeapsort(2, top_k=2), 7, truth([0, 1, 2, 3, 4, 5, 6]))
    assert played.rounds == [
        [Choose((1, 3, 4)), Choose((2, 5, 6))],  # side by side: 4 and 6 rise
        [Choose((0, 4, 6))],
        [Choose((0, 5, 2))],  # 0 sank to the place of 6, and on
        [Choose((2, 4, 5))],  # 6 is out, the last leaf has taken its place
        [Choose((2, 0))],
    ]
    assert played.order == [6, 5, 0, 1, 2, 3, 4]


def test_bubble_passes_over_five_by_hand():
    played = play(SetwiseBubble(2, top_k=2), 5, truth([0, 1, 4, 2, 3]))
    assert played.questions == [Choose((2, 3, 4)), Choose((0, 1, 2)), Choose((1, 3, 4)), Choose((0, 4))]
    assert played.order == [2, 4, 0, 1, 3]


@both
def test_no_set_is_asked_about_twice_by_bubble_and_a_right_first_stage_costs_little(kind):
    played = play(SetwiseBubble(), 100, truth(shuffled(100, 2)))
    assert len({frozenset(question.indices) for question in played.questions}) == len(played.questions)
    assert play(kind(), 100, truth(range(100, 0, -1))).price[0] < play(kind(), 100, truth(range(100))).price[0]


@both
def test_one_child_is_a_comparison_of_two(kind):
    played = play(kind(1, 3), 40, truth(shuffled(40, 7)))
    assert {len(question.indices) for question in played.questions} == {2}
    assert len(played.questions) < 40 * 4
    assert play(kind(3), 40, truth(shuffled(40, 7)), 3).placed.diagnostics == (("window", 3.0),)


@both
def test_what_cannot_be_is_refused(kind):
    for make, message in ((lambda: kind(0), "children = 0"), (lambda: kind(top_k=0), "top_k = 0")):
        with pytest.raises(ConfigError, match=message):
            make()
