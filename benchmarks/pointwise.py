"""The same cross-encoder by rankkit, FlashRank and sentence-transformers: speed, agreement of scores, memory."""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.common import PEERS, Running, System
from rankkit.data.datasets import load_dataset
from rankkit.models import store

MODEL = "ms-marco-MiniLM-L-12-v2"
#: Words that each are one token of the model, so that a text's length in tokens is known.
LONG_TEXT = " ".join(["water", "stone", "winter", "house", "river"] * 100)


def systems(folder: Path) -> list[System]:
    model = str(folder)
    found = [System("rankkit", "rankkit_cross_encoder.py", (model,))]
    if PEERS.exists():
        sentence = "sentence_transformers_cross_encoder.py"
        found += [
            System("FlashRank", "flashrank_cross_encoder.py", (model,), PEERS),
            System("sentence-transformers, onnx int8, batch 8", sentence, (model, "onnx", "8"), PEERS),
            System("sentence-transformers, onnx int8, batch 32", sentence, (model, "onnx", "32"), PEERS),
            System("sentence-transformers, torch fp32, batch 32", sentence, (model, "torch", "32"), PEERS),
        ]
    return found


def run(arguments: argparse.Namespace) -> None:
    console = Console(width=130)
    folder = store.locate(MODEL)
    figures = {"speed": speed(folder, arguments, console), "memory": memory(folder, console)}
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def speed(folder: Path, arguments: argparse.Namespace, console: Console) -> dict[str, object]:
    """Every query to every system in turn, so that whatever else the machine does is shared."""
    dataset = load_dataset(arguments.data / "trec-dl19", limit=arguments.queries)
    running = [Running(system) for system in systems(folder)]
    seconds: dict[str, list[float]] = {one.system.name: [] for one in running}
    for one in running:
        one.ask("warm up", ["one", "two"])
    tasks = [(request.query.text, [c.content for c in request.candidates]) for request in dataset.requests]
    for query, documents in track(tasks, description="timing", console=Console(stderr=True)):
        for one in running:
            answer = one.ask(query, documents)
            if "seconds" in answer:
                seconds[one.system.name].append(float(str(answer["seconds"])))
    for one in running:
        one.close()
    return _speed_table(seconds, sum(len(documents) for _, documents in tasks), console)


def _speed_table(seconds: dict[str, list[float]], pairs: int, console: Console) -> dict[str, object]:
    table = Table(title=f"{MODEL}, trec-dl19, BM25 top 100, {pairs} pairs, one query at a time")
    for heading in ("system", "pairs/s", "times FlashRank", "p50 s a query", "p95 s a query"):
        table.add_column(heading, justify="left" if heading == "system" else "right")
    base = sum(seconds.get("FlashRank", []))
    figures: dict[str, object] = {}
    for name, times in seconds.items():
        if not times:
            table.add_row(name, "failed")
            continue
        p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
        ratio = base / sum(times) if base else None
        figures[name] = {
            "pairs_per_second": pairs / sum(times),
            "ratio": ratio,
            "p50": statistics.median(times),
            "p95": p95,
        }
        shown = "" if ratio is None else f"{ratio:.2f}"
        table.add_row(name, f"{pairs / sum(times):.1f}", shown, f"{statistics.median(times):.2f}", f"{p95:.2f}")
    console.print(table)
    return figures


def memory(folder: Path, console: Console) -> dict[str, object]:
    """Peak memory of a fresh process for 100 and for 1,000 documents that fill the model's 512 tokens."""
    table = Table(title="Peak memory of the process (MB), documents of 512 tokens")
    for heading in ("system", "100 documents", "1,000 documents"):
        table.add_column(heading, justify="left" if heading == "system" else "right")
    figures: dict[str, object] = {}
    for system in systems(folder)[:2]:
        cells = []
        for count in (100, 1000):
            one = Running(system)
            answer = one.ask(
                "how cold is the water of a river in winter", [f"{number} {LONG_TEXT}" for number in range(count)]
            )
            one.close()
            peak = float(str(answer.get("peak_mb", 0)))
            failed = f" ({answer['error']})" if "error" in answer else ""
            cells.append(f"{peak:,.0f}" if not failed else f"more than {system.address_space_gib} GiB{failed}")
            figures[f"{system.name}, {count}"] = {"peak_mb": peak, "error": failed}
        table.add_row(system.name, *cells)
    console.print(table)
    return figures
