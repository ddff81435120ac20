"""Requests of every wire format, changed in thousands of ways: each is answered in JSON, as its client reads it, and
none is a failure of the server.

``RANKKIT_FUZZ=10000`` makes it so many, ``RANKKIT_FUZZ_SEED=2`` other ones.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import rankkit
from rankkit.server import application
from rankkit.server.dialects import DIALECTS, find
from rankkit.server.exchange import Problem
from rankkit.server.settings import Limits, Settings
from tests.server.fuzz.exchange import Reply, as_bytes, exchanged
from tests.server.fuzz.mutants import PAGES, Mutant, mutants
from tests.server.fuzz.seeds import SEEDS
from tests.server.live import Address, listening
from tests.tiny import tiny_cross_encoder

COUNT = int(os.environ.get("RANKKIT_FUZZ", "1500"))
SEED = int(os.environ.get("RANKKIT_FUZZ_SEED", "1"))

#: What a request may be answered with that is wrong, or not. A 5xx is a failure of the server.
GOOD = {200, 204, 400, 401, 403, 404, 405, 408, 413, 415, 421, 422}


class Kept(logging.Handler):
    """Lines that say that the server failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record))


@pytest.fixture
def failures() -> Iterator[list[str]]:
    kept = Kept()
    loggers = [logging.getLogger(name) for name in ("rankkit", "asyncio", "uvicorn")]
    for logger in loggers:
        logger.addHandler(kept)
    yield kept.lines
    for logger in loggers:
        logger.removeHandler(kept)


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[Address]:
    folder = tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")
    order = {"paradigm": "pairwise", "method": "difference", "strategy": "heapsort", "model": str(folder)}
    settings = Settings(limits=Limits(body_bytes=100_000))
    with (
        rankkit.load(str(folder)) as mini,
        rankkit.load(order) as by_order,
        listening(application({"mini": mini, "order": by_order}, settings=settings)) as one,
    ):
        yield one


def test_the_requests_that_are_changed_are_good(address):
    for seed in SEEDS:
        status, reply, _ = address.ask(seed.path, seed.body, headers=seed.headers)
        assert status == 200, (seed, reply)


@pytest.mark.slow
def test_no_request_is_a_failure_of_the_server(address, failures):
    seen: Counter[int | None] = Counter()
    wrong = []
    for number, mutant in enumerate(mutants(SEED, COUNT)):
        reply = exchanged(mutant, address)
        seen[reply and reply.status] += 1
        if words := what_is_wrong(mutant, reply):
            wrong.append(f"{number}: {words}: {as_bytes(mutant, address)[:1000]!r} -> {reply}"[:2000])
    assert not wrong, "\n".join([f"{len(wrong)} of {COUNT}, {seen}", *wrong[:5]])
    assert failures == []
    assert seen[200] > COUNT / 10 and seen[422] > COUNT / 10, seen
    assert address.ask("/ready")[0] == 200
    assert "rankkit_in_flight 0.0" in address.ask("/metrics")[1]


def what_is_wrong(mutant: Mutant, reply: Reply | None) -> str:
    """Nothing, if the reply is as it should be."""
    if reply is None:
        return "" if mutant.ends_early else "no reply"
    if reply.status not in GOOD:
        return f"status {reply.status}"
    if b"Traceback" in reply.body or any(name.lower() == "x-injected" for name, _ in reply.headers):
        return "a traceback, or a header of the client's"
    if reply.status == 204 or mutant.method == "HEAD" or is_page(mutant):
        return ""
    if reply.kind != "application/json":
        return f"called {reply.kind!r}"
    try:
        said = json.loads(reply.body, parse_constant=fails)
    except ValueError as error:
        return f"no JSON: {error}"
    return wrong_results(said) if reply.status == 200 else wrong_error(mutant, said)


def is_page(mutant: Mutant) -> bool:
    path = mutant.path.partition("?")[0].rstrip("/") or "/"
    return mutant.method == "GET" and path in PAGES


def fails(word: str) -> None:
    raise ValueError(word)


def wrong_results(said: Any) -> str:
    rows = said if isinstance(said, list) else said.get("results", said.get("data"))
    indices = [row["index"] for row in rows]
    scores = [row.get("relevance_score", row.get("score")) for row in rows]
    if len(set(indices)) < len(indices):
        return "a document twice"
    if not all(type(score) is float and math.isfinite(score) for score in scores):
        return "a score that is no number"
    return ""


def wrong_error(mutant: Mutant, said: Any) -> str:
    """An error has the shape of the format that the request has, or that of one that was not read."""
    path = mutant.path.partition("?")[0].rstrip("/")
    headers = {name.lower(): value for name, value in mutant.headers}
    body = parsed(mutant.body)
    found = {"unread", find(path, headers, body).name, find(path, headers, None).name}
    allowed = [shape_of(DIALECTS[name].write_problem(Problem(status, "invalid_request", "x", "p")).json)
               for name in found for status in (400, 422)]  # fmt: skip
    return "" if shape_of(said) in allowed else f"an error in none of the shapes of {found}"


def parsed(body: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def shape_of(value: Any) -> object:
    """Its keys, level by level, and where there is a list."""
    if isinstance(value, dict):
        return {key: shape_of(one) for key, one in value.items() if key not in ("id", "loc")}
    return [shape_of(one) for one in value] if isinstance(value, list) else "value"
