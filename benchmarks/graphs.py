"""One cross-encoder's graph as it was published, with rankkit's session options, and optimised: speed and agreement.

Every query is ranked by each in turn, in one process, so that whatever else the machine does is shared. Scores are held
against those of the published graph; nDCG@10 is that of each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.pointwise import MODEL
from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.graph_files import find_graph
from rankkit.backends.encoders.graphs.making import optimise_graph
from rankkit.backends.encoders.onnx import SLOW_REWRITINGS, OnnxEngine
from rankkit.core.limits import Gate
from rankkit.data.datasets import load_dataset
from rankkit.evaluation.measures import evaluate, parse_measures
from rankkit.machine.cpus import available_cpus
from rankkit.models import store
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll

PUBLISHED, OPTIONS, OPTIMISED = "as published", "session options", "optimised"


def run(arguments: argparse.Namespace) -> None:
    console = Console(width=130)
    folder = store.locate(MODEL)
    dataset = load_dataset(arguments.data / "trec-dl19", limit=arguments.queries)
    ways = {name: JudgeReranker(CrossEncoderJudge(encoder), ScoreAll()) for name, encoder in encoders(folder).items()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, dict[tuple[str, str], float]] = {name: {} for name in ways}
    orders: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in ways}
    for request in track(dataset.requests, description="timing", console=Console(stderr=True)):
        for name, reranker in ways.items():
            began = time.perf_counter()
            ranking = reranker.rank(request)
            seconds[name].append((time.perf_counter() - began) / len(request.candidates))
            orders[name][request.query.id] = ranking.ids
            given = zip(ranking.ids, ranking.scores or (), strict=True)
            scores[name].update({(request.query.id, document): score or 0.0 for document, score in given})
    figures = {
        name: {
            "pairs_per_second": 1 / statistics.median(seconds[name]),
            **apart(scores[PUBLISHED], scores[name]),
            "ndcg@10": evaluate(dataset.qrels, orders[name], parse_measures("nDCG@10")).means["nDCG@10"],
        }
        for name in ways
    }
    show(figures, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def encoders(folder: Path) -> dict[str, CrossEncoder]:
    graph = find_graph(folder, "model")
    made = optimise_graph(graph)
    paths = {PUBLISHED: graph, OPTIONS: graph, OPTIMISED: made.graph or graph}
    found = {}
    for name, path in paths.items():
        engine = OnnxEngine(path, gate=Gate(available_cpus()), without=() if name == PUBLISHED else SLOW_REWRITINGS)
        found[name] = CrossEncoder(folder, engine=engine)
    return found


def apart(one: dict[tuple[str, str], float], other: dict[tuple[str, str], float]) -> dict[str, float]:
    differences = [abs(one[key] - other[key]) for key in one]
    return {"largest_difference": max(differences), "mean_difference": statistics.fmean(differences)}


def show(figures: dict[str, dict[str, Any]], console: Console) -> None:
    table = Table(title=f"{MODEL}, trec-dl19, BM25 top 100: one graph, three ways (medians over queries)")
    for heading in ("graph", "pairs/s", "times as published", "largest difference", "mean", "nDCG@10"):
        table.add_column(heading, justify="left" if heading == "graph" else "right")
    base = figures[PUBLISHED]["pairs_per_second"]
    for name, row in figures.items():
        table.add_row(
            name,
            f"{row['pairs_per_second']:.1f}",
            f"{row['pairs_per_second'] / base:.2f}",
            f"{row['largest_difference']:.3f}",
            f"{row['mean_difference']:.4f}",
            f"{row['ndcg@10']:.4f}",
        )
    console.print(table)
