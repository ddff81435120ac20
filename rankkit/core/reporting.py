"""What a run says of itself: progress, replies for a record, events for traces, lines in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from rankkit.core.call_queue import QueuedCall
from rankkit.core.events import Event, Kind, logger, new_id
from rankkit.core.execution import Execution, Progress
from rankkit.core.judge import BoundQuestion, Reply
from rankkit.core.questions import Question
from rankkit.core.request_state import RequestState
from rankkit.core.step import OTHER_SCRIPT
from rankkit.core.usage import Usage

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")

#: Called with every reply of a backend, once, in the order in which they come in, with every call that failed (its
#: answer has the error), and with what was not asked or waited for (the reason is a note): what a record is made of.
OnReply = Callable[[BoundQuestion[Any], Reply[Any]], None]


class Reporter(Generic[Q, A]):
    """For one run. A rehearsal is reported to nobody but ``progress``."""

    def __init__(
        self, stage: str, fingerprints: Mapping[str, str], execution: Execution, on_reply: OnReply | None
    ) -> None:
        self._stage = stage
        self._fingerprints = fingerprints
        self._progress = execution.progress
        self._quiet = execution.rehearsal
        self._on_event = None if execution.rehearsal else execution.on_event
        self._on_reply = on_reply
        self._done = self._answered = 0
        self.total: int | None = None

    def count(self, *, done: int = 0, answered: int = 0) -> None:
        self._done += done
        self._answered += answered
        if self._progress is not None:
            self._progress(Progress(self._stage, self._done, self.total, self._answered))

    def reply(self, state: RequestState[Q, A], question: Q, reply: Reply[A]) -> None:
        if self._on_reply is not None:
            self._on_reply(BoundQuestion(state.request, question), replace(reply, fingerprints=self._fingerprints))

    def stage_started(self, state: RequestState[Q, A]) -> None:
        self._emit("stage started", state.event_id, state)

    def stage_ended(self, state: RequestState[Q, A]) -> None:
        self.count(done=1)
        if self._quiet:
            return
        [step] = state.ranking().steps
        self._emit("stage ended", state.event_id, state, usage=step.usage)
        logger.log(
            logging.WARNING if step.failures or OTHER_SCRIPT in step.notes else logging.INFO,
            "stage %s, query %s: %d questions, %d calls, %.3f s%s%s",
            step.stage,
            state.request.query.id or "-",
            step.questions,
            step.usage.calls,
            step.seconds,
            f", {step.trouble}" if step.trouble else "",
            f", {OTHER_SCRIPT}" if OTHER_SCRIPT in step.notes else "",
        )

    def call_started(self, item: QueuedCall[Q, A]) -> None:
        item.event_id = new_id()
        self._emit("call started", item.event_id, item.first, item.first.event_id)

    def call_ended(self, item: QueuedCall[Q, A], usage: Usage, error: str = "") -> None:
        """``error`` is the name of its class: its words may quote a server, and a server a document."""
        if not self._quiet:
            logger.debug(
                "call of %s, query %s: %d + %d tokens, %.3f s%s",
                self._stage,
                item.first.request.query.id or "-",
                usage.input_tokens,
                usage.output_tokens,
                usage.seconds,
                f", {error}" if error else "",
            )
        self._emit("call ended", item.event_id, item.first, item.first.event_id, usage, error)

    def _emit(
        self,
        kind: Kind,
        number: int,
        state: RequestState[Q, A],
        parent: int | None = None,
        usage: Usage | None = None,
        error: str = "",
    ) -> None:
        if self._on_event is not None:
            query = state.request.query.id
            self._on_event(Event(kind, number, self._stage, query, parent, usage=usage, error=error))
