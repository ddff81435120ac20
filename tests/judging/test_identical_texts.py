"""Texts that come several times are read once, and the usage says what was read."""

from __future__ import annotations

import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Score
from rankkit.core.ranking import Request
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll
from tests.tiny import tiny_cross_encoder


@pytest.fixture(scope="module", params=[False, True], ids=["floats", "quantised"])
def reranker(request, tmp_path_factory) -> JudgeReranker:
    folder = tiny_cross_encoder(tmp_path_factory.mktemp("tiny"), quantised=request.param)
    return JudgeReranker(CrossEncoderJudge(CrossEncoder(folder)), ScoreAll())  # type: ignore[arg-type]


def test_a_passage_that_comes_three_times_is_read_once(reranker):
    once = reranker.rerank("word", ["good", "bad"])
    thrice = reranker.rerank("word", ["good", "bad", "good", "good"])
    assert thrice.usage.input_tokens == once.usage.input_tokens
    assert thrice.usage.calls == once.usage.calls
    assert thrice.ids == ("0", "2", "3", "1")  # equal scores keep their order
    assert set(thrice.scores[:3]) == {once.scores[0]}


def test_title_and_text_count_as_they_are_read(reranker):
    usage = reranker.rerank("word", [{"title": "good", "text": "bad"}, "good bad", "bad good"]).usage
    assert usage.input_tokens == 2 * reranker.rerank("word", ["good bad"]).usage.input_tokens


def test_requests_of_one_run_share_what_is_the_same(reranker):
    requests = [
        Request.of("word", ["good", "bad"]),
        Request.of("word", ["bad", "best"]),
        Request.of("bad", ["good", "bad"]),
    ]
    apart = [reranker.rank(request) for request in requests]
    together = list(reranker.rank_many(requests))
    assert [ranking.scores for ranking in together] == [ranking.scores for ranking in apart]
    assert (
        sum(r.usage.input_tokens for r in together) == sum(r.usage.input_tokens for r in apart) - 5
    )  # "word" and "bad", once


def test_every_question_is_in_one_call(reranker):
    request = Request.of("word", ["good"] * 5 + ["bad", "good", "bad"])
    judge = reranker.judge
    calls = list(judge.prepare([BoundQuestion(request, Score(index)) for index in range(8)]))
    assert sorted(slot for call in calls for slot in call.slots) == list(range(8))
    for call in calls:
        replies = call.run()
        assert len(replies) == len(call.slots)
        assert sum(reply.usage.input_tokens for reply in replies) == call.bound.input_tokens
        assert sum(reply.usage.calls for reply in replies) == call.bound.calls == 1


def test_what_was_cut_is_said_of_each_copy(reranker):
    long = " ".join(["good"] * 40)
    ranking = reranker.rerank("word", [long, long, "bad"])
    assert "2" in str([step.notes for step in ranking.steps])
