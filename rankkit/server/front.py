"""What every request goes through first: its id, whether it may come in, and what becomes of its errors."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
from collections.abc import Collection, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from rankkit.core.extras import require_extra

with require_extra("server", "the server"):
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rankkit.errors import Cancelled
from rankkit.server.bodies import ClientGone
from rankkit.server.exchange import DialectFinder, WireError, Written
from rankkit.server.keys import Keys, given_key
from rankkit.server.metrics import Metrics
from rankkit.server.problems import problem_of, refused
from rankkit.server.record import Record, request_id, shown_path
from rankkit.server.settings import Settings

logger = logging.getLogger("rankkit.server")

#: Who asks whether the server lives has no key.
OPEN_PATHS = ("/health", "/ping", "/ready")
#: A client whose body is not wanted may send that much of it, that long, so that it comes to read the answer.
_LINGER_BYTES = 256 * 1024 * 1024
_LINGER_SECONDS = 2.0
#: How long a client may take to read an answer.
_SEND_SECONDS = 60.0
#: What browsers ask for before a page that was named may call.
_PREFLIGHT: Mapping[str, str] = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "Authorization, Content-Type, X-Api-Key, X-Rankkit-Deadline-Ms, X-Request-Id",
    "access-control-max-age": "600",
}
#: Nobody is there any more to get it; the number is that of other servers' logs.
_GONE = 499


class Stops(Protocol):
    """Knows whether the server is about to end."""

    @property
    def stopping(self) -> bool: ...


class Front:
    """An ASGI middleware: ``Host``, ``Origin`` and the key are looked at before anything of a body is read; whatever
    is raised inside is answered in the client's dialect; each request ends with a log line.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        keys: Keys | None,
        find: DialectFinder,
        metrics: Metrics,
        life: Stops,
        routes: Collection[str],
    ) -> None:
        self._app = app
        self._routes = frozenset(routes)
        self._settings = settings
        self._keys = keys
        self._find = find
        self._metrics = metrics
        self._life = life

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        path = route_path(scope)
        record = Record(_id_of(headers), scope["method"], shown_path(path, self._routes))
        scope["rankkit.record"], scope["rankkit.headers"] = record, headers
        incoming, reply = _Incoming(receive), _Reply(send, record, self._life)
        reply.page = _named_page(headers, self._settings)
        try:
            self._check_origin(headers, record)
            if reply.page and record.method == "OPTIONS":
                await reply.write(Written(204, None, _PREFLIGHT), {})
                return
            self._check_key(path, headers, record)
            await self._app(scope, incoming.receive, reply.send)
        except ClientGone:
            record.status = _GONE
        except asyncio.CancelledError:  # the server stops, and its patience is over
            await self._answer(Cancelled("the server stopped"), path, headers, incoming, reply)
            raise
        except Exception as error:  # noqa: BLE001  # not swallowed: it is logged and answered
            await self._answer(error, path, headers, incoming, reply)
        finally:
            self._end(record)

    def _check_origin(self, headers: Mapping[str, str], record: Record) -> None:
        host = headers.get("host", "")
        if not host_allowed(host, self._settings.allowed_hosts):
            raise refused(421, "forbidden", f"this server is not called {host[:100]!r} (--allowed-host adds a name)")
        origin = headers.get("origin")
        foreign = origin is not None and not origin_allowed(origin, host, self._settings.allowed_origins)
        cross_site = origin is None and headers.get("sec-fetch-site") == "cross-site" and record.method != "GET"
        if foreign or cross_site:
            raise refused(403, "forbidden", "pages of other origins may not call this server (--allowed-origin)")

    def _check_key(self, path: str, headers: Mapping[str, str], record: Record) -> None:
        if self._keys is None or path in OPEN_PATHS:
            return
        key = given_key(headers)
        name = self._keys.name_of(key) if key else None
        if name is None:
            raise refused(
                401, "unauthorized", "the key is not valid" if key else "a key is needed: Authorization: Bearer"
            )
        record.key = name

    async def _answer(
        self, error: Exception, path: str, headers: Mapping[str, str], incoming: _Incoming, reply: _Reply
    ) -> None:
        record = reply.record
        problem = problem_of(error, record.id)
        record.kind = problem.kind
        if problem.status >= 500:
            known = problem.status != 500
            logger.error("request %s: %s", record.id, type(error).__name__, exc_info=None if known else error)
        if reply.started:
            return  # the client sees a reply that breaks off
        writer = record.writer or self._find(path, headers, None)
        written = writer.write_problem(problem)
        more = {"connection": "close"} if problem.status in (408, 413) and not self._life.stopping else {}
        if isinstance(error, WireError):
            more |= error.headers
        if problem.retry_after is not None:
            more["retry-after"] = str(problem.retry_after)
        if problem.status == 401:
            more["www-authenticate"] = "Bearer"
        await reply.write(written, more, last=False)
        await incoming.drain()
        await reply.send({"type": "http.response.body", "body": b"", "more_body": False})

    def _end(self, record: Record) -> None:
        if record.path in OPEN_PATHS and record.status < 400:
            return  # a line every few seconds that nobody reads
        route = record.path if record.path in self._routes else "other"
        self._metrics.requests.labels(route, record.dialect, record.model, str(record.status)).inc()
        self._metrics.seconds.labels(record.model).observe(record.seconds)
        record.log()


