"""Spans of OpenTelemetry: a stage holds its calls, and nobody's text is in them."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from starlette.testclient import TestClient

from rankkit.core.questions import Answer
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ServerFailed
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.server.tracing import Spans
from rankkit.testing import ScriptedJudge
from tests.server.plain import BODY, app


class Span(trace.NonRecordingSpan):
    def __init__(self, name: str, parent: object, attributes: dict[str, Any]) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.name, self.parent, self.attributes = name, parent, dict(attributes)
        self.status: object = None
        self.ended = 0

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_status(self, status: Any, description: str | None = None) -> None:
        self.status = status.description

    def end(self, end_time: int | None = None) -> None:
        self.ended += 1


class Tracer(trace.NoOpTracer):
    def __init__(self) -> None:
        self.spans: list[Span] = []

    def start_span(self, name, context=None, start_time=None, attributes=None, **more):
        parent = trace.get_current_span(context) if context is not None else None
        self.spans.append(Span(name, parent, attributes))
        return self.spans[-1]


def spans_of(judge: ScriptedJudge) -> list[Span]:
    tracer = Tracer()
    reranker = JudgeReranker(judge, ScoreAll(), on_call_failure="partial")
    one = TestClient(app(reranker, on_event=Spans(tracer).on_event), base_url="http://127.0.0.1:8000")
    one.post("/rerank", json=BODY, headers={"X-Request-Id": "mine"})
    return tracer.spans


def test_a_span_a_stage_and_a_span_a_call():
    stage, *calls = spans_of(ScriptedJudge(lambda asked: Answer(0.5), batch=2, score_kind=ScoreKind.PROBABILITY))
    assert stage.name.startswith("rankkit stage ") and len(calls) == 2
    assert all(call.name.startswith("rankkit call ") and call.parent is stage for call in calls)
    assert all(span.ended == 1 and span.attributes["rankkit.request_id"] == "mine" for span in (stage, *calls))
    assert stage.attributes["rankkit.calls"] == 2 and stage.attributes["rankkit.tokens"] > 0


def test_a_failure_is_the_name_of_its_error():
    def fail(asked: object) -> Answer[float]:
        raise ServerFailed("secret words")

    _, *calls = spans_of(ScriptedJudge(fail, score_kind=ScoreKind.PROBABILITY))
    assert {call.status for call in calls} == {"ServerFailed"}
