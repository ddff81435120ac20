"""What the HTTP library is given, and what it reports: headers with keys among them, a pool of connections, a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from rankkit.backends.http.library import http
from rankkit.backends.http.reading import LONGEST_ERROR, LONGEST_REPLY, read_reply
from rankkit.backends.http.surroundings import Surroundings


async def text_of(response: Any) -> str:
    fine = 200 <= response.status_code < 300
    limit = LONGEST_REPLY if fine else LONGEST_ERROR
    return (await read_reply(response, limit=limit, whole=fine)).decode("utf-8-sig", errors="replace")


class Headers:
    """Headers with keys among them, which no repr shows."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        plain = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "rankkit", **headers}
        self.reveal: Callable[[], dict[str, str]] = lambda: dict(plain)

    def __repr__(self) -> str:
        return "Headers(***)"


class Trace:
    """Told by the library what it does. ``sent``: the request, or a part of it, has gone out. ``reached``: where there
    is a proxy, it has begun to let through.
    """

    def __init__(self) -> None:
        self.sent = self.reached = False

    async def __call__(self, event: str, info: Mapping[str, object]) -> None:
        if event.endswith(".send_request_headers.started"):
            # A proxy is asked for a tunnel before anything is sent through it.
            self.sent = self.reached = getattr(info.get("request"), "method", b"") != b"CONNECT"
        elif event in ("proxy.start_tls.started", "socks.setup_socks5_connection.complete"):
            self.reached = True


@asynccontextmanager
async def transport_in(surroundings: Surroundings) -> AsyncIterator[Any]:
    """The library's transport rather than its client, which would log what servers say and keep their cookies."""
    async with http.AsyncHTTPTransport(
        verify=surroundings.certificates,
        proxy=surroundings.proxy and surroundings.proxy.way,
        trust_env=False,
        limits=http.Limits(max_connections=None, max_keepalive_connections=32, keepalive_expiry=60.0),
    ) as transport:
        yield transport
