"""Tournaments: stages, groups, points; for any number of candidates."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Answer
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError
from rankkit.listwise.strategies.tour_rank import TourRank, dealt
from rankkit.pipeline.judged import JudgeReranker
from rankkit.testing import oracle, request_of
from tests.listwise.strategies.play import best, play, shuffled, silence, truth, worths


def test_the_stages_of_the_paper_for_100_candidates():
    rounds = play(TourRank(1), 100, truth(shuffled(100, 1))).rounds
    games = [[(len(question.indices), question.top) for question in questions] for questions in rounds]
    assert games == [[(20, 10)] * 5, [(10, 4)] * 5, [(20, 10)], [(10, 5)], [(5, 2)]]


def test_tournaments_go_side_by_side_and_show_groups_in_orders_of_their_own():
    played = play(TourRank(3), 100, truth(shuffled(100, 1)))
    assert [len(questions) for questions in played.rounds] == [15, 15, 3, 3, 3]
    first = [question.indices for question in played.rounds[0]]
    assert len(set(first)) == 15 and len({frozenset(group) for group in first}) == 5
    assert play(TourRank(3, seed=1), 100, truth(shuffled(100, 1))).rounds != played.rounds


def test_groups_are_dealt_by_rank_and_at_least_one_of_each_advances():
    assert dealt(range(7), 3, 4) == [([0, 2, 4, 6], 2), ([1, 3, 5], 1)]
    assert dealt(range(6), 1, 2) == [([0, 3], 1), ([1, 4], 1), ([2, 5], 1)]


@given(st.integers(2, 250), st.integers(1, 249), st.integers(2, 25))
def test_dealing_loses_nobody_and_always_narrows(n, advance, size):
    advance = min(advance, n - 1)
    groups = dealt(range(n), advance, size)
    assert sorted(index for group, _ in groups for index in group) == list(range(n))
    assert all(len(group) == places == 1 or 1 <= places < len(group) <= size for group, places in groups)
    assert sum(places for _, places in groups) <= max(advance, len(groups)) < n
    assert all(len(group) > 1 for group, _ in groups) or size == 2


def test_five_documents_by_hand():
    played = play(TourRank(1, stages=((2, 3), (1, 3))), 5, truth([1, 5, 3, 4, 2]))
    # Groups (0, 2, 4) and (1, 3), of which 2 and 1 advance; then 1 of the two.
    assert played.order == [1, 2, 0, 3, 4]
    assert played.placed.scores == (2.0, 1.0, 0.0, 0.0, 0.0) and played.placed.kind is ScoreKind.WINS


@settings(max_examples=60, deadline=None)
@given(worths, st.integers(1, 3))
def test_the_best_two_have_the_most_points(worth, tournaments):
    played = play(TourRank(tournaments), len(worth), truth(worth))
    assert set(played.order[:2]) == set(best(worth)[:2])
    if len(worth) > 1:
        scores = played.placed.scores
        assert list(scores) == sorted(scores, reverse=True)


def test_points_are_the_scores_of_the_ranking_and_the_unranked_tail_has_none():
    ranking = JudgeReranker(oracle(), TourRank(2, depth=4)).rank(request_of([0, 1, 2, 3, 9]))
    assert ranking.score_kind is ScoreKind.WINS
    assert ranking.order == (2, 3, 0, 1, 4) and ranking.scores == (2.0, 2.0, 0.0, 0.0, None)


def test_a_group_without_an_answer_sends_its_first_stage_best():
    def deaf_to_the_best(question):
        return Answer.unasked() if 8 in question.indices else truth(range(9))(question)

    played = play(TourRank(1, stages=((3, 3), (1, 3))), 9, deaf_to_the_best)
    # (0, 3, 6) sends 6, (1, 4, 7) sends 7, and of (2, 5, 8) nobody said that 8 is the best.
    assert sorted(played.rounds[1][0].indices) == [2, 6, 7]
    assert played.order[0] == 7
    assert play(TourRank(1), 9, silence).placed.scores is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TourRank(0), "tournaments = 0"),
        (lambda: TourRank(stages=()), "without stages"),
        (lambda: TourRank(stages=((10, 20), (10, 20))), "do not narrow"),
        (lambda: TourRank(stages=((10, 1),)), "size of a group = 1"),
        (lambda: TourRank(stages=((0, 20),)), "advance from a stage = 0"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
