"""What a store of document vectors saves: the same documents ranked with an empty store, and again."""

from __future__ import annotations

import argparse
import json
import tempfile
import time

from rich.console import Console
from rich.table import Table

import rankkit
from rankkit.data.datasets import load_dataset

MODELS = ("bge-small-en-v1.5", "answerai-colbert-small-v1")


def run(arguments: argparse.Namespace) -> None:
    requests = list(load_dataset(arguments.data / "trec-dl19", limit=arguments.queries).requests)
    rows = []
    for model in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            reranker = rankkit.load({"model": model, "vectors": folder})
            reranker.rank(requests[0].select([0]))  # the first run of a session is slower than the others
            seconds = []
            for _ in range(2):
                start = time.perf_counter()
                for request in requests:
                    reranker.rank(request)
                seconds.append((time.perf_counter() - start) / len(requests))
            rows.append({"model": model, "computed": seconds[0], "stored": seconds[1]})
    table = Table("model", "documents unknown, s a query", "documents known, s a query", "ratio")
    for row in rows:
        ratio = row["computed"] / row["stored"]
        table.add_row(row["model"], f"{row['computed']:.3f}", f"{row['stored']:.4f}", f"{ratio:.0f}")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2))
