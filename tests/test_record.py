"""A run is kept, and run again from the file without a model."""

from __future__ import annotations

import json

import pytest

from rankkit.errors import DataError, InvalidReply
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pointwise.strategy import ScoreAll
from rankkit.prompt import load_prompt
from rankkit.questions import Order
from rankkit.record import RecordedJudge, Recorder, read_record
from rankkit.reranker import JudgeReranker
from rankkit.testing import ScriptedModel, oracle, request_of

ANSWERS = ["[2] > [1] > [4] > [3]", "I cannot.", "[4] > [1]"]


@pytest.fixture
def recorded(tmp_path):
    """Three windows over eight documents; one answer is good, one is none, one is incomplete."""
    answers = iter(ANSWERS)
    judge = GenerateJudge(ScriptedModel(say=lambda prompt: next(answers)), load_prompt("listwise/rankgpt"))
    path = tmp_path / "run.jsonl"
    with Recorder(path, judge.fingerprints) as recorder:
        ranking = JudgeReranker(judge, Sliding(4, 2), on_reply=recorder.write).rank(request_of([0] * 8))
    return path, ranking


def test_a_replay_gives_the_same_ranking_outcomes_and_bill(recorded):
    path, ranking = recorded
    again = JudgeReranker(RecordedJudge(read_record(path)), Sliding(4, 2)).rank(request_of([0] * 8))
    assert again.order == ranking.order
    assert again.steps[0].outcomes == ranking.steps[0].outcomes == {"ok": 1, "refused": 1, "repaired": 1}
    assert again.steps[0].defects == ranking.steps[0].defects
    assert again.usage.tokens == ranking.usage.tokens


def test_a_record_holds_what_was_said_but_no_document(recorded):
    path, _ = recorded
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["said"] for line in lines] == ANSWERS
    assert lines[0]["ids"] == ["d4", "d5", "d6", "d7"] and lines[0]["value"] == ["d5", "d4", "d7", "d6"]
    assert "prompt" in lines[0]["fingerprints"] and "document 4" not in path.read_text()


def test_old_answers_can_be_read_by_new_rules(recorded):
    from rankkit.questions import Answer

    path, _ = recorded

    def reversed_always(question: Order, said: str) -> Answer:
        return Answer(tuple(reversed(question.indices)))

    judge = RecordedJudge(read_record(path), reread=reversed_always)
    with pytest.raises(InvalidReply, match="first difference"):
        JudgeReranker(judge, Sliding(4, 2)).rank(request_of([0] * 8))


def test_the_first_difference_is_told(recorded):
    path, _ = recorded
    with pytest.raises(
        InvalidReply, match=r"query 'the query' asks Order about d3, d4, d5, d6, d7; the nearest .* d4, d5, d6, d7"
    ):
        JudgeReranker(RecordedJudge(read_record(path)), Sliding(5, 2)).rank(request_of([0] * 8))


def test_scores_are_recorded_too(tmp_path):
    path = tmp_path / "scores.jsonl"
    with Recorder(path, {}) as recorder:
        JudgeReranker(oracle(), ScoreAll(), on_reply=recorder.write).rank(request_of([1, 3, 2]))
    assert JudgeReranker(RecordedJudge(read_record(path)), ScoreAll()).rank(request_of([0, 0, 0])).scores == (
        3.0,
        2.0,
        1.0,
    )


def test_what_is_no_record_is_refused_by_line(recorded, tmp_path):
    path, _ = recorded
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError, match=r"run\.jsonl, line 3"):
        read_record(path)
    with pytest.raises(DataError, match="there is no record"):
        read_record(tmp_path / "none")
    with pytest.raises(DataError, match="cannot be written"):
        Recorder(tmp_path / "no" / "folder", {})
