"""HTTP connections whose other side is slow, or is there in too large a number."""

from __future__ import annotations

import asyncio
import json

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rankkit.server.dialects.shared import UNREAD
from rankkit.server.exchange import Problem

#: A client may take so long for the head of a request, and for the rest of a body that was answered already.
HEAD_SECONDS = 10.0
#: More connections than that are closed at once: each holds a little memory, and a file of the process.
MOST_CONNECTIONS = 1000


class PatientProtocol(H11Protocol):
    """uvicorn's, with an end to its patience: it limits the silence between requests only."""

    head_seconds: float = HEAD_SECONDS
    most_connections: int = MOST_CONNECTIONS

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
        else:
            self._start()

    def data_received(self, data: bytes) -> None:
        if self._timer is None and self._unfinished():
            self._start()
        super().data_received(data)
        if not self._unfinished():
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """JSON for what is no HTTP too: whatever client reads it, it reads JSON. Nothing where an answer has begun."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        if self.cycle is not None:  # the request whose body it was has its answer
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        problem = Problem(400, "invalid_request", "this is no HTTP request: its first line or its headers are wrong")
        body = json.dumps(UNREAD.write_problem(problem).json).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        answer = h11.Response(status_code=400, headers=[*headers, (b"connection", b"close")], reason=b"Bad Request")
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _unfinished(self) -> bool:
        """Whether a head is due, or a body of which nobody waits for the rest. A body that is wanted has its own time
        (``Limits.body_seconds``).
        """
        if self.conn.their_state is h11.IDLE:
            return True
        return self.conn.their_state is h11.SEND_BODY and self.cycle is not None and self.cycle.response_complete

    def _start(self) -> None:
        self._timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._unfinished():
            self.transport.abort()
