"""Those who watch: events for traces, the logger for people. Neither ever holds a text."""

from __future__ import annotations

import logging

import pytest

from rankkit.core.events import Event, listening
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Answer
from rankkit.core.ranking import Query, Request
from rankkit.errors import ConnectionFailed
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle, request_of


def asked() -> Request:
    return Request(Query("a secret query", id="q7"), request_of([1, 2]).candidates)


def failing(question: BoundQuestion) -> Answer:
    raise ConnectionFailed("no connection to the host of a secret document")


def test_beginnings_and_ends_come_in_pairs():
    events: list[Event] = []
    with listening(events.append):
        JudgeReranker(oracle(), ScoreAll()).rank(asked())
    JudgeReranker(oracle(), ScoreAll()).rank(asked())  # nobody listens any more
    assert [event.kind for event in events] == [
        "stage started",
        "call started",
        "call ended",
        "call started",
        "call ended",
        "stage ended",
    ]
    stage = events[0].id
    assert {event.parent for event in events if event.kind.startswith("call")} == {stage}
    assert events[1].id == events[2].id != events[3].id == events[4].id
    assert events[-1].id == stage and events[-1].usage.calls == 2
    assert {event.query_id for event in events} == {"q7"} and "secret" not in repr(events)


def test_a_failed_call_ends_with_the_name_of_its_error():
    events: list[Event] = []
    with listening(events.append):
        JudgeReranker(ScriptedJudge(failing), ScoreAll(), on_call_failure="partial").rank(asked())
    assert [event.error for event in events if event.kind == "call ended"] == ["ConnectionFailed"] * 2


def test_a_plan_is_no_event(caplog):
    events: list[Event] = []
    with listening(events.append), caplog.at_level(logging.DEBUG, "rankkit"):
        JudgeReranker(oracle(), ScoreAll()).plan(asked())
    assert events == [] and caplog.records == []


def test_the_logger_has_a_line_a_stage_and_at_debug_a_line_a_call(caplog):
    with caplog.at_level(logging.DEBUG, "rankkit"):
        JudgeReranker(oracle(), ScoreAll()).rank(asked())
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.DEBUG, logging.DEBUG, logging.INFO]
    assert "2 questions, 2 calls" in caplog.text and "secret" not in caplog.text


@pytest.mark.parametrize("policy", ["keep", "partial"])
def test_a_failure_that_a_ranking_survives_is_a_warning(caplog, policy):
    cascade = JudgeReranker(oracle(), ScoreAll()) >> JudgeReranker(
        ScriptedJudge(failing, name="broken", fingerprints={"model": "broken"}), ScoreAll(), on_call_failure="partial"
    ).on_failure(policy)
    with caplog.at_level(logging.WARNING, "rankkit"):
        ranking = cascade.rank(asked())
    assert "ConnectionFailed" in caplog.text and "q7" in caplog.text and "secret" not in caplog.text
    assert ranking.ids == ("d1", "d0")
    assert "! " in repr(ranking) and "ConnectionFailed" in repr(ranking) and "ConnectionFailed" in ranking._repr_html_()
