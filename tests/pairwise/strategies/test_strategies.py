"""What every pairwise strategy keeps, and what each is known for."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Answer, Compare, StrategyResult, Task
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError
from rankkit.pairwise.comparisons import PATIENCE
from rankkit.pairwise.strategies.active import Active
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pairwise.strategies.base import PairStrategy
from rankkit.pairwise.strategies.bubblesort import BubbleSort
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pairwise.strategies.insertion import Insertion
from rankkit.pairwise.strategies.quickselect import QuickSelect
from rankkit.pairwise.strategies.swiss import Swiss
from rankkit.pairwise.strategies.tournament import Tournament
from rankkit.pipeline.judged import JudgeReranker
from rankkit.testing import check_reranker, oracle, request_of

EXACT = (AllPairs, HeapSort, BubbleSort, QuickSelect, Insertion, Tournament)
BOTH_ORDERS = (*EXACT, Swiss)
#: The active one has its own way with the two orders of a pair: ``test_active``.
EVERY = (*BOTH_ORDERS, Active)

every = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)
both_orders = pytest.mark.parametrize("kind", BOTH_ORDERS, ids=lambda kind: kind.name)
exact = pytest.mark.parametrize("kind", EXACT, ids=lambda kind: kind.name)
relevances = st.lists(st.integers(0, 5), max_size=24)
tops = st.none() | st.integers(1, 30)


@dataclass(frozen=True)
class SortProgram:
    placed: StrategyResult
    rounds: list[list[Compare]]

    @property
    def questions(self) -> list[Compare]:
        return [question for questions in self.rounds for question in questions]

    @property
    def comparisons(self) -> int:
        return len({frozenset(question.indices) for question in self.questions})


def conduct(strategy: PairStrategy, n: int, answer: Callable[[Compare], Answer[float]]) -> SortProgram:
    playing, rounds = strategy.order(Task(n)), []
    try:
        questions = next(playing)
        while True:
            rounds.append(list(questions))
            questions = playing.send([answer(question) for question in questions])
    except StopIteration as stop:
        return SortProgram(stop.value, rounds)


def truth(relevance: Sequence[float]) -> Callable[[Compare], Answer[float]]:
    def answer(question: Compare) -> Answer[float]:
        first, second = relevance[question.first], relevance[question.second]
        return Answer(0.5 if first == second else float(first > second))

    return answer


def best_first(relevance: Sequence[float]) -> list[int]:
    return sorted(range(len(relevance)), key=lambda item: -relevance[item])


@exact
@settings(deadline=None)
@given(relevance=relevances, top=tops, one_sided=st.booleans())
def test_the_top_is_exact_and_ties_keep_the_first_stage_order(kind, relevance, top, one_sided):
    program = conduct(kind(top_k=top, one_sided=one_sided), len(relevance), truth(relevance))
    assert sorted(program.placed.order) == list(range(len(relevance)))
    assert list(program.placed.order[:top]) == best_first(relevance)[:top]


@both_orders
@settings(deadline=None, max_examples=60)
@given(relevance=relevances, top=tops, seed=st.integers(0, 5), flips=st.sampled_from([0.0, 0.3, 0.5]))
def test_no_pair_is_asked_twice_and_both_orders_travel_together_however_the_judge_errs(
    kind, relevance, top, seed, flips
):
    drawn, right = random.Random(seed), truth(relevance)

    def answer(question: Compare) -> Answer[float]:
        value = right(question).value
        return Answer(1.0 - value if value is not None and drawn.random() < flips else value)

    program = conduct(kind(top_k=top), len(relevance), answer)
    assert sorted(program.placed.order) == list(range(len(relevance)))
    assert len(program.questions) == len(set(program.questions)) == 2 * program.comparisons
    for questions in program.rounds:
        assert questions, "a round must ask something"
        turned = [Compare(question.second, question.first) for question in questions[1::2]]
        assert turned == questions[::2]


@every
@settings(deadline=None, max_examples=40)
@given(relevance=relevances)
def test_one_sided_asks_each_pair_once_the_better_of_the_first_stage_first(kind, relevance):
    program = conduct(kind(one_sided=True), len(relevance), truth(relevance))
    assert all(question.first < question.second for question in program.questions)
    assert len(program.questions) == program.comparisons


@every
@pytest.mark.parametrize("unanswered", [Answer(None), Answer.unasked()], ids=["failed", "unasked"])
def test_without_answers_the_first_stage_order_comes_back_soon(kind, unanswered):
    program = conduct(kind(top_k=3), 12, lambda question: unanswered)
    assert program.placed.order == tuple(range(12))
    assert len(program.rounds) <= PATIENCE
    assert program.placed.diagnostics == ()


@every
@settings(deadline=None, max_examples=40)
@given(relevance=st.permutations(range(9)), lost=st.sets(st.integers(0, 8), max_size=3))
def test_a_candidate_of_which_nothing_is_learned_does_no_harm(kind, relevance, lost):
    right = truth(relevance)
    program = conduct(kind(), 9, lambda question: Answer(None) if lost & set(question.indices) else right(question))
    assert sorted(program.placed.order) == list(range(9))


@exact
def test_depth_leaves_the_tail_alone(kind):
    relevance = [0, 1, 2, 3, 9, 8]
    program = conduct(kind(depth=4, top_k=10), 6, truth(relevance))
    assert program.placed.order == (3, 2, 1, 0, 4, 5)
    assert max(index for question in program.questions for index in question.indices) == 3


@every
def test_the_contract(kind):
    check_reranker(JudgeReranker(oracle(), kind()))
    check_reranker(JudgeReranker(oracle(batch=3), kind(top_k=2, one_sided=True)))


@every
@settings(deadline=None, max_examples=40)
@given(limit=st.integers(0, 60))
def test_a_budget_is_hard_and_the_step_says_that_it_stopped(kind, limit):
    relevance = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]
    reranker = JudgeReranker(oracle(batch=2), kind(top_k=3))
    ranking = reranker.rank(request_of(relevance), budget=Budget(calls=limit))
    [step] = ranking.steps
    assert ranking.usage.calls <= limit
    assert step.cached_answers == 0
    if not step.stopped and kind in EXACT:
        assert list(ranking.order[:3]) == best_first(relevance)[:3]
    assert step.stopped in ("", f"budget of {limit} calls")


@every
@pytest.mark.parametrize("option", [{"top_k": 0}, {"depth": -1}])
def test_options_that_mean_nothing_are_refused(kind, option):
    with pytest.raises(ConfigError, match=kind.name):
        kind(**option)


def test_a_position_bias_is_diagnosed_in_the_step():
    ranking = JudgeReranker(oracle(), HeapSort(top_k=2)).rank(request_of([1, 2, 3]))
    assert ranking.steps[0].diagnostics["position_bias"] == 0.0
    program = conduct(AllPairs(), 4, lambda question: Answer(1.0))
    assert dict(program.placed.diagnostics) == {"position_bias": 1.0, "first_preference": 1.0}
    assert program.placed.order == (0, 1, 2, 3)


# -- what each is known for


def shuffled(n: int, seed: int) -> list[int]:
    relevance = list(range(n))
    random.Random(seed).shuffle(relevance)
    return relevance


def mean_comparisons(strategy: PairStrategy, n: int = 100) -> float:
    return sum(conduct(strategy, n, truth(shuffled(n, seed))).comparisons for seed in range(10)) / 10


def test_all_pairs_are_one_round_with_wins_as_scores():
    program = conduct(AllPairs(), 5, truth([1, 5, 3, 2, 4]))
    assert len(program.rounds) == 1 and program.comparisons == 10
    assert program.placed.scores == (8.0, 6.0, 4.0, 2.0, 0.0)


def test_all_pairs_of_the_top_have_no_scores_for_the_rest():
    placed = conduct(AllPairs(depth=2), 3, truth([1, 2, 3])).placed
    assert placed.order == (1, 0, 2) and placed.scores == (2.0, 0.0, None)


def test_bubble_passes_over_a_right_order_end_after_one():
    program = conduct(BubbleSort(top_k=10), 100, truth(range(100, 0, -1)))
    assert program.comparisons == 99


def test_bubble_passes_overlap():
    assert len(conduct(BubbleSort(top_k=10), 100, truth(shuffled(100, 0))).rounds) <= 120


def test_a_tournament_needs_n_minus_1_comparisons_for_the_first_place():
    assert {conduct(Tournament(top_k=1), n, truth(shuffled(n, n))).comparisons for n in (2, 9, 50)} == {1, 8, 49}


def test_a_tournament_is_the_cheapest_and_close_to_what_is_possible():
    # By counting outcomes no method can be sure to need fewer than 90 + log2(100 * 99 * ... * 92) = 149.
    assert mean_comparisons(Tournament(top_k=10)) < 155
    for other in (HeapSort(top_k=10), QuickSelect(top_k=10), Insertion(top_k=10), BubbleSort(top_k=10)):
        assert mean_comparisons(other) > 170


def test_a_useful_first_stage_saves_a_tournament_comparisons():
    noise = random.Random(2)
    programs = [
        conduct(Tournament(top_k=10), 100, truth([noise.gauss(-item / 40, 1) for item in range(100)]))
        for _ in range(20)
    ]
    assert sum(program.comparisons for program in programs) / 20 < 148


def test_quickselect_takes_few_rounds():
    rounds = [len(conduct(QuickSelect(top_k=10), 100, truth(shuffled(100, seed))).rounds) for seed in range(10)]
    assert max(rounds) <= 30
    assert len(conduct(QuickSelect(), 100, truth(range(100))).rounds) <= 10  # sorted backwards: the pivot is the middle


def test_a_heap_is_built_level_by_level():
    program = conduct(HeapSort(top_k=1), 64, truth(shuffled(64, 1)))
    assert len(program.rounds) <= 2 * (1 + 2 + 3 + 4 + 5 + 6) and program.comparisons < 2 * 64


def test_insertion_in_larger_groups_takes_fewer_rounds_and_more_comparisons():
    relevance = shuffled(100, 3)
    one, many = (conduct(Insertion(top_k=10, together=size), 100, truth(relevance)) for size in (1, 25))
    assert len(one.rounds) == one.comparisons and len(many.rounds) < len(one.rounds) / 4
    assert one.comparisons < many.comparisons
    with pytest.raises(ConfigError, match="0 candidates together"):
        Insertion(together=0)


def test_swiss_rounds_pair_everybody_once_a_round():
    program = conduct(Swiss(rounds=5), 10, truth(shuffled(10, 4)))
    assert [len(questions) for questions in program.rounds[:3]] == [10, 10, 10]
    # Two questions a pair, each player in one pair; in the end some have met all around them.
    for questions in program.rounds:
        assert 8 <= len(questions) == len({index for question in questions for index in question.indices})
    assert conduct(Swiss(rounds=99), 4, truth([1, 2, 3, 4])).placed.order == (3, 2, 1, 0)
    with pytest.raises(ConfigError, match="0 Swiss rounds"):
        Swiss(rounds=0)


def test_swiss_rounds_find_the_best_without_meeting_everybody():
    relevance = shuffled(64, 5)
    program = conduct(Swiss(), 64, truth(relevance))
    assert 370 <= program.comparisons <= 12 * 32
    assert relevance[program.placed.order[0]] == 63


@every
@given(st.integers(0, 30), tops, st.booleans(), st.randoms(use_true_random=False))
def test_no_answers_lead_to_more_questions_than_were_promised(kind, n, top_k, one_sided, rng):
    strategy = kind(top_k=top_k, one_sided=one_sided)
    playing, asked = strategy.order(Task(n)), set[Compare]()
    try:
        questions = next(playing)
        while True:
            asked.update(questions)
            questions = playing.send([Answer(rng.choice([None, 0.0, 0.5, 1.0])) for _ in questions])
    except StopIteration:
        assert len(asked) <= strategy.most_questions(Task(n))


@pytest.mark.parametrize(("kind", "pairs"), [(AllPairs, 4950), (BubbleSort, 945), (Insertion, 4950)])
def test_the_most_pairs_of_a_hundred_for_the_top_ten(kind, pairs):
    assert kind(top_k=10).most_questions(Task(100)) == 2 * pairs
