"""``rankkit serve`` under load: throughput and latency, beside the library in the same run, with rude clients, and
infinity's server beside it.

Everything stays on this machine, and every loop ends by count and by time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

import rankkit
from benchmarks.serve import measures
from benchmarks.serve.clients import Task
from benchmarks.serve.measures import Figures, Size
from benchmarks.serve.processes import INFINITY, Infinity, Server
from rankkit.core.ranking import Request
from rankkit.data.datasets import load_dataset
from rankkit.models import store

MODEL = "ms-marco-MiniLM-L-12-v2"
#: Documents in a request.
DOCUMENTS = 8

FULL = Size(seconds=20.0, pairs=100, passes=3, memory=20_000)
QUICK = Size(seconds=4.0, pairs=10, passes=1, memory=2_000)


def run(arguments: argparse.Namespace) -> None:
    size = QUICK if arguments.quick else FULL
    console = Console(width=130)
    requests = requests_of(arguments)
    console.print(f"{MODEL}, {len(requests)} requests of {DOCUMENTS} documents (trec-dl19, BM25)")
    figures: dict[str, Any] = {}
    with rankkit.load(MODEL) as reranker:
        tasks = [Task.of(*pair) for pair in zip(requests, reranker.rank_many(requests), strict=True)]
        # Deadlines are not what is measured here: with 128 clients each waits for 127 others.
        with Server("--model", f"served={MODEL}", "--deadline", "280") as server:
            figures["share"] = measures.share(server, reranker, requests, tasks, size)
            show_share(figures["share"], console)
            capacity = figures["share"]["server_per_second"]
            figures["overhead"] = measures.overhead(server, reranker, requests, tasks, size.pairs)
            figures["load"] = measures.load(server, tasks, capacity, size)
            figures["rude"] = measures.rude(server, tasks, size)
        figures["full"] = measures.full(MODEL, tasks, capacity, size)
    figures["memory"] = measures.memory(size)
    show_overhead({MODEL: figures["overhead"], "a tiny model": figures["memory"]["overhead"]}, console)
    show_load(figures["load"], figures["full"], console)
    show_rude(figures["rude"], console)
    show_memory(figures["memory"], console)
    figures["infinity"] = infinity(tasks, size, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def requests_of(arguments: argparse.Namespace) -> list[Request]:
    """Each query with its candidates, a few at a time, so that no two requests are the same."""
    dataset = load_dataset(arguments.data / "trec-dl19", limit=arguments.queries)
    starts = range(0, 32 if arguments.quick else 96, DOCUMENTS)
    return [
        request.select(range(start, start + DOCUMENTS))
        for start in starts
        for request in dataset.requests
        if len(request) >= start + DOCUMENTS
    ]


def infinity(tasks: list[Task], size: Size, console: Console) -> Mapping[str, Figures]:
    if not INFINITY.exists():
        console.print("infinity is not installed (make bench-serving): left out")
        return {}
    folder = store.locate(MODEL)
    with Server("--model", f"served={MODEL}", "--deadline", "280") as ours:
        found = {f"rankkit, {name}": row for name, row in measures.beside(ours, tasks, size).items()}
    with Infinity(folder) as theirs:
        found |= {f"infinity, {name}": row for name, row in measures.beside(theirs, tasks, size).items()}
    console.print(rows("Beside infinity_emb with the same weights (onnx int8)", found))
    return found


def show_share(share: Figures, console: Console) -> None:
    console.print(
        f"the same requests: rank_many {share['library_per_second']:.2f} a second, 8 clients of the server "
        f"{share['server_per_second']:.2f}: {share['share']:.1%}; {share['answered']} answered, "
        f"{share['lost_or_wrong']} lost or wrong"
    )


def show_overhead(found: Mapping[str, Figures], console: Console) -> None:
    table = Table(title="One client, beside rank_async in this process (ms)")
    for heading in ("model", "server p50", "library p50", "overhead", "median of the differences"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for name, row in found.items():
        numbers = (row[key] for key in ("server_p50", "library_p50", "overhead", "paired"))
        table.add_row(name, *(f"{number:.1f}" for number in numbers))
    console.print(table)


def show_load(load: Mapping[str, Figures], full: Figures, console: Console) -> None:
    counted = load["counted"]
    shown = {name: row for name, row in load.items() if name != "counted"}
    shown["open, 128, twice what it can do, a queue of 4"] = full
    title = f"rankkit serve; open loops at {measures.LOAD:.0%} of what it can do"
    console.print(rows(title, shown))
    console.print(f"answered as the clients count: {counted['by_clients']}, as the server does: {counted['by_server']}")


def show_rude(rude: Mapping[str, Figures], console: Console) -> None:
    shown = {"alone": rude["alone"], "beside rude ones": rude["beside"]}
    console.print(rows("8 clients, beside some that hang, send 100 MB, drip and disconnect", shown))
    console.print(", ".join(f"{name} ({count})" for name, count in rude["rude"].items()))


def show_memory(memory: Figures, console: Console) -> None:
    held = memory["megabytes"]
    console.print(
        f"{memory['answered']:,} requests to a tiny model ({memory['per_second']:.0f} a second, "
        f"{memory['lost'] + memory['wrong'] + memory['refused']} lost, wrong or refused): {held[0]:.1f} MB at first, "
        f"{held[len(held) // 4]:.1f} after a quarter, {held[-1]:.1f} at the end, {max(held):.1f} at most"
    )


def rows(title: str, found: Mapping[str, Figures]) -> Table:
    table = Table(title=title)
    for heading in ("loop, clients", "sent", "answered", "refused", "lost", "wrong", "a second", *P):
        table.add_column(heading, justify="left" if heading == "loop, clients" else "right")
    for name, row in found.items():
        counts = (str(row[key]) for key in ("sent", "answered", "refused", "lost", "wrong"))
        table.add_row(name, *counts, f"{row['per_second']:.2f}", *(f"{row[key]:,.0f}" for key in ("p50", "p95", "p99")))
    return table


P = ("p50 ms", "p95 ms", "p99 ms")
