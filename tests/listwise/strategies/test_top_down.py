"""Top-down partitioning: one pivot, one round of blocks, and the best at the top."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Answer, Order
from rankkit.errors import ConfigError
from rankkit.listwise.strategies.top_down import TopDown
from tests.listwise.strategies.play import best, limits, noise, play, silence, truth, worths

windows_and_cutoffs = st.integers(2, 30).flatmap(lambda window: st.tuples(st.just(window), st.integers(1, window - 1)))


def test_eight_documents_by_hand():
    played = play(TopDown(4, 2), 8, truth([5, 0, 7, 6, 1, 9, 2, 3]))
    assert played.rounds == [
        [Order((0, 1, 2, 3))],  # 2 > 3 > 0 > 1: the pivot is 3
        [Order((3, 4, 5, 6)), Order((3, 7))],  # only 5 comes out above it
        [Order((2, 5))],
    ]
    assert played.order == [5, 2, 3, 0, 1, 6, 4, 7]


def test_blocks_are_one_round_and_a_right_first_stage_needs_no_third():
    first, blocks = play(TopDown(), 100, truth(range(100, 0, -1))).rounds
    assert [len(question.indices) for question in first] == [20]
    assert [len(question.indices) for question in blocks] == [20, 20, 20, 20, 5]
    assert all(question.indices[0] == 9 for question in blocks)


def test_what_fits_into_one_window_is_one_question():
    assert play(TopDown(), 20, truth(range(20))).rounds == [[Order(tuple(range(20)))]]
    assert play(TopDown(), 2, truth(range(2))).order == [1, 0]


@settings(max_examples=150, deadline=None)
@given(worths, windows_and_cutoffs, st.one_of(st.none(), st.integers(1, 120)), limits)
def test_the_best_up_to_the_cutoff_come_first_in_perfect_order(worth, shape, depth, max_group_size):
    window, cutoff = shape
    played = play(TopDown(window, cutoff, depth), len(worth), truth(worth), max_group_size)
    used = window if max_group_size is None else min(window, max_group_size)
    sure = max(1, cutoff * used // window)
    assert played.order[:sure] == best(worth[:depth])[:sure] or len(worth[:depth]) < sure
    assert all(len(question.indices) <= used for question in played.questions)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 250), windows_and_cutoffs, st.integers(0, 99))
def test_it_ends_whatever_the_answers(n, shape, seed):
    window, cutoff = shape
    played = play(TopDown(window, cutoff), n, noise(seed))
    left_behind = window - cutoff + 1
    assert len(played.rounds) <= 2 * -(-max(0, n - window) // left_behind) + 1


def test_who_was_not_heard_has_not_beaten_the_pivot():
    def deaf_to_blocks(question):
        return truth(range(8))(question) if 0 in question.indices else Answer.unasked()

    assert play(TopDown(4, 2), 8, deaf_to_blocks).order == [3, 2, 1, 0, 4, 5, 6, 7]
    assert play(TopDown(4, 2), 8, silence).price == (3, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TopDown(20, 20), r"cutoff 20 leaves nobody .*\n.*from 1 to 19"),
        (lambda: TopDown(1, 1), "window = 1"),
        (lambda: TopDown(cutoff=0), "cutoff = 0"),
        (lambda: TopDown(depth=0), "depth = 0"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
