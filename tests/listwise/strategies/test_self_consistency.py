"""Permutation self-consistency: shuffles side by side, and the order in the middle."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Answer, Order, Score
from rankkit.errors import ConfigError
from rankkit.listwise.strategies.lockstep import in_lockstep
from rankkit.listwise.strategies.self_consistency import SelfConsistency, aggregated, agreement
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.listwise.strategies.top_down import TopDown
from tests.listwise.strategies.play import best, play, shuffled, silence, truth, worths

WAYS = ["borda", "median", "reciprocal"]


@pytest.mark.parametrize("by", WAYS)
def test_aggregation_by_hand(by):
    assert aggregated([(0, 1, 2), (1, 0, 2), (1, 2, 0)], by) == (1, 0, 2)
    assert aggregated([(0, 1), (1, 0)], by) == (0, 1)  # ties keep the first-stage order


def test_the_ways_differ_where_votes_do():
    votes = [(0, 1, 2, 3), (0, 1, 2, 3), (1, 2, 3, 0)]
    assert aggregated(votes, "median") == (0, 1, 2, 3)
    assert aggregated(votes, "borda") == (1, 0, 2, 3)


def test_agreement_is_1_for_the_same_and_minus_1_for_opposite_orders():
    assert agreement([(0, 1, 2, 3), (0, 1, 2, 3)]) == 1.0
    assert agreement([(0, 1, 2, 3), (3, 2, 1, 0)]) == -1.0


@settings(max_examples=60, deadline=None)
@given(worths, st.sampled_from([Single(), Sliding(), TopDown()]), st.integers(1, 4), st.sampled_from(WAYS))
def test_what_the_inner_strategy_brings_to_the_top_stays_there(worth, inner, samples, by):
    played = play(SelfConsistency(inner, samples, by=by), len(worth), truth(worth))
    assert played.order[:10] == best(worth)[:10]


def test_copies_share_rounds_and_the_first_is_not_shuffled():
    played = play(SelfConsistency(Sliding(), 3), 100, truth(shuffled(100, 4)))
    assert [len(questions) for questions in played.rounds] == [3] * 9
    assert played.rounds[0][0] == Order(tuple(range(80, 100)))
    assert len({frozenset(question.indices) for question in played.rounds[0]}) == 3
    other = play(SelfConsistency(Sliding(), 3, seed=1), 100, truth(shuffled(100, 4)))
    assert other.rounds[0][0] == played.rounds[0][0] and other.rounds[0][1] != played.rounds[0][1]


def test_a_judge_with_a_favourite_place_is_found_out_and_outvoted():
    """It knows the best document, but always puts the one shown last in second place."""

    def biased(question):
        rest = sorted(set(question.indices) - {7, question.indices[-1]})
        return Answer(tuple(dict.fromkeys((7, question.indices[-1], *rest))))

    alone = play(Single(), 10, biased)
    assert alone.order[:3] == [7, 9, 0]
    together = play(SelfConsistency(Single(), 9, by="median"), 10, biased)
    assert together.order[:3] == [7, 0, 1]
    assert dict(together.placed.diagnostics)["agreement"] < 0.9
    by_place = play(SelfConsistency(Single(), 9), 10, lambda question: Answer(question.indices))
    assert abs(dict(by_place.placed.diagnostics)["agreement"]) < 0.3


def test_a_copy_that_was_not_heard_has_no_vote():
    def heard_once(question):
        return truth(range(10))(question) if question.indices == tuple(range(10)) else Answer.unasked()

    assert play(SelfConsistency(Single(), 5), 10, heard_once).order == list(range(9, -1, -1))
    assert play(SelfConsistency(Single(), 5), 10, silence).order == list(range(10))


def test_only_the_head_is_shuffled():
    played = play(SelfConsistency(Single(), 3, depth=5), 10, truth(range(10)))
    assert all(sorted(question.indices) == [0, 1, 2, 3, 4] for question in played.questions)
    assert played.order == [4, 3, 2, 1, 0, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SelfConsistency(Single(), 0), "samples = 0"),
        (lambda: SelfConsistency(Single(), by="bordo"), "unknown aggregation 'bordo'\n.*borda"),
        (lambda: SelfConsistency(Sliding(depth=50)), r"sliding\(20, 10, depth=50\).*\n.*Give the depth"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_lockstep_merges_rounds_of_different_lengths():
    def asks(*rounds):
        total = 0.0
        for questions in rounds:
            answers = yield [Score(index) for index in questions]
            total += sum(answer.value for answer in answers)
        return total

    both = in_lockstep([asks((1, 2), (3,)), asks(), asks((4,))])
    assert next(both) == [Score(1), Score(2), Score(4)]
    assert both.send([Answer(1.0), Answer(2.0), Answer(4.0)]) == [Score(3)]
    with pytest.raises(StopIteration) as end:
        both.send([Answer(3.0)])
    assert end.value.value == [6.0, 0, 4.0]
