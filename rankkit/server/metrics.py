"""What Prometheus reads of a server, on a registry of its own."""

from __future__ import annotations

import os

from rankkit.core.extras import require_extra

with require_extra("server", "the server"):
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

#: Seconds: from a short list on a small model to a long one on a large one.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_DOCUMENTS = (1, 5, 10, 25, 50, 100, 250, 500, 1000)
#: Set by ``rankkit serve --workers N``: a folder in which all processes count together.
_FOLDER_ENV = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """Counts by dialect, model (as it is served, so that clients cannot make up new ones) and status."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "rankkit_requests", "Requests, answered or not.", ("route", "dialect", "model", "status"), registry=registry
        )
        self.seconds = Histogram(
            "rankkit_request_seconds", "From a request's arrival to its reply.", ("model",), buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self.queue_seconds = Histogram(
            "rankkit_queue_seconds", "In the queue, before ranking.", (), buckets=_SECONDS, registry=registry
        )
        self.documents = Histogram(
            "rankkit_request_documents", "Documents in a request.", ("model",), buckets=_DOCUMENTS, registry=registry
        )
        self.tokens = Counter("rankkit_input_tokens", "Input tokens, as counted.", ("model",), registry=registry)
        self.warned = Counter(
            "rankkit_warned_requests", "Replies with a warning in them.", ("model",), registry=registry
        )
        self._inside = Gauge(
            "rankkit_in_flight", "Requests being ranked.", registry=registry, multiprocess_mode="livesum"
        )
        self._waiting = Gauge(
            "rankkit_queued", "Requests in the queue.", registry=registry, multiprocess_mode="livesum"
        )
        self._ready = Gauge(
            "rankkit_ready", "Processes whose models are loaded.", registry=registry, multiprocess_mode="livesum"
        )

    def now(self, inside: int, waiting: int) -> None:
        """How many requests are being ranked, and how many wait."""
        self._inside.set(inside)
        self._waiting.set(waiting)

    def ready(self, ready: int) -> None:
        """1 for a process that is ready, 0 for one that is not."""
        self._ready.set(ready)

    def page(self) -> tuple[bytes, str]:
        """The text that Prometheus reads, and its media type: of all processes where there are several."""
        registry = self._registry
        if os.environ.get(_FOLDER_ENV):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
