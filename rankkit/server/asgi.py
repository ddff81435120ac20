"""The server as an ASGI application: its routes, and what it does when it starts and ends."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
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
    from starlette.responses import JSONResponse, Response
    from starlette.routing import BaseRoute, Route

from rankkit.server import dialects
from rankkit.server.admission import Admission
from rankkit.server.endpoint import RerankEndpoint
from rankkit.server.exchange import DialectFinder
from rankkit.server.front import Front
from rankkit.server.keys import Keys
from rankkit.server.metrics import Metrics
from rankkit.server.problems import refused
from rankkit.server.served import Served
from rankkit.server.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def application(
    rerankers: Mapping[str, Reranker],
    *,
    find: DialectFinder = dialects.find,
    settings: Settings | None = None,
    keys: Keys | None = None,
    on_event: OnEvent | None = None,
) -> Starlette:
    """An ASGI application that serves these rerankers by their names, of which the first is the default.

    ``keys`` are who may call (``rankkit.server.keys``); without them everybody who reaches it may. ``on_event`` is
    called with the events of every ranking (``rankkit.core.events``). The rerankers stay their owner's: close them when
    the server has ended.

    Raises:
        ConfigError: there is nothing to serve.
    """
    settings = settings or Settings()
    metrics = Metrics()
    served = Served(rerankers, threads=settings.threads, on_event=on_event)
    admission = Admission(settings.in_flight, settings.queue)
    endpoint = RerankEndpoint(served, settings, find, admission, metrics)
    state = _State(served, metrics, endpoint)
    front = Middleware(Front, settings=settings, keys=keys, find=find, metrics=metrics)
    app = Starlette(
        routes=[
            *_posts(endpoint),
            *_get("/health", _health),
            *_get("/ping", _health),
            *_get("/ready", state.ready_page),
            *_get("/info", state.info),
            *_get("/models", state.models),
            *_get("/v1/models", state.models),
            *_get("/metrics", state.metrics_page),
        ],
        middleware=[front],
        exception_handlers={HTTPException: _passed_on},
        lifespan=state.lifespan,
    )
    app.router.redirect_slashes = False
    app.state.rankkit = state
    return app


class _State:
    def __init__(self, served: Served, metrics: Metrics, endpoint: RerankEndpoint) -> None:
        self.served = served
        self.endpoint = endpoint
        self._metrics = metrics
        self._started = int(time.time())
        self.ready = True

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.ready = False
        await self.served.warm()
        self.ready = True
        self._metrics.ready(1)
        yield
        self.stop()

    def stop(self) -> None:
        """From now on nothing new is ranked."""
        self.ready = False
        self.endpoint.stopping = True
        self._metrics.ready(0)

    async def ready_page(self, request: Request) -> Response:
        words = "ready" if self.ready else "stopping" if self.endpoint.stopping else "loading"
        return JSONResponse({"status": words, "models": list(self.served.names)}, 200 if self.ready else 503)

    async def models(self, request: Request) -> Response:
        rows = [
            {"id": name, "object": "model", "created": self._started, "owned_by": "rankkit"}
            for name in self.served.names
        ]
        return JSONResponse({"object": "list", "data": rows})

    async def info(self, request: Request) -> Response:
        return JSONResponse({"model_id": self.served.default})

    async def metrics_page(self, request: Request) -> Response:
        text, kind = self._metrics.page()
        return Response(text, headers={"content-type": kind})


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _passed_on(request: Request, error: Exception) -> Response:
    """To the one place where errors are answered."""
    assert isinstance(error, HTTPException)
    kind = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    words = f"{request.method} {request.url.path[:100]}: {error.detail}"
    raise refused(error.status_code, kind, words) from error


def _posts(endpoint: ASGIApp) -> list[BaseRoute]:
    return [
        Route(path + slash, endpoint, methods=["POST"], include_in_schema=False)
        for path in dialects.PATHS
        for slash in ("", "/")
    ]


def _get(path: str, endpoint: object) -> list[BaseRoute]:
    return [Route(path + slash, endpoint, methods=["GET"]) for slash in ("", "/")]  # type: ignore[arg-type]
