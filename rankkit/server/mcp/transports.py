"""The two ways to the server: standard input and output of a process, and streamable HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rankkit.core.extras import require_extra
from rankkit.errors import ConfigError
from rankkit.server.keys import Keys, given_key
from rankkit.server.mcp.server import RankkitServer

with require_extra("mcp", "A server of the Model Context Protocol"):
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

PATH = "/mcp"


@contextlib.contextmanager
def stdout_for_protocol() -> Iterator[None]:
    """While models load: whatever a library writes to standard output, from C too, goes to standard error. (While the
    server runs, the SDK does the same.)
    """
    try:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
    except (OSError, ValueError, AttributeError):  # no such streams: nothing to protect
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def serve_stdio(server: RankkitServer) -> None:
    """Serve the process that started this one, until it closes our standard input. SIGINT ends the process at once."""
    with _ended_by_interrupts():
        server.run("stdio")


@contextlib.contextmanager
def _ended_by_interrupts() -> Iterator[None]:
    """The SDK reads standard input on a thread, and a ``KeyboardInterrupt`` would wait for its next line."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def serve_http(
    server: RankkitServer,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allowed_hosts: Sequence[str] = (),
    keys: Keys | None = None,
    max_body: int = 8 * 1024 * 1024,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve streamable HTTP at ``/mcp`` until SIGINT or SIGTERM. ``ready`` is called with the URL; port 0 is any free
    one. A body has at most ``max_body`` bytes (413).

    Only requests for a host of this name are answered (``Host``), and none from a foreign web page (``Origin``): a
    server on loopback is called by its loopback names, another by ``allowed_hosts``. With ``keys``, a request needs
    one of them, where ``given_key`` looks for it; off loopback there must be some.

    Raises:
        ConfigError: the address cannot be used, or others could use the server.
    """
    local = _is_loopback(host)
    if not local and keys is None:
        raise ConfigError(
            f"anybody who reaches {host} could use the server", hint="Set RANKKIT_API_KEYS, or give --keys FILE."
        )
    names = [*allowed_hosts, *(("127.0.0.1", "localhost", "[::1]") if local else ())]
    if not names:
        raise ConfigError(
            f"clients of {host} know it by a name, which has to be known here", hint="Name it: --allowed-host NAME."
        )
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        host=host,
        max_request_body_size=max_body,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
            allowed_origins=[
                form
                for name in names
                for scheme in ("http", "https")
                for form in (f"{scheme}://{name}", f"{scheme}://{name}:*")
            ],
        ),
    )
    if keys is not None:
        app = _with_keys(app, keys)
    with _bound(host, port) as listening:
        if ready is not None:
            shown = f"[{host}]" if ":" in host else host
            ready(f"http://{shown}:{listening.getsockname()[1]}{PATH}")
        config = uvicorn.Config(
            app, log_config=None, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=5
        )
        asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', None) or error}",
            hint="Give another --port, or --port 0 for any that is free.",
        ) from error


def _with_keys(app: Any, keys: Keys) -> Any:
    """The application behind a check of the key."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if keys.name_of(given_key(headers)) is not None:
            await app(scope, receive, send)
            return
        said = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": said})
        await send({"type": "http.response.body", "body": b'{"error": "a key is needed: Authorization: Bearer KEY"}'})

    return guarded
