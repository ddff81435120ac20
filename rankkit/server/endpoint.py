"""A request to rerank, from its body to its reply."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from rankkit.core.events import OnEvent
from rankkit.core.usage import Usage
from rankkit.server.admission import Admission
from rankkit.server.bodies import ClientGone, HeldBytes, parse, read_body
from rankkit.server.candidates import request_of
from rankkit.server.exchange import Dialect, DialectFinder, Ranked, WireRequest, Written
from rankkit.server.front import route_path, send_written
from rankkit.server.in_time import Ranker
from rankkit.server.metrics import Metrics
from rankkit.server.notices import notices
from rankkit.server.pairs import groups_of, joined
from rankkit.server.problems import refused
from rankkit.server.record import Record
from rankkit.server.scores import results_of
from rankkit.server.served import Served
from rankkit.server.settings import Limits, Settings

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

T = TypeVar("T")

#: A client's own limit on the time from its request to the reply, in milliseconds.
DEADLINE_HEADER = "x-rankkit-deadline-ms"


class RerankEndpoint:
    """An ASGI application for all paths on which something is ranked."""

    def __init__(
        self,
        served: Served,
        settings: Settings,
        find: DialectFinder,
        metrics: Metrics,
        on_event: OnEvent | None = None,
    ) -> None:
        self._served = served
        self._settings = settings
        self._find = find
        self._metrics = metrics
        self._ranker = Ranker(threads=settings.threads, on_event=on_event)
        self._admission = Admission(settings.in_flight, settings.queue, metrics.now)
        self._held = HeldBytes(settings.limits.held_bytes)
        #: Set when the server stops: what is there is answered, what comes is not.
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record: Record = scope["rankkit.record"]
        headers: Mapping[str, str] = scope["rankkit.headers"]
        path = route_path(scope)
        if self.stopping:
            raise refused(503, "unavailable", "the server is stopping", retry=1)
        record.until = record.arrived + deadline(headers, self._settings)
        body = await read_body(receive, headers, self._settings.limits, self._held)
        try:
            dialect, wire = self._read(path, headers, body, record)
            written = await _unless_gone(self._answered(dialect, wire, record), receive)
        finally:
            self._held.give_back(len(body))
        await send_written(send, written)

    def _read(self, path: str, headers: Mapping[str, str], body: bytes, record: Record) -> tuple[Dialect, WireRequest]:
        read = parse(body, self._settings.limits.nesting)
        dialect = record.writer = self._find(path, headers, read)
        record.dialect = dialect.name
        wire = dialect.read(read)
        record.documents = len(wire.documents)
        check(wire, self._settings.limits)
        return dialect, wire

    async def _answered(self, dialect: Dialect, wire: WireRequest, record: Record) -> Written:
        chosen = self._served.choose(wire.model)
        record.model = chosen.name
        self._metrics.documents.labels(chosen.name).observe(len(wire.documents))
        groups = [(group, request_of(group.wire, record.id)) for group in groups_of(wire)]
        asked = record.seconds
        async with self._admission.place(record.seconds_left):
            record.queue_seconds = record.seconds - asked
            self._metrics.queue_seconds.observe(record.queue_seconds)
            reranker = await self._served.reranker(chosen.name, record.seconds_left)
            rankings = [await self._ranker.rank(reranker, read.request, record.seconds_left) for _, read in groups]
        found, said = [], list(chosen.warnings)
        for (group, read), ranking in zip(groups, rankings, strict=True):
            results, about = results_of(ranking, group.wire, places=read.places, without_text=read.without_text)
            found.append((group, results))
            said += (*read.warnings, *notices(ranking), *about)
        usage = sum((ranking.usage for ranking in rankings), Usage())
        warnings = tuple(dict.fromkeys(said))
        self._write_down(record, usage, len(warnings) + len(wire.warnings))
        counted = usage.input_tokens if usage.calls else None
        whole = found[0][1] if len(found) == 1 else joined(found)
        return dialect.write(Ranked(wire, rankings[0], whole, chosen.echo, record.id, counted, warnings))

    def _write_down(self, record: Record, usage: Usage, warnings: int) -> None:
        record.tokens, record.warnings = usage.input_tokens, warnings
        self._metrics.tokens.labels(record.model).inc(record.tokens)
        if warnings:
            self._metrics.warned.labels(record.model).inc()


def deadline(headers: Mapping[str, str], settings: Settings) -> float:
    """Seconds from a request's arrival.

    Raises:
        WireError: the header is no number of milliseconds.
    """
    said = headers.get(DEADLINE_HEADER)
    if said is None:
        return settings.deadline
    if not said.strip().isdecimal() or not 0 < int(said) < 10**9:
        words = f"{DEADLINE_HEADER} is {said[:40]!r}: whole milliseconds of 1 or more are due"
        raise refused(400, "invalid_request", words, param=DEADLINE_HEADER)
    return min(int(said) / 1000, settings.longest_deadline)


def check(wire: WireRequest, limits: Limits) -> None:
    """Raises:
    WireError: 422, there is more of something than is allowed.
    """
    if len(wire.documents) > limits.documents:
        words = f"{len(wire.documents)} documents are more than the {limits.documents} that are allowed"
        raise refused(422, "invalid_request", words, param="documents")
    query = max((wire.query, *wire.queries), key=len)
    for name, text in (("query", query), ("instruction", wire.instruction or "")):
        if len(text) > limits.query_characters:
            words = f"{name} has {len(text)} characters: {limits.query_characters} are allowed"
            raise refused(422, "invalid_request", words, param=name)
    beside = len(query) + len(wire.instruction or "")
    characters = sum(map(len, wire.documents)) + beside * len(wire.documents)
    if characters > limits.characters:
        words = (
            f"the documents, and the query beside each, have {characters} characters: {limits.characters} are allowed"
        )
        raise refused(422, "invalid_request", words, param="documents")


async def _unless_gone(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """The result of some work, which is cancelled if the client goes away.

    Raises:
        ClientGone: it did.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        for one in (task, watch):
            one.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                if one is not task or not one.done():
                    await one


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
