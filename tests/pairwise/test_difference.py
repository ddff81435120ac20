"""Comparisons by score difference: what they answer, and that each document is scored once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from rankkit.core.judge import BoundQuestion
from rankkit.core.plan import plan_ranking
from rankkit.core.questions import Answer, Compare, Outcome, Score, StrategyResult, Task
from rankkit.core.ranking import Candidate, Query, Request, ScoreKind
from rankkit.core.usage import Budget
from rankkit.errors import BackendError, InvalidOutput
from rankkit.pairwise.difference import ScoreDifferenceJudge
from rankkit.pipeline.judged import JudgeReranker
from rankkit.testing import ScriptedJudge, check_oracle_order, check_reranker, oracle, request_of


@dataclass(frozen=True)
class Bubble:
    """One bubble sort pass after the other: every round depends on the last."""

    name: str = "bubble"
    adaptive: bool = True

    def order(self, task: Task) -> Iterator[Sequence[Compare]]:
        order = list(range(task.n))
        for end in range(task.n - 1):
            for at in range(task.n - 2, end - 1, -1):
                [answer] = yield [Compare(order[at], order[at + 1])]
                if answer.value is not None and answer.value < 0.5:
                    order[at], order[at + 1] = order[at + 1], order[at]
        return StrategyResult(tuple(order))


@dataclass(frozen=True)
class AllAtOnce:
    """Every ordered pair in one round, wins counted."""

    name: str = "all"
    adaptive: bool = False

    def order(self, task: Task) -> Iterator[Sequence[Compare]]:
        pairs = [Compare(i, j) for i in range(task.n) for j in range(task.n) if i != j]
        answers = yield pairs
        wins = Counter(dict.fromkeys(range(task.n), 0.0))
        for pair, answer in zip(pairs, answers, strict=True):
            wins[pair.first] += answer.value or 0.0
        return StrategyResult(tuple(sorted(range(task.n), key=lambda index: (-wins[index], index))))


RELEVANCE = [0.1, 0.9, 0.3, 0.7, 0.5, 0.2, 0.8]


@pytest.mark.parametrize("strategy", [Bubble(), AllAtOnce()])
@pytest.mark.parametrize("batch", [1, 3, 100])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_order_is_that_of_the_scores_and_each_document_is_scored_once(strategy, batch, concurrency):
    seen: Counter[str] = Counter()

    def score(asked: BoundQuestion[Score]) -> Answer[float]:
        seen[asked.request.candidates[asked.question.index].id] += 1
        return Answer(RELEVANCE[asked.question.index])

    judge = ScoreDifferenceJudge(ScriptedJudge(score, batch=batch, concurrency=concurrency))
    ranking = JudgeReranker(judge, strategy).rank(request_of(RELEVANCE))
    assert [RELEVANCE[index] for index in ranking.order] == sorted(RELEVANCE, reverse=True)
    assert set(seen.values()) == {1} and len(seen) == 7
    if batch == 1:
        assert ranking.usage.calls == 7  # the bill is that of scoring them all, however they are compared
    again = JudgeReranker(judge, strategy).rank(request_of(RELEVANCE))
    assert again.order == ranking.order and again.usage.calls == 0 and set(seen.values()) == {1}


def test_the_answer_is_the_logistic_function_of_the_difference():
    judge = ScoreDifferenceJudge(oracle(batch=2))  # type: ignore[arg-type]
    request = request_of([2.0, -1.0, 2.0])
    asked = [BoundQuestion(request, Compare(*pair)) for pair in ((0, 1), (1, 0), (0, 2))]
    found = {}
    for call in judge.prepare(asked):
        found |= dict(zip(call.slots, call.run(), strict=True))
    up = 1 / (1 + math.exp(-3))
    assert [found[slot].answer.value for slot in range(3)] == pytest.approx([up, 1 - up, 0.5])
    assert judge.score_kind is ScoreKind.PROBABILITY and "compared by" in judge.fingerprints


def test_the_contract_holds():
    check_reranker(JudgeReranker(ScoreDifferenceJudge(oracle()), Bubble()), budgeted=False)  # type: ignore[arg-type]
    check_oracle_order(JudgeReranker(ScoreDifferenceJudge(oracle(batch=4)), AllAtOnce()), RELEVANCE)  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", [Bubble(), AllAtOnce()])
@pytest.mark.parametrize("limit", range(8))
def test_a_budget_of_calls_is_kept_whatever_was_prepared_before(strategy, limit):
    judge = ScoreDifferenceJudge(oracle())  # type: ignore[arg-type]
    reranker = JudgeReranker(judge, strategy)
    request = request_of(RELEVANCE)
    reranker.plan(request)
    ranking = reranker.rank(request, budget=Budget(calls=limit))
    assert ranking.usage.calls <= limit
    assert bool(ranking.steps[0].stopped) == (limit < 7)
    further = reranker.rank_many([request, request], budget=Budget(calls=2))
    assert all(one.usage.calls <= 2 for one in further)


def test_a_plan_counts_each_document_once():
    judge = ScoreDifferenceJudge(oracle()).planning()  # type: ignore[arg-type]
    plan = plan_ranking(judge, Bubble(), request_of(RELEVANCE), Budget(), "stage")
    assert (plan.calls, plan.usage.input_tokens) == (7, 70)
    assert plan_ranking(judge.planning(), AllAtOnce(), request_of(RELEVANCE), Budget(), "stage").calls == 7


def test_what_was_forgotten_is_scored_again():
    judge = ScoreDifferenceJudge(oracle(), remembered=2)  # type: ignore[arg-type]
    ranking = JudgeReranker(judge, Bubble()).rank(request_of(RELEVANCE))
    assert [RELEVANCE[index] for index in ranking.order] == sorted(RELEVANCE, reverse=True)
    assert ranking.usage.calls > 7


def test_a_failure_is_told_once_made_and_tried_anew_by_the_next_ranking():
    broken = {"d2"}

    def score(asked: BoundQuestion[Score]) -> Answer[float]:
        if asked.request.candidates[asked.question.index].id in broken:
            raise BackendError("out of order")
        return Answer(RELEVANCE[asked.question.index])

    judge = ScoreDifferenceJudge(ScriptedJudge(score))
    with pytest.raises(BackendError, match="out of order"):
        JudgeReranker(judge, AllAtOnce()).rank(request_of(RELEVANCE))
    kept = JudgeReranker(judge, AllAtOnce(), on_call_failure="partial").rank(request_of(RELEVANCE))
    assert kept.steps[0].outcomes == {"ok": 30, "failed": 12}
    broken.clear()
    assert JudgeReranker(judge, AllAtOnce()).rank(request_of(RELEVANCE)).steps[0].outcomes == {"ok": 42}


def test_scores_that_are_none_or_no_numbers_are_no_comparison():
    def score(asked: BoundQuestion[Score]) -> Answer[float]:
        return (
            Answer(None, Outcome.REFUSED)
            if asked.question.index == 0
            else Answer([0.0, math.inf, 1.0][asked.question.index])
        )

    judge = ScoreDifferenceJudge(ScriptedJudge(score))
    kept = JudgeReranker(judge, AllAtOnce(), on_call_failure="partial").rank(request_of([0.0, 0.0, 0.0]))
    assert kept.steps[0].outcomes == {"refused": 4, "failed": 2}
    with pytest.raises(InvalidOutput, match=r"answered nan about document\(s\) d1, d2"):
        JudgeReranker(ScoreDifferenceJudge(ScriptedJudge(score)), AllAtOnce()).rank(request_of([0.0, 0.0, 0.0]))


def scored_by_length(seen: Counter[str]) -> ScriptedJudge:
    def score(asked: BoundQuestion[Score]) -> Answer[float]:
        text = asked.request.candidates[asked.question.index].content
        seen[text] += 1
        return Answer(float(len(text)))

    return ScriptedJudge(score)


def test_scores_are_remembered_by_texts_whatever_ids_and_metadata_say():
    numpy = pytest.importorskip("numpy")
    seen: Counter[str] = Counter()
    judge = ScoreDifferenceJudge(scored_by_length(seen))
    for run in range(3):
        candidates = tuple(
            Candidate(f"{run}-{place}", text, metadata={"vector": numpy.arange(3), "run": [run], "set": {run}})
            for place, text in enumerate(["a", "bbb", "cc", "a", "\ud800"])
        )
        ranking = JudgeReranker(judge, AllAtOnce()).rank(Request(Query("q", id=f"q{run}"), candidates))
        assert ranking.order[:2] == (1, 2)
    assert set(seen.values()) == {1} and len(seen) == 4
    JudgeReranker(judge, AllAtOnce()).rank(Request(Query("another"), candidates))
    assert set(seen.values()) == {2}


def test_memory_is_bounded_in_bytes():
    seen: Counter[str] = Counter()
    judge = ScoreDifferenceJudge(scored_by_length(seen), most_bytes=10_000)
    request = Request(Query("q"), tuple(Candidate(str(n), "x" * (1000 + n)) for n in range(20)))
    ranking = JudgeReranker(judge, Bubble()).rank(request)
    assert ranking.order == tuple(reversed(range(20)))
    assert judge._scores._bytes <= 10_000 and len(judge._scores._places) <= 4


def test_threads_share_one_memo():
    seen: Counter[str] = Counter()
    judge = ScoreDifferenceJudge(scored_by_length(seen), remembered=30)
    requests = [
        Request(Query("q"), tuple(Candidate(str(n), "x" * (1 + n % 40)) for n in range(k, k + 9))) for k in range(40)
    ]
    with ThreadPoolExecutor(8) as threads:
        rankings = list(threads.map(JudgeReranker(judge, Bubble()).rank, requests))
    for request, ranking in zip(requests, rankings, strict=True):
        lengths = [len(request.candidates[index].text) for index in ranking.order]
        assert lengths == sorted(lengths, reverse=True)
