"""The real server in a process of its own, with a tiny model, and with rerankers that fail or stay on demand.

::

    python -m tests.server.clients.serving PORT FOLDER [full]

``full`` takes one request at a time and lets none wait. The reranker ``stays`` writes a file into the folder when it is
asked, and does not come back.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import uvicorn

import rankkit
from rankkit.core.ranking import Ranking, Request
from rankkit.server import FixedKeys, Limits, Settings, application
from tests.tiny import tiny_cross_encoder

KEY = "secret-of-the-tests"


class Broken:
    def rank(self, request: Request) -> Ranking:
        raise RuntimeError("a bug, of which no client may read")


class Stays:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def rank(self, request: Request) -> Ranking:
        self.mark.touch()
        time.sleep(3600)
        raise AssertionError


def main(port: str, folder: str, *kind: str) -> None:
    rerankers = {
        "mini": rankkit.load(tiny_cross_encoder(Path(folder) / "model")),
        "order": rankkit.from_function(_longest_first, answers="order", name="order"),
        "broken": Broken(),
        "stays": Stays(Path(folder) / "mark"),
    }
    settings = Settings(limits=Limits(body_bytes=100_000, documents=1000), deadline=300)
    if kind:
        settings = Settings(in_flight=1, queue=0, deadline=300)
    app = application(rerankers, settings=settings, keys=FixedKeys({"tests": KEY}))  # type: ignore[arg-type]
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


def _longest_first(query: str, texts: list[str]) -> list[int]:
    return sorted(range(len(texts)), key=lambda index: -len(texts[index]))


if __name__ == "__main__":
    main(*sys.argv[1:])
