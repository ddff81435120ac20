"""What a plan promises: no course costs more than its bounds, whatever the model answers and however long the texts."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.ranking import Request
from rankkit.listwise.constrained import ConstrainedJudge
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.setwise import SetwiseJudge
from rankkit.listwise.strategies.self_consistency import SelfConsistency
from rankkit.listwise.strategies.setwise import SetwiseBubble, SetwiseHeapsort
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.listwise.strategies.top_down import TopDown
from rankkit.pairwise.prompted import PromptedJudge
from rankkit.pairwise.strategies.bubblesort import BubbleSort
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pairwise.strategies.kway import OrderTournament
from rankkit.pairwise.strategies.tournament import Tournament
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt
from rankkit.testing import ScriptedModel


def by_word_and_label(seed: int) -> ScriptedModel:
    """Opinions that are as arbitrary as a seed, and not even the same from prompt to prompt."""
    return ScriptedModel(worth=lambda prompt, label: crc32(f"{seed} {prompt} {label}".encode()) % 97 - 98.0)


def orders(seed: int) -> ConstrainedJudge:
    return ConstrainedJudge(by_word_and_label(seed), load_prompt("listwise/small"), passage_tokens=20)


def choices(seed: int) -> SetwiseJudge:
    return SetwiseJudge(by_word_and_label(seed), load_prompt("listwise/setwise"), passage_tokens=20)


def pairs(seed: int) -> PromptedJudge:
    return PromptedJudge(by_word_and_label(seed), load_prompt("prp", "pairwise"), passage_tokens=20)


COURSES = [
    (orders, Sliding(6, 3)),
    (orders, Sliding(6, 3, passes=3)),
    (orders, SelfConsistency(Sliding(6, 3), 3)),
    (orders, TopDown(6, 3)),
    (orders, OrderTournament(size=5, top_k=3)),
    (choices, SetwiseHeapsort(3, 4)),
    (choices, SetwiseBubble(3, 4)),
    (pairs, HeapSort(top_k=3)),
    (pairs, BubbleSort(top_k=3)),
    (pairs, Tournament(top_k=3)),
]


@pytest.mark.parametrize(
    ("judge", "strategy"), COURSES, ids=lambda value: getattr(value, "name", value.__class__.__name__)
)
@given(lengths=st.lists(st.integers(1, 30), min_size=2, max_size=16), seed=st.integers(0, 2**32))
def test_no_course_costs_more_than_the_plan_s_bounds(judge, strategy, lengths, seed):
    request = Request.of("which?", [" ".join(["word"] * length) for length in lengths])
    reranker = JudgeReranker(judge(seed), strategy)
    plan, ranking = reranker.plan(request), reranker.rank(request)
    assert ranking.steps[0].questions <= plan.questions_at_most
    assert ranking.usage.calls <= plan.usage_at_most.calls
    assert ranking.usage.input_tokens <= plan.usage_at_most.input_tokens
    assert plan.usage.input_tokens <= plan.usage_at_most.input_tokens


def test_long_passages_at_the_end_are_in_the_bound_though_not_in_the_course():
    texts = ["short"] * 80 + ["long " * 200] * 20
    best_last = ScriptedModel(say=lambda prompt: " > ".join(f"[{number}]" for number in range(20, 0, -1)))
    reranker = JudgeReranker(GenerateJudge(best_last, load_prompt("listwise/rankgpt")), Sliding(20, 10))
    request = Request.of("which?", texts)
    plan, usage = reranker.plan(request), reranker.rank(request).usage
    assert plan.usage.input_tokens < usage.input_tokens <= plan.usage_at_most.input_tokens
    assert plan.calls == usage.calls == 9 and not plan.exact
