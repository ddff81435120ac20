"""What is measured of a server, each as plain numbers."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import rankkit
from benchmarks.common import ROOT
from benchmarks.serve.clients import Loop, Outcome, Task
from benchmarks.serve.processes import Server
from rankkit.core.ranking import Request
from rankkit.core.reranker import AccountedReranker

Figures = dict[str, Any]

CLIENTS = (1, 8, 32, 128)
#: The load of an open loop, as a share of what the server can do.
LOAD = 0.7


@dataclass(frozen=True)
class Size:
    """How much is measured: seconds a row, pairs of requests for the overhead, passes over all requests, requests for
    the memory.
    """

    seconds: float
    pairs: int
    passes: int
    memory: int


def figures_of(outcome: Outcome) -> Figures:
    """Milliseconds and counts of a loop."""
    times = sorted(one * 1000 for one in outcome.seconds)
    percents = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else [*times * 99] or [0.0] * 99
    return {
        "sent": outcome.sent,
        "answered": len(times),
        "refused": outcome.refused,
        "lost": outcome.lost,
        "wrong": outcome.wrong,
        "per_second": len(times) / outcome.elapsed,
        "p50": percents[49],
        "p95": percents[94],
        "p99": percents[98],
    }


def share(
    server: Server, reranker: AccountedReranker, requests: Sequence[Request], tasks: Sequence[Task], size: Size
) -> Figures:
    """The same requests by ``rank_many`` here and by eight clients there, a part of them at a time in turns, so that
    whatever else the machine does is shared.
    """
    library = elsewhere = 0.0
    answered = wrong = 0
    part = max(16, len(requests) // 3)
    for at in [*range(0, len(requests), part)] * size.passes:
        began = time.monotonic()
        reranker.rank_many(requests[at : at + part])
        library += time.monotonic() - began
        some = tasks[at : at + part]
        outcome = Loop(server.port, some, most=len(some), path=server.path).closed(8)
        elsewhere += outcome.elapsed
        answered += len(outcome.seconds)
        wrong += outcome.sent - len(outcome.seconds)
    count = len(requests) * size.passes
    return {
        "library_per_second": count / library,
        "server_per_second": count / elsewhere,
        "share": library / elsewhere,
        "answered": answered,
        "lost_or_wrong": wrong,
    }


def overhead(
    server: Server, reranker: AccountedReranker, requests: Sequence[Request], tasks: Sequence[Task], pairs: int
) -> Figures:
    """One client against ``rank_async`` here, request by request in turns, in milliseconds."""
    there: list[float] = []
    here: list[float] = []

    async def rank(request: Request) -> None:
        await reranker.rank_async(request)

    with asyncio.Runner() as runner:
        for number in range(pairs + 3):
            place = number % len(tasks)
            outcome = Loop(server.port, tasks[place : place + 1], most=2, path=server.path).closed(1)
            there += outcome.seconds[1:]  # the second one: on a connection that is there
            began = time.monotonic()
            runner.run(rank(requests[place]))
            here.append(time.monotonic() - began)
    differences = [(one - other) * 1000 for one, other in zip(there[3:], here[3:], strict=True)]
    p50 = {"server_p50": statistics.median(there[3:]) * 1000, "library_p50": statistics.median(here[3:]) * 1000}
    return {**p50, "overhead": p50["server_p50"] - p50["library_p50"], "paired": statistics.median(differences)}


def load(server: Server, tasks: Sequence[Task], capacity: float, size: Size) -> dict[str, Figures]:
    """Closed and open loops of few and many clients, and what the server has counted itself."""
    found = {}
    before, answered = server.answered(), 0
    for clients in CLIENTS:
        outcome = Loop(server.port, tasks, most=20_000, seconds=size.seconds).closed(clients)
        found[f"closed, {clients}"] = figures_of(outcome)
        answered += len(outcome.seconds)
    for clients in CLIENTS:
        outcome = Loop(server.port, tasks, most=20_000, seconds=size.seconds).open(clients, LOAD * capacity)
        found[f"open, {clients}"] = figures_of(outcome)
        answered += len(outcome.seconds)
    found["counted"] = {"by_clients": answered, "by_server": server.answered() - before}
    return found


def full(model: str, tasks: Sequence[Task], capacity: float, size: Size) -> Figures:
    """Twice of what the server can do, and a short queue."""
    limits = ("--max-in-flight", "2", "--max-queue", "4")
    with Server("--model", f"served={model}", *limits) as server:
        return figures_of(Loop(server.port, tasks, most=20_000, seconds=size.seconds).open(128, 2 * capacity))


def rude(server: Server, tasks: Sequence[Task], size: Size) -> dict[str, Figures]:
    """Eight good clients, without rude ones and with them, in turns."""
    alone, beside, seen = Outcome(), Outcome(), {}
    seconds = max(4.0, size.seconds)
    for _ in range(max(1, size.passes - 1)):
        add(alone, Loop(server.port, tasks, most=20_000, seconds=seconds).closed(8))
        command = [sys.executable, "-m", "benchmarks.serve.rude", str(server.port), str(seconds + 2)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as others:
            time.sleep(1.0)
            add(beside, Loop(server.port, tasks, most=20_000, seconds=seconds).closed(8))
            said = others.communicate(timeout=120)[0]
        seen = json.loads(said)
    return {"alone": figures_of(alone), "beside": figures_of(beside), "rude": seen}


def add(total: Outcome, one: Outcome) -> None:
    total.seconds += one.seconds
    for name in ("refused", "wrong", "lost", "elapsed"):
        setattr(total, name, getattr(total, name) + getattr(one, name))


def memory(size: Size) -> Figures:
    """Many short requests to a tiny model: what the process holds after each tenth of them, and what the server alone
    takes of time.
    """
    from tests.tiny import tiny_cross_encoder

    with tempfile.TemporaryDirectory() as folder:
        model = str(tiny_cross_encoder(Path(folder) / "tiny"))
        with rankkit.load(model) as reranker, Server("--model", f"served={model}") as server:
            words = ("good", "bad", "best", "word")
            requests = [
                Request.of(f"word {one}", [f"{two} {three}" for two in words for three in words[:2]]) for one in words
            ]
            tasks = [Task.of(request, reranker.rank(request)) for request in requests]
            small = overhead(server, reranker, requests, tasks, size.pairs)
            held: list[float] = []

            def look(number: int) -> None:
                if number % (size.memory // 20) == 0:
                    held.append(server.megabytes())

            outcome = Loop(server.port, tasks, most=size.memory).closed(8, look)
            held.append(server.megabytes())
    settled, end = held[len(held) // 4], held[-1]
    return {**figures_of(outcome), "megabytes": held, "grown": end - settled, "overhead": small}


def beside(server: Server, tasks: Sequence[Task], size: Size) -> dict[str, Figures]:
    """Another server at the same requests, whose scores are its own."""
    loose = [replace(task, exact=False) for task in tasks]
    found = {}
    for clients in (1, 8, 32):
        loop = Loop(server.port, loose, most=20_000, seconds=size.seconds, path=server.path)
        found[f"closed, {clients}"] = figures_of(loop.closed(clients))
    return found