def _id_of(headers: Mapping[str, str]) -> str:
    said = headers.get("x-request-id", "")
    return request_id("" if said == given_key(headers) else said)  # a key would go into the log


class _Incoming:
    """A request's body on its way in."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Take in what is still sent of a body that nobody wants: a client reads its answer when it has sent all."""
        taken = 0
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._ended and taken < _LINGER_BYTES:
                    taken += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return


class _Reply:
    """A reply on its way out, with the request's id in its headers."""

    def __init__(self, send: Send, record: Record, life: Stops) -> None:
        self._send = send
        self._life = life
        self.record = record
        self.started = False
        #: The page that may read it, where it was named (``--allowed-origin``).
        self.page = ""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.record.status = message["status"]
            headers = [*message.get("headers", ()), (b"x-request-id", self.record.id.encode("latin-1"))]
            if self.page:
                headers += [(b"access-control-allow-origin", self.page.encode("latin-1")), (b"vary", b"Origin")]
            if self._life.stopping:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        async with asyncio.timeout(_SEND_SECONDS):
            await self._send(message)

    async def write(self, written: Written, more: Mapping[str, str], *, last: bool = True) -> None:
        await send_written(self.send, written, more, last=last)


async def send_written(
    send: Send, written: Written, more: Mapping[str, str] | None = None, *, last: bool = True
) -> None:
    """A reply as a dialect wrote it."""
    body = b"" if written.json is None else as_json(written.json)
    headers = {"content-length": str(len(body))} | ({"content-type": "application/json"} if body else {})
    headers |= {name.lower(): value for name, value in {**(more or {}), **written.headers}.items()}
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": written.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": not last})


def as_json(value: Any) -> bytes:
    """Halves of characters, which UTF-8 cannot hold, stay escaped.

    Raises:
        ValueError: a number in it is NaN or infinite.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def route_path(scope: Scope) -> str:
    """The path below where the application is mounted, without a slash at its end."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.rstrip("/") or "/"


def host_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether the name in ``Host`` is one of ours. A page that had its own name rebound to this address sends that
    name; an address in numbers cannot be rebound.
    """
    name = _name_of(host)
    if "*" in allowed or name in (_name_of(one) for one in allowed):
        return True
    return name in ("localhost", socket.gethostname().lower()) or _is_address(name)


def _named_page(headers: Mapping[str, str], settings: Settings) -> str:
    origin = headers.get("origin", "")
    return origin if origin and origin_allowed(origin, "", settings.allowed_origins) else ""


def origin_allowed(origin: str, host: str, allowed: tuple[str, ...]) -> bool:
    """A page of this very server, or one that was named."""
    if origin.rstrip("/").lower() in (one.rstrip("/").lower() for one in allowed):
        return True
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """Without the port and the brackets of an IPv6 address."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
