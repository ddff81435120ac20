"""Budgets are hard for every strategy: at most so many calls are made, and a whole order comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.config.kinds import parse
from rankkit.core.questions import Compare
from rankkit.core.usage import Budget
from rankkit.pipeline.judged import JudgeReranker
from rankkit.testing import ScriptedJudge, oracle, request_of

STRATEGIES = ["active", "allpairs", "heapsort", "bubblesort", "quickselect", "insertion", "swiss", "tournament"]


def build(name: str, judge: ScriptedJudge | None = None, top_k: int = 3) -> JudgeReranker:
    spec = parse({"paradigm": "pairwise", "strategy": name, "top_k": top_k})
    return JudgeReranker(judge or oracle(), spec.build_strategy())


@pytest.mark.parametrize("name", STRATEGIES)
@given(limit=st.integers(0, 40), relevance=st.lists(st.integers(0, 4), min_size=2, max_size=12))
def test_at_most_so_many_calls_are_made(name, limit, relevance):
    ranking = build(name).rank(request_of(relevance), budget=Budget(calls=limit))
    assert ranking.usage.calls <= limit
    assert sorted(ranking.order) == list(range(len(relevance)))
    unbounded = build(name).rank(request_of(relevance))
    stopped = ranking.steps[0].stopped
    assert stopped == ("" if unbounded.usage.calls <= limit else f"budget of {limit} calls")


@pytest.mark.parametrize("name", STRATEGIES)
@given(relevance=st.permutations(range(11)))
def test_no_pair_is_put_to_the_judge_twice(name, relevance):
    asked: list[Compare] = []

    def answer(item):
        asked.append(item.question)
        return oracle().answer(item)

    build(name, ScriptedJudge(answer)).rank(request_of(relevance))
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("name", STRATEGIES)
def test_both_orders_of_a_pair_travel_in_one_batch(name):
    batches: list[list[Compare]] = []

    class Watched(ScriptedJudge):
        def prepare(self, asked):
            batches.append([item.question for item in asked])
            return super().prepare(asked)

    build(name, Watched(oracle().answer)).rank(request_of([3, 1, 4, 1, 5, 9, 2, 6]))
    for batch in batches:
        assert {(q.second, q.first) for q in batch} == {(q.first, q.second) for q in batch}


@pytest.mark.parametrize("name", STRATEGIES)
def test_k_greater_than_n_and_ties_everywhere(name):
    assert build(name, top_k=50).rank(request_of([7, 7, 7])).order == (0, 1, 2)
    assert build(name, top_k=50).rank(request_of([7])).order == (0,)
    assert build(name, top_k=50).rank(request_of([])).order == ()
