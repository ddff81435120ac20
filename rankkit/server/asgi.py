"""The server as an ASGI application: its routes, and what it does when it starts and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rankkit.core.events import OnEvent
from rankkit.core.extras import require_extra
from rankkit.core.reranker import Reranker

with require_extra("server", "the server"):
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

from rankkit.server import dialects
from rankkit.server.endpoint import RerankEndpoint
from rankkit.server.exchange import DialectFinder, Problem, WireError
from rankkit.server.front import Front
from rankkit.server.keys import Keys
from rankkit.server.metrics import Metrics
from rankkit.server.pages import Pages
from rankkit.server.served import Opener, Served
from rankkit.server.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def application(
    rerankers: Mapping[str, Reranker | Opener],
    *,
    find: DialectFinder = dialects.find,
    settings: Settings | None = None,
    keys: Keys | None = None,
    on_event: OnEvent | None = None,
) -> Starlette:
    """An ASGI application that serves these rerankers by their names, of which the first is the default.

    A function without parameters instead of a reranker is called when the server starts, on a thread; requests wait
    for it meanwhile, and what it gives is closed when the server ends. Rerankers stay their owner's. ``keys`` are who
    may call (``rankkit.server.keys``); without them everybody who reaches it may. ``on_event`` is called with the
    events of every ranking (``rankkit.core.events``).

    Raises:
        ConfigError: there is nothing to serve.
    """
    settings = settings or Settings()
    metrics = Metrics()
    served = Served(rerankers)
    endpoint = RerankEndpoint(served, settings, find, metrics, on_event)
    life = Life(served, metrics, endpoint)
    pages = Pages(life, served, metrics, settings)
    routes = [*_posts(endpoint), *pages.routes()]
    front = Middleware(
        Front,
        settings=settings,
        keys=keys,
        find=find,
        metrics=metrics,
        life=life,
        routes=[route.path for route in routes],
    )
    app = Starlette(
        routes=routes,
        middleware=[front],
        exception_handlers={HTTPException: _passed_on},
        lifespan=life.lifespan,
    )
    app.router.redirect_slashes = False
    app.state.life = life
    return app


class Life:
    """Where a server stands between its start and its end."""

    def __init__(self, served: Served, metrics: Metrics, endpoint: RerankEndpoint) -> None:
        self.ready = True
        self.failed: BaseException | None = None
        self.on_ready: Callable[[], None] = lambda: None
        self.on_failure: Callable[[], None] = lambda: None
        self._served = served
        self._endpoint = endpoint
        self._metrics = metrics

    @property
    def stopping(self) -> bool:
        return self._endpoint.stopping

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.ready = False
        opening = asyncio.ensure_future(self._open())
        if self._served.all_open:
            await opening  # this takes no time
        yield
        self.stop()
        await asyncio.wait([opening])
        self._served.close()

    async def _open(self) -> None:
        try:
            await self._served.open()
        except Exception as error:  # noqa: BLE001  # not swallowed: whoever runs the server raises it
            self.failed = error
            self.on_failure()
            return
        if not self.stopping:
            self.ready = True
            self._metrics.ready(1)
            self.on_ready()

    def stop(self) -> None:
        """From now on nothing new is ranked; what is there is."""
        self.ready = False
        self._endpoint.stopping = True
        self._metrics.ready(0)


async def _passed_on(request: Request, error: Exception) -> Response:
    """To the one place where errors are answered."""
    assert isinstance(error, HTTPException)
    kind = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    words = f"{request.method} {request.url.path[:100]}: {error.detail}"
    problem = Problem(error.status_code, kind, words)
    raise WireError(problem, {name.lower(): value for name, value in (error.headers or {}).items()}) from error


def _posts(endpoint: ASGIApp) -> list[Route]:
    return [
        Route(path + slash, endpoint, methods=["POST"], include_in_schema=False)
        for path in dialects.PATHS
        for slash in ("", "/")
    ]
