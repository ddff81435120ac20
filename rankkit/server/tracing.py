"""Stages and calls of rankings as spans of OpenTelemetry, with whatever tracer the program has set up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rankkit.core.events import Event
from rankkit.errors import MissingExtra

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer


class Spans:
    """``application(..., on_event=Spans().on_event)``, or ``rankkit serve --traces``: a span a stage, and in it a span
    a call. Attributes are ``rankkit.request_id``, tokens and calls; texts are in none.

    Raises:
        MissingExtra: OpenTelemetry is not installed.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        try:
            from opentelemetry import trace
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "traces need the package 'opentelemetry', which is not installed",
                hint="Install it with: pip install opentelemetry-distro opentelemetry-exporter-otlp",
            ) from error
        self._trace = trace
        self._tracer = tracer or trace.get_tracer("rankkit")
        self._open: dict[int, Span] = {}
        self._lock = threading.Lock()  # calls begin and end on other threads than their stage

    def on_event(self, event: Event) -> None:
        nanoseconds = int(event.at * 1e9)
        if event.kind.endswith("started"):
            with self._lock:
                parent = self._open.get(event.parent or 0)
            context = None if parent is None else self._trace.set_span_in_context(parent)
            name = f"rankkit {event.kind.partition(' ')[0]} {event.stage}"
            attributes = {"rankkit.request_id": event.query_id}
            span = self._tracer.start_span(name, context=context, start_time=nanoseconds, attributes=attributes)
            with self._lock:
                self._open[event.id] = span
            return
        with self._lock:
            ended = self._open.pop(event.id, None)
        if ended is None:
            return
        if event.usage is not None:
            ended.set_attribute("rankkit.tokens", event.usage.tokens)
            ended.set_attribute("rankkit.calls", event.usage.calls)
        if event.error:
            ended.set_status(self._trace.Status(self._trace.StatusCode.ERROR, event.error))
        ended.end(nanoseconds)
