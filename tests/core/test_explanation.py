"""A document's way through the stages."""

from __future__ import annotations

import pytest

from rankkit.core.gates import FewerThan
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Answer
from rankkit.core.ranking import Ranking, Request
from rankkit.errors import ConnectionFailed, InputError
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle, request_of


class Reverse:
    """Somebody else's reranker: an order and no scores."""

    def rank(self, request: Request) -> Ranking:
        return Ranking(request, tuple(range(len(request)))[::-1])

    def __repr__(self) -> str:
        return "reverse"


def scored() -> JudgeReranker:
    return JudgeReranker(oracle(), ScoreAll())


def broken(question: BoundQuestion) -> Answer:
    raise ConnectionFailed("no connection")


def test_which_stage_moved_a_document():
    ranking = (scored().drop_after(3) >> Reverse()).rank(request_of([3, 9, 1, 7]))
    assert ranking.ids == ("d0", "d3", "d1")
    explained = ranking.explain("d1")
    assert [(move.before, move.after, move.score) for move in explained.movements] == [(2, 1, 9.0), (1, 3, None)]
    assert (explained.first, explained.final) == (2, 3)
    assert "rank 2 -> rank 1, scored 9.0000" in repr(explained) and "reverse: rank 1 -> rank 3" in repr(explained)
    assert explained.to_dict()["movements"][0] == {
        "stage": "pointwise(oracle)",
        "before": 2,
        "after": 1,
        "score": 9.0,
        "why": "",
    }


def test_a_document_that_was_dropped_is_gone():
    explained = (scored().drop_after(3) >> Reverse()).rank(request_of([3, 9, 1, 7])).explain("d2")
    assert [move.after for move in explained.movements] == [None, None] and explained.final is None
    assert "gone in the end" in repr(explained)


def test_why_a_stage_did_nothing():
    skipped = (scored() >> scored().skip_if(FewerThan(10))).rank(request_of([1, 2])).explain(1)
    assert skipped.movements[1].why.startswith("skipped: 2 candidates are fewer than 10")
    failed = (
        (scored() >> JudgeReranker(ScriptedJudge(broken, fingerprints={"model": "broken"}), ScoreAll()))
        .rank(request_of([1, 2]))
        .explain(1)
    )
    assert failed.movements[1].why == "ConnectionFailed: no connection"
    assert (failed.movements[1].before, failed.movements[1].after) == (1, 1)


def test_the_steps_know_the_order_that_they_left():
    first, second = (scored().drop_after(3) >> Reverse()).rank(request_of([3, 9, 1, 7])).steps
    assert first.order == ("d1", "d3", "d0") and first.scores == (9.0, 7.0, 3.0)
    assert second.order == ("d0", "d3", "d1") and second.scores is None


def test_nobody_of_that_name():
    ranking = scored().rank(request_of([1, 2]))
    with pytest.raises(InputError, match="no document 'd7'"):
        ranking.explain("d7")
    with pytest.raises(InputError, match="no rank 3"):
        ranking.explain(3)


def test_scores_of_an_earlier_stage_are_marked_and_no_threshold_is_held_against_them():
    cascade = scored() >> Reverse()
    ranking = cascade.rank(request_of([3, 9, 1]))
    assert ranking.scores == (1.0, 3.0, 9.0) and ranking.scores_from == "pointwise(oracle)"
    assert "relevance of pointwise(oracle), an earlier stage" in repr(ranking)
    with pytest.raises(InputError, match="its order is not"):
        ranking.above(2.0)
    kept = cascade.rank(request_of([3, 9, 1]), threshold=2.0, top_k=1)
    assert kept.ids == ("d2",) and "threshold left out" in repr(kept.steps[-1].notes)
    assert (cascade >> scored()).rank(request_of([3, 9, 1]), threshold=2.0).ids == ("d1", "d0")
