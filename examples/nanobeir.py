"""NanoBEIR with a reranker: 13 tasks of 50 queries each, BM25 first, then the best of its results reranked.

    pip install 'rankkit-rerank[mteb,search]'
    rankkit models pull ms-marco-MiniLM-L-12-v2
    python examples/nanobeir.py --model ms-marco-MiniLM-L-12-v2 --top-k 100

MTEB fetches the data sets from the hub when they are first used. ``--task`` runs some of them only; ``--model`` is
whatever ``rankkit.load`` takes: a name, a folder, a config file. It prints nDCG@10 of both stages and writes MTEB's own
results and predictions under ``--out``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mteb

from rankkit.integrations.mteb import RankkitCrossEncoder


def main() -> None:
    parser = argparse.ArgumentParser(description="NanoBEIR: a first stage, then a reranker.")
    parser.add_argument("--model", default="ms-marco-MiniLM-L-12-v2", help="the reranker: whatever rankkit.load takes")
    parser.add_argument("--first-stage", default="mteb/baseline-bm25s", help="a model that MTEB knows by this name")
    parser.add_argument("--top-k", type=int, default=100, help="how many of its results are reranked")
    parser.add_argument("--task", action="append", help="NanoSciFactRetrieval, ...; all of them if left out")
    parser.add_argument("--out", type=Path, default=Path("build/nanobeir"), help="for MTEB's results and predictions")
    given = parser.parse_args()
    tasks = [task for task in mteb.get_benchmark("NanoBEIR") if not given.task or task.metadata.name in given.task]
    run(tasks, mteb.get_model(given.first_stage), RankkitCrossEncoder(given.model), given.top_k, given.out)


def run(tasks: list[Any], first_stage: Any, reranker: Any, top_k: int, out: Path) -> list[tuple[str, float, float]]:
    """nDCG@10 of the first stage and of the reranker, task by task, and their means in the last row."""
    rows = []
    for task in tasks:
        name = task.metadata.name
        before = _score(mteb.evaluate(first_stage, task, prediction_folder=out / "predictions", cache=None))
        after = _score(mteb.evaluate(reranker, task.convert_to_reranking(out / "predictions", top_k=top_k), cache=None))
        rows.append((name, before, after))
        print(f"{name:32} {before:.4f} {after:.4f}")
    means = (sum(row[column] for row in rows) / max(len(rows), 1) for column in (1, 2))
    rows.append(("mean", *means))
    print(f"{'mean':32} {rows[-1][1]:.4f} {rows[-1][2]:.4f}")
    return rows


def _score(results: Any) -> float:
    return float(results.task_results[0].get_score())


if __name__ == "__main__":
    main()
