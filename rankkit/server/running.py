"""A server in this process: what it binds, loads and serves, and how it stops."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import FrameType

from rankkit.core.extras import require_extra

with require_extra("server", "the server"):
    import uvicorn
    from starlette.applications import Starlette

from rankkit.config.checking import check_models
from rankkit.config.loading import load, read_spec
from rankkit.config.spec import naming
from rankkit.errors import ConfigError
from rankkit.server.asgi import Life, application
from rankkit.server.connections import PatientProtocol
from rankkit.server.keys import Keys, keys_from
from rankkit.server.settings import Settings
from rankkit.server.tracing import Spans

#: How long connections without a request stay open at the end: replies sent meanwhile say that the connection ends, so
#: that no client sends its next request on one that is being closed.
_FAREWELL_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Model:
    """What is served under a name: what ``rankkit.load`` takes, with further keys of its spec."""

    name: str
    what: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """All that a process has to know to serve; it can be sent to another one. ``grace`` is how many seconds requests
    have to end when it stops.
    """

    models: tuple[Model, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    settings: Settings = field(default_factory=Settings)
    keys: Path | None = None
    no_keys: bool = False
    workers: int = 1
    grace: float = 30.0
    traces: bool = False
    access_log: bool = True

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def check(service: Service, environment: Mapping[str, str] = os.environ) -> Keys | None:
    """The keys that are asked for.

    Raises:
        ConfigError: it cannot be served like that, or should not be.
        RankkitError: a model that nobody knows, or a config that is wrong.
    """
    names = [model.name for model in service.models]
    if not names:
        raise ConfigError("there is nothing to serve", hint="Give --config FILE or --model NAME.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"two models would be called {twice[0]!r}", hint="Give them names: --model NAME=MODEL.")
    for model in service.models:
        with naming(model.name):
            check_models(read_spec(model.what, options=model.options))
    keys = keys_from(environment, service.keys)
    if keys is not None and service.no_keys:
        raise ConfigError("keys are given, and --no-keys", hint="Leave one of the two out.")
    if keys is None and not service.is_local and not service.no_keys:
        raise ConfigError(
            f"{service.host} can be reached from other machines, and no key would be asked for",
            hint="Set RANKKIT_API_KEYS, or give --keys FILE; or --no-keys, where something else keeps strangers out.",
        )
    return keys


def bound(service: Service) -> socket.socket:
    """A socket that listens at the address.

    Raises:
        ConfigError: the address is taken, or none of this machine's.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            service.host, service.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the last one's connections may linger
            sock.bind(address)
            sock.listen(2048)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise ConfigError(
            f"{service.host}, port {service.port}, cannot be listened on: {error.strerror or error}",
            hint="Is another server running there? Choose a port with --port; --port 0 is any that is free.",
        ) from error
    return sock


def url_of(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def run_here(service: Service, sock: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve in this process until a signal ends it. The models are loaded meanwhile; ``on_ready`` is called then.

    Raises:
        RankkitError: one of the models cannot be loaded.
    """
    keys = check(service)
    openers = {model.name: partial(load, model.what, options=model.options) for model in service.models}
    on_event = Spans().on_event if service.traces else None
    app = application(openers, settings=_settings(service, keys), keys=keys, on_event=on_event)
    run_application(app, sock, grace=service.grace, on_ready=on_ready)


def run_application(
    app: Starlette, sock: socket.socket, *, grace: float = 30.0, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Serve what ``application`` made on a socket that listens, until SIGTERM or SIGINT: then what was accepted is
    answered within ``grace`` seconds, and what comes later is refused.

    Raises:
        RankkitError: one of the models cannot be loaded.
    """
    life: Life = app.state.life
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(grace)),
    )
    server = _Server(config, life.stop)
    life.on_ready, life.on_failure = on_ready, server.give_up
    asyncio.run(server.serve(sockets=[sock]))
    if life.failed is not None:
        raise life.failed


def _settings(service: Service, keys: Keys | None) -> Settings:
    """Where keys keep strangers out, no page gets in by a name that it had rebound: any ``Host`` is good."""
    settings, own = service.settings, (service.host,)
    if keys is not None and not service.is_local:
        own = ("*",)
    return replace(settings, allowed_hosts=(*settings.allowed_hosts, *own))


class _Server(uvicorn.Server):
    """Stops in two steps: it does not listen any more and refuses in words on the connections that are there; then it
    closes those that have nothing to wait for.
    """

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stop()
        super().handle_exit(sig, frame)

    def give_up(self) -> None:
        """End by itself: there is nothing to serve."""
        self._stop()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop()
        for listener in (*self.servers, *(sockets or ())):
            listener.close()  # who connects from now on is refused
        if not self.force_exit:
            await asyncio.sleep(_FAREWELL_SECONDS)
        await super().shutdown(sockets)
        self._captured_signals.clear()  # it ended as it should: not by the signal once more
