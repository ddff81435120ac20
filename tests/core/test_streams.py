"""Many requests, a few at a time: nothing is taken, prepared or kept before it is needed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence

import pytest

from rankkit.core.judge import BoundQuestion, Call
from rankkit.core.ranking import Request
from rankkit.core.usage import Budget
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle, request_of

WINDOW = 64


def numbered(count: int, taken: list[int]) -> Iterator[Request]:
    for number in range(count):
        taken.append(number)
        yield request_of([1, number % 7, 3], query=f"query {number}")


def test_requests_are_taken_as_they_are_needed_and_come_back_in_order():
    taken: list[int] = []
    reranker = JudgeReranker(oracle(), ScoreAll())
    seen = []
    for ranking in reranker.iter_rank_many(numbered(500, taken)):
        seen.append(ranking.query.text)
        assert len(taken) - len(seen) <= WINDOW
    assert seen == [f"query {number}" for number in range(500)]


def test_who_stops_listening_stops_the_run():
    taken: list[int] = []
    rankings = JudgeReranker(oracle(), ScoreAll()).iter_rank_many(numbered(1000, taken))
    next(rankings)
    rankings.close()
    assert len(taken) <= WINDOW


def test_cascades_stream_too():
    taken: list[int] = []
    cascade = JudgeReranker(oracle(), ScoreAll()).drop_after(2) >> JudgeReranker(oracle(), ScoreAll())
    rankings = cascade.iter_rank_many(numbered(300, taken))
    assert len(next(rankings)) == 2 and len(taken) <= WINDOW
    assert sum(1 for _ in rankings) == 299


class Lazy(ScriptedJudge):
    """Writes down how many questions were made ready before how many were answered."""

    def prepare(self, asked: Sequence[BoundQuestion]) -> Iterator[Call]:
        for slot, call in enumerate(super().prepare(asked)):
            prepared.append(slot)
            yield call


prepared: list[int] = []


def test_calls_are_prepared_one_by_one():
    prepared.clear()
    answered = []

    def answer(asked: BoundQuestion):
        answered.append(asked)
        assert len(prepared) <= len(answered) + 1
        return oracle().answer(asked)

    JudgeReranker(Lazy(answer), ScoreAll()).rank(request_of(range(50)))
    assert len(prepared) == len(answered) == 50


def test_a_request_that_is_out_of_time_is_not_prepared_any_further():
    prepared.clear()
    judge = Lazy(oracle().answer)
    rankings = JudgeReranker(judge, ScoreAll()).rank_many(
        [request_of(range(1000)) for _ in range(20)], budget=Budget(seconds=0)
    )
    assert prepared == [] and all(ranking.steps[0].outcomes == {"unasked": 1000} for ranking in rankings)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_requests():
    reranker = JudgeReranker(oracle(), ScoreAll())

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in reranker.iter_rank_many(numbered(count, [])):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)
    assert peak(4000) < 2 * peak(1000)
