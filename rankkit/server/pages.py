"""What a server says of itself: whether it lives and is ready, its models, its metrics, its interface."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from rankkit import __version__
from rankkit.server.interface import as_html, as_openapi
from rankkit.server.metrics import Metrics
from rankkit.server.served import Served
from rankkit.server.settings import Settings


class Lives(Protocol):
    @property
    def ready(self) -> bool: ...

    @property
    def stopping(self) -> bool: ...


class Pages:
    """Pages that are read with GET."""

    def __init__(self, life: Lives, served: Served, metrics: Metrics, settings: Settings) -> None:
        self._life = life
        self._served = served
        self._metrics = metrics
        self._settings = settings
        self._started = int(time.time())
        self._interface = as_openapi(served.names, settings)

    def routes(self) -> list[Route]:
        """Each with a slash at its end and without."""
        pages: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/": self._page,
            "/docs": self._page,
            "/openapi.json": self._openapi,
            "/health": self._health,
            "/ping": self._health,
            "/ready": self._ready,
            "/info": self._info,
            "/models": self._models,
            "/v1/models": self._models,
            "/metrics": self._numbers,
        }
        return [Route(at, page) for path, page in pages.items() for at in dict.fromkeys((path, f"{path.rstrip('/')}/"))]

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _ready(self, request: Request) -> Response:
        words = "ready" if self._life.ready else "stopping" if self._life.stopping else "loading"
        return JSONResponse({"status": words, "models": list(self._served.names)}, 200 if self._life.ready else 503)

    async def _models(self, request: Request) -> Response:
        same = {"object": "model", "created": self._started, "owned_by": "rankkit"}
        return JSONResponse({"object": "list", "data": [{"id": name, **same} for name in self._served.names]})

    async def _info(self, request: Request) -> Response:
        """As text-embeddings-inference answers, whose clients look here whether a model is a reranker."""
        limits = self._settings.limits
        return JSONResponse(
            {
                "model_id": self._served.default,
                "served_model_name": self._served.default,
                "model_sha": None,
                "model_dtype": "float32",
                "model_type": {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
                "max_concurrent_requests": self._settings.in_flight + self._settings.queue,
                "max_input_length": limits.characters,
                "max_batch_tokens": limits.characters,
                "max_client_batch_size": limits.documents,
                "auto_truncate": True,
                "tokenization_workers": 1,
                "version": f"rankkit {__version__}",
            }
        )

    async def _numbers(self, request: Request) -> Response:
        text, kind = self._metrics.page()
        return Response(text, headers={"content-type": kind})

    async def _openapi(self, request: Request) -> Response:
        return JSONResponse(self._interface)

    async def _page(self, request: Request) -> Response:
        return HTMLResponse(
            as_html(self._interface),
            headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )
