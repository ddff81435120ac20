"""Tournament graphs with questions about several candidates at once."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Answer, Choose, Order, Task
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError
from rankkit.pairwise.comparisons import PATIENCE
from rankkit.pairwise.strategies.kway import ChoiceTournament, OrderTournament
from rankkit.pipeline.judged import JudgeReranker
from rankkit.testing import check_reranker, oracle, request_of

both = pytest.mark.parametrize("kind", [OrderTournament, ChoiceTournament])


def conduct(strategy, n, answer, max_group_size=None):
    playing, rounds = strategy.order(Task(n, max_group_size)), []
    try:
        questions = next(playing)
        while True:
            rounds.append(list(questions))
            questions = playing.send([answer(question) for question in questions])
    except StopIteration as stop:
        return stop.value, rounds


def truth(relevance):
    def answer(question):
        ordered = tuple(sorted(question.indices, key=lambda item: (-relevance[item], item)))
        return Answer(ordered if isinstance(question, Order) else ordered[0])

    return answer


@both
@settings(deadline=None)
@given(relevance=st.lists(st.integers(0, 5), max_size=24), top=st.none() | st.integers(1, 30), size=st.integers(2, 8))
def test_the_top_is_exact_and_ties_keep_the_first_stage_order(kind, relevance, top, size):
    placed, rounds = conduct(kind(top_k=top, size=size), len(relevance), truth(relevance))
    assert sorted(placed.order) == list(range(len(relevance)))
    assert list(placed.order[:top]) == sorted(range(len(relevance)), key=lambda item: -relevance[item])[:top]
    assert all(2 <= len(question.indices) <= size for questions in rounds for question in questions)


@both
@settings(deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(0, 20), size=st.integers(2, 6))
def test_nonsense_for_answers_comes_to_an_end_and_nothing_is_asked_twice(kind, seed, n, size):
    drawn = random.Random(seed)

    def answer(question):
        if isinstance(question, Choose):
            return Answer(drawn.choice(question.indices))
        return Answer(tuple(drawn.sample(question.indices, len(question.indices))))

    placed, rounds = conduct(kind(size=size), n, answer)
    asked = [frozenset(question.indices) for questions in rounds for question in questions]
    assert sorted(placed.order) == list(range(n)) and len(asked) == len(set(asked))


@both
@pytest.mark.parametrize("unanswered", [Answer(None), Answer.unasked()], ids=["failed", "unasked"])
def test_without_answers_the_first_stage_order_comes_back_soon(kind, unanswered):
    placed, rounds = conduct(kind(size=3), 12, lambda question: unanswered)
    assert placed.order == tuple(range(12)) and len(rounds) <= PATIENCE


@both
def test_the_contract_a_budget_and_a_judge_that_takes_few(kind):
    check_reranker(JudgeReranker(oracle(limit=3), kind()))
    stopped = JudgeReranker(oracle(), kind(size=4)).rank(request_of(range(20)), budget=Budget(calls=2))
    assert stopped.usage.calls == 2 and stopped.steps[0].stopped
    _, rounds = conduct(kind(), 10, truth(range(10)), max_group_size=4)
    assert max(len(question.indices) for questions in rounds for question in questions) == 4


def test_the_top_ten_of_a_hundred_take_at_most_seven_orders_of_twenty_in_three_rounds():
    for seed in range(10):
        relevance = list(range(100))
        random.Random(seed).shuffle(relevance)
        placed, rounds = conduct(OrderTournament(top_k=10, size=20), 100, truth(relevance))
        assert [relevance[item] for item in placed.order[:10]] == list(range(99, 89, -1))
        assert [len(questions) for questions in rounds] in ([5, 1], [5, 1, 1])


def test_an_option_that_means_nothing_is_refused():
    with pytest.raises(ConfigError, match="size is 1"):
        OrderTournament(size=1)


@both
@given(st.integers(0, 60), st.integers(2, 9), st.none() | st.integers(1, 12), st.randoms(use_true_random=False))
def test_no_answers_lead_to_more_questions_than_were_promised(kind, n, size, top_k, rng):
    def anything(question):
        if rng.random() < 0.1:
            return Answer(None)
        indices = question.indices
        return Answer(rng.choice(indices) if kind is ChoiceTournament else tuple(rng.sample(indices, len(indices))))

    strategy = kind(size=size, top_k=top_k)
    _, rounds = conduct(strategy, n, anything)
    asked = {question for questions in rounds for question in questions}
    assert len(asked) <= strategy.most_questions(Task(n))
