"""What every listwise strategy promises, for any number of candidates and any answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Task
from rankkit.listwise.strategies.self_consistency import SelfConsistency
from rankkit.listwise.strategies.setwise import SetwiseBubble, SetwiseHeapsort
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.listwise.strategies.top_down import TopDown
from rankkit.listwise.strategies.tour_rank import TourRank
from rankkit.pipeline.judged import JudgeReranker
from rankkit.testing import check_oracle_order, check_reranker, oracle, request_of
from tests.listwise.strategies.play import best, limits, noise, play, shuffled, silence, truth, worths

#: Every strategy on every kind of answer.
pytestmark = pytest.mark.slow

DEFAULTS = [
    Single(),
    Sliding(),
    Sliding(passes=3),
    Sliding(top_k=10),
    TopDown(),
    TourRank(2),
    SetwiseHeapsort(),
    SetwiseBubble(),
    SelfConsistency(Sliding(), 3),
    SelfConsistency(TopDown(), 3),
]
every = pytest.mark.parametrize("strategy", DEFAULTS, ids=lambda strategy: strategy.name)


def any_strategy() -> st.SearchStrategy:
    depth = st.one_of(st.none(), st.integers(1, 120))
    window = st.integers(2, 30)

    def sliding(window: int) -> st.SearchStrategy:
        top_k = st.one_of(st.none(), st.integers(1, 30))
        return st.builds(Sliding, st.just(window), st.integers(1, window - 1), st.integers(1, 3), depth, top_k)

    def top_down(window: int) -> st.SearchStrategy:
        return st.builds(TopDown, st.just(window), st.integers(1, window - 1), depth)

    stages = st.sets(st.integers(1, 60), min_size=1, max_size=5).flatmap(
        lambda kept: st.tuples(
            *(st.tuples(st.just(advance), st.integers(2, 25)) for advance in sorted(kept, reverse=True))
        )
    )
    setwise = [
        st.builds(kind, st.integers(1, 12), st.integers(1, 20), depth) for kind in (SetwiseHeapsort, SetwiseBubble)
    ]
    return st.one_of(
        st.builds(Single, depth),
        window.flatmap(sliding),
        window.flatmap(top_down),
        st.builds(TourRank, st.integers(1, 3), stages, st.integers(0, 9), depth),
        *setwise,
        st.builds(SelfConsistency, st.sampled_from(DEFAULTS[:5]), st.integers(1, 3), depth=depth),
    )


def head(strategy, n: int) -> int:
    return n if strategy.depth is None else min(n, strategy.depth)


@settings(max_examples=80, deadline=None)
@given(any_strategy(), st.integers(0, 250), limits, st.integers(0, 99))
def test_any_answers_give_a_permutation_and_every_candidate_is_looked_at(strategy, n, max_group_size, seed):
    played = play(strategy, n, noise(seed), max_group_size)
    reordered = head(strategy, n)
    if not (isinstance(strategy, TourRank) and 2 in (max_group_size, *(group for _, group in strategy.stages))):
        assert played.seen == (set(range(reordered)) if reordered > 1 else set())
    assert played.order[reordered:] == list(range(reordered, n))
    assert play(strategy, n, noise(seed), max_group_size) == played  # deterministic


@settings(max_examples=60, deadline=None)
@given(any_strategy(), st.integers(0, 250), limits)
def test_silence_leaves_the_first_stage_order(strategy, n, max_group_size):
    played = play(strategy, n, silence, max_group_size)
    assert played.order == list(range(n)) and played.placed.scores is None


@settings(max_examples=80, deadline=None)
@given(any_strategy(), worths, limits)
def test_a_judge_that_is_always_right_brings_the_best_to_the_top(strategy, worth, max_group_size):
    reordered = head(strategy, len(worth))
    played = play(strategy, len(worth), truth(worth), max_group_size)
    if reordered > 1 and isinstance(strategy, TourRank):
        scores = played.placed.scores
        assert scores[0] == scores[played.order.index(best(worth[:reordered])[0])] == max(scores[:reordered])
    elif worth:
        assert played.order[0] == best(worth[:reordered])[0]


@every
def test_every_number_of_candidates_from_0_to_250(strategy):
    for n in range(251):
        worth = shuffled(n, n)
        played = play(strategy, n, truth(worth))
        assert played.seen == (set(range(n)) if n > 1 else set())
        assert not n or played.order[0] == best(worth)[0] or isinstance(strategy, TourRank)


@every
def test_with_the_runner_the_contract_holds(strategy):
    check_reranker(JudgeReranker(oracle(), strategy))
    check_reranker(JudgeReranker(oracle(limit=3), strategy))
    if not isinstance(strategy, TourRank):
        check_oracle_order(JudgeReranker(oracle(), strategy), shuffled(97, 1), top=10)


@every
@pytest.mark.parametrize("max_group_size", [0, 1])
def test_where_not_even_two_fit_nothing_is_asked_and_the_diagnosis_says_so(strategy, max_group_size):
    played = play(strategy, 9, silence, max_group_size)
    assert played.rounds == [] and played.order == list(range(9))
    assert played.placed.diagnostics == (("window", float(max_group_size)),)


@every
def test_a_context_that_is_large_enough_is_no_diagnosis(strategy):
    assert not [line for line in play(strategy, 30, silence, 30).placed.diagnostics if line[0] == "window"]


@pytest.mark.parametrize(
    ("strategy", "right", "reversed_"),
    [
        (Single(), (1, 1), (1, 1)),
        (Sliding(), (9, 9), (9, 9)),
        (Sliding(passes=3), (9, 9), (27, 27)),
        (TopDown(), (6, 2), (15, 7)),
        (TourRank(1), (13, 5), (13, 5)),
        (TourRank(), (130, 5), (130, 5)),
        (SetwiseHeapsort(), (69, 40), (83, 44)),
        (SetwiseBubble(), (39, 39), (318, 318)),
        (SelfConsistency(Sliding()), (45, 9), (45, 9)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_price_for_100_candidates_in_questions_and_rounds(strategy, right, reversed_):
    assert play(strategy, 100, truth(range(100, 0, -1))).price == right
    assert play(strategy, 100, truth(range(100))).price == reversed_


def test_names_read_as_calls_and_say_what_is_not_usual():
    assert [strategy.name for strategy in DEFAULTS] == [
        "single()",
        "sliding(20, 10)",
        "sliding(20, 10, passes=3)",
        "sliding(20, 10, top_k=10)",
        "top-down(20, 10)",
        "tourrank(2)",
        "setwise-heapsort(3)",
        "setwise-bubble(3)",
        "self-consistency(sliding(20, 10), 3)",
        "self-consistency(top-down(20, 10), 3)",
    ]
    assert TourRank(1, seed=4, depth=50).name == "tourrank(1, seed=4, depth=50)"
    assert SetwiseBubble(2, top_k=5).name == "setwise-bubble(2, top_k=5)"
    assert SelfConsistency(Single(), 2, by="median").name == "self-consistency(single(), 2, by=median)"


@settings(max_examples=300)
@given(any_strategy(), st.integers(0, 130), limits, st.integers(0, 10_000), st.sampled_from([0.0, 0.2, 1.0]))
def test_no_answers_lead_to_more_questions_than_were_promised(strategy, n, max_group_size, seed, silent):
    played = play(strategy, n, noise(seed, silent), max_group_size)
    assert len(set(played.questions)) <= strategy.most_questions(Task(n, max_group_size))


@every
@given(worths, limits)
def test_a_reversed_first_stage_leads_to_no_more_questions_than_were_promised(strategy, worth, max_group_size):
    played = play(strategy, len(worth), truth(sorted(worth)), max_group_size)
    assert len(set(played.questions)) <= strategy.most_questions(Task(len(worth), max_group_size))


@pytest.mark.parametrize(
    ("strategy", "most"),
    [
        (Single(), 1),
        (Sliding(), 9),
        (Sliding(passes=3), 27),
        (SetwiseBubble(), 318),
        (SelfConsistency(Sliding(), 3), 27),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_most_questions_about_a_hundred_candidates(strategy, most):
    assert strategy.most_questions(Task(100)) == most


def test_where_all_fits_into_one_question_the_plan_is_exact():
    for strategy in (Single(), Sliding(), TopDown()):
        plan = JudgeReranker(oracle(), strategy).plan(request_of(range(20)))
        assert (plan.exact, plan.questions, plan.questions_at_most) == (True, 1, 1)
    plan = JudgeReranker(oracle(), SetwiseBubble()).plan(request_of(range(100)))
    assert (plan.exact, plan.questions, plan.questions_at_most) == (False, 39, 318)
