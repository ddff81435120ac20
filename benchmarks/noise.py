"""Pairwise strategies asked by a comparator that errs: nDCG@10 against the number of comparisons, and calibration.

The better score of a cross-encoder wins, but a share of the pairs is answered the wrong way round, each time that it
is asked; or (``graded``) the closer the two are the likelier. Every strategy gets the same answers, one for a pair, and
ends when it has asked as many as it may. The second table holds the probabilities that ``active`` gives against what
is so, on simulated queries: candidates whose strengths and first-stage ranks are drawn, and a share of wrong answers.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.common import default_data
from benchmarks.pairwise import TOP, Scores, ndcg, scores_of, sorted_by
from rankkit.core.questions import Answer, Compare, Task
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.pairwise.aggregation.methods import AGGREGATIONS
from rankkit.pairwise.strategies.active import Active
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pairwise.strategies.base import PairStrategy
from rankkit.pairwise.strategies.bubblesort import BubbleSort
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pairwise.strategies.insertion import Insertion
from rankkit.pairwise.strategies.quickselect import QuickSelect
from rankkit.pairwise.strategies.swiss import Swiss
from rankkit.pairwise.strategies.tournament import Tournament

#: Shares of pairs answered wrongly, and a slope: P(the better score wins) is logistic in slope times the difference.
NOISE: tuple[float | str, ...] = (0.0, 0.1, 0.2, 0.3, "graded")
SLOPE = 1.0
BUDGETS = (100, 150, 160, 200, 300, 500, 1000)
EVERYTHING = 4950
#: Simulated queries: so many candidates, the best of which are wanted, by so many comparisons.
SIMULATED, CANDIDATES, WANTED, ASKED = 2000, 50, 10, 150

AnswerTo = Callable[[Compare], float]


@dataclass(frozen=True)
class Played:
    order: Sequence[int]
    chances: Sequence[float | None]
    asked: int


def strategies(budget: int) -> dict[str, PairStrategy]:
    kinds = (Tournament, Insertion, HeapSort, QuickSelect, BubbleSort)
    sorts = {kind.name: kind(top_k=TOP, one_sided=True) for kind in kinds}
    totals = {
        "swiss": Swiss(one_sided=True),
        "allpairs, sym-sum": AllPairs(one_sided=True),
        "allpairs, bradley-terry": AllPairs(one_sided=True, aggregation=AGGREGATIONS["bradley-terry"]),
    }
    return {"active": Active(top_k=TOP, one_sided=True, questions=budget), **sorts, **totals}


def play(strategy: PairStrategy, n: int, answer: AnswerTo, budget: int) -> Played:
    """Let it ask until it has had ``budget`` answers, or ends."""
    playing, asked = strategy.order(Task(n)), 0
    answers: list[Answer[float]] | None = None
    while True:
        try:
            questions = next(playing) if answers is None else playing.send(answers)
        except StopIteration as stop:
            return Played(stop.value.order, stop.value.scores or (), asked)
        allowed = max(0, budget - asked)
        answers = [Answer(answer(question)) for question in questions[:allowed]]
        asked += len(answers)
        answers += [Answer.unasked() for _ in questions[allowed:]]


def erring(scores: Sequence[float], noise: float | str, seed: str) -> AnswerTo:
    """One answer for each pair, in whichever order it is shown."""

    def answer(question: Compare) -> float:
        first, second = question.indices
        right = 0.5 if scores[first] == scores[second] else float(scores[first] > scores[second])
        drawn = random.Random(f"{seed} {min(first, second)} {max(first, second)}").random()
        wrong = 1.0 / (1.0 + math.exp(SLOPE * abs(scores[first] - scores[second]))) if noise == "graded" else noise
        return 1.0 - right if drawn < float(wrong) else right

    return answer


def run(arguments: argparse.Namespace) -> None:
    dataset = load_dataset(arguments.data / "trec-dl19", limit=arguments.queries)
    kept = getattr(arguments, "scores", None)
    scores: Scores = json.loads(kept.read_text()) if kept and kept.is_file() else scores_of(dataset)
    if kept and not kept.is_file():
        kept.write_text(json.dumps(scores))
    console = Console(width=150)
    figures: dict[str, object] = {}
    for noise in getattr(arguments, "noise", None) or NOISE:
        figures[str(noise)] = quality(dataset, scores, noise, arguments, console)
    if getattr(arguments, "simulated", SIMULATED):
        figures["calibration"] = calibration(getattr(arguments, "simulated", SIMULATED), console)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def quality(
    dataset: Dataset, scores: Scores, noise: float | str, arguments: argparse.Namespace, console: Console
) -> dict[str, dict[str, float]]:
    """nDCG@10 of each strategy after so many comparisons, in the mean over seeds."""
    budgets = getattr(arguments, "budgets", None) or (*BUDGETS, EVERYTHING)
    seeds = getattr(arguments, "seeds", 1) if noise else 1
    only = getattr(arguments, "strategies", None)
    title = f"{noise} errors" if noise == "graded" else f"{float(noise):.0%} of the pairs answered wrongly"
    table = Table(title=f"nDCG@10, {title}, {len(dataset.requests)} queries, {seeds} seed(s)")
    for heading in ("strategy", *map(str, budgets)):
        table.add_column(heading, justify="left" if heading == "strategy" else "right")
    figures: dict[str, dict[str, float]] = {}
    for budget in track(budgets, description=title, console=Console(stderr=True)):
        for name, strategy in strategies(budget).items():
            # With all pairs to ask there is nothing to choose.
            if (only and name not in only) or (name == "active" and budget == EVERYTHING):
                continue
            found = [_of_seed(dataset, scores, noise, seed, strategy, budget) for seed in range(seeds)]
            figures.setdefault(name, {})[str(budget)] = statistics.mean(value for value, _ in found)
            figures.setdefault(f"{name}: exact", {})[str(budget)] = statistics.mean(exact for _, exact in found)
    for name, row in figures.items():
        if not name.endswith(": exact"):
            table.add_row(name, *(f"{row[str(b)]:.4f}" if str(b) in row else "" for b in budgets))
    console.print(table)
    return figures


def _of_seed(
    dataset: Dataset, scores: Scores, noise: float | str, seed: int, strategy: PairStrategy, budget: int
) -> tuple[float, float]:
    """nDCG@10, and the share of queries with the exact top, in order."""
    orders = {}
    for request in dataset.requests:
        name = request.query.id
        answer = erring(scores[name], noise, f"{name} {noise} {seed}")
        orders[name] = play(strategy, len(scores[name]), answer, budget).order
    exact = statistics.mean(list(order[:TOP]) == sorted_by(scores[name])[:TOP] for name, order in orders.items())
    return ndcg(dataset, orders), exact


def calibration(queries: int, console: Console) -> list[dict[str, float]]:
    """Of the candidates said to be in the top with a probability, the share that is."""
    told: list[tuple[float, bool]] = []
    started = time.perf_counter()
    ranks = [statistics.NormalDist().inv_cdf(1.0 - (item + 0.5) / CANDIDATES) for item in range(CANDIDATES)]
    strategy = Active(top_k=WANTED, one_sided=True, questions=ASKED)
    for query in track(range(queries), description="calibration", console=Console(stderr=True)):
        drawn = random.Random(query)
        kept = drawn.uniform(0.3, 0.7)  # the first stage's correlation, which the strategy takes to be 0.5
        strengths = [kept * rank + math.sqrt(1.0 - kept**2) * drawn.gauss(0.0, 1.0) for rank in ranks]
        wrong = drawn.uniform(0.0, 0.3)
        played = play(strategy, CANDIDATES, erring(strengths, wrong, str(query)), ASKED)
        best = set(sorted_by(strengths)[:WANTED])
        told += [(float(p or 0.0), item in best) for item, p in zip(played.order, played.chances, strict=True)]
    table = Table(title=f"probabilities of {queries} simulated queries, 0 to 30 % wrong answers")
    rows = []
    for heading in ("said", "candidates", "mean said", "share in the top"):
        table.add_column(heading, justify="right")
    for tenth in range(10):
        inside = [(p, was) for p, was in told if min(9, int(10 * p)) == tenth]
        said, share = statistics.mean(p for p, _ in inside), statistics.mean(was for _, was in inside)
        rows.append({"said": said, "share": share, "candidates": len(inside)})
        table.add_row(f"{tenth / 10:.1f}-{tenth / 10 + 0.1:.1f}", f"{len(inside):,}", f"{said:.3f}", f"{share:.3f}")
    error = sum(row["candidates"] * abs(row["said"] - row["share"]) for row in rows) / len(told)
    console.print(table, f"expected calibration error {error:.4f}; {time.perf_counter() - started:.0f} s")
    return rows


def _noise(word: str) -> float | str:
    return word if word == "graded" else float(word)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.noise", description=__doc__)
    parser.add_argument("--data", type=Path, default=default_data(), help="folder that holds trec-dl19/")
    parser.add_argument("--queries", type=int, default=None, help="only the first so many queries")
    parser.add_argument("--scores", type=Path, help="keep the cross-encoder's scores here, and use them if there")
    parser.add_argument("--noise", type=_noise, nargs="+", help="shares of wrong answers, or graded")
    parser.add_argument("--budgets", type=int, nargs="+", help="comparisons")
    parser.add_argument("--strategies", nargs="+", help="only these")
    parser.add_argument("--seeds", type=int, default=1, help="draws of the wrong answers")
    parser.add_argument("--simulated", type=int, default=SIMULATED, help="queries of the calibration; 0 for none")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
