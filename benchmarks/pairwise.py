"""Pairwise strategies with a cross-encoder's scores as the comparator: what they cost, and what noise does to them.

The comparator is transitive, so exact strategies must reach the nDCG@10 of sorting by the score. Comparisons count
unordered pairs; asked in both orders, each is two questions.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import rankkit
from benchmarks.common import PEERS, Running, System, default_data
from rankkit.core.questions import Answer, Compare, Order, Task
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.evaluation.measures import evaluate, parse_measures
from rankkit.pairwise.aggregation.matrix import WinMatrix
from rankkit.pairwise.aggregation.methods import AGGREGATIONS
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pairwise.strategies.base import PairStrategy
from rankkit.pairwise.strategies.bubblesort import BubbleSort
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pairwise.strategies.insertion import Insertion
from rankkit.pairwise.strategies.kway import OrderTournament
from rankkit.pairwise.strategies.quickselect import QuickSelect
from rankkit.pairwise.strategies.swiss import Swiss
from rankkit.pairwise.strategies.tournament import Tournament

MODEL = "ms-marco-MiniLM-L-12-v2"
TOP = 10
NOISE = (0.0, 0.1, 0.2, 0.3)
#: Setwise paper, table 2 (arXiv 2310.09497): flan-t5-large on BM25's top 100 of DL19; calls and seconds a query.
PUBLISHED = {
    "llm-rankers allpair, published": (9900, 110.0),
    "llm-rankers bubblesort, published": (844, 58.0),
    "llm-rankers heapsort, published": (230, 16.0),
}

Scores = Mapping[str, Sequence[float]]
AnswerTo = Callable[[Compare | Order], Answer]


@dataclass(frozen=True)
class SortProgram:
    """One ranking: its order, what it asked, and the strategy's own seconds."""

    order: Sequence[int]
    questions: Sequence[Compare | Order] = ()
    rounds: int = 0
    seconds: float = 0.0
    answers: Mapping[tuple[int, int], float] | None = None

    @property
    def comparisons(self) -> int:
        return len({frozenset(question.indices) for question in self.questions})


def strategies() -> list[tuple[str, PairStrategy]]:
    kinds = (AllPairs, BubbleSort, HeapSort, QuickSelect, Insertion, Swiss, Tournament)
    return [(kind.name, kind(top_k=TOP)) for kind in kinds] + [
        ("insertion, one by one", Insertion(top_k=TOP, together=1)),
        ("allpairs of the top 30", AllPairs(depth=30)),
    ]


def conduct(strategy: PairStrategy | OrderTournament, n: int, answer: AnswerTo) -> SortProgram:
    playing, asked, rounds, said, started = strategy.order(Task(n)), [], 0, {}, time.perf_counter()
    answers = None
    while True:
        try:
            questions = next(playing) if answers is None else playing.send(answers)
        except StopIteration as stop:
            return SortProgram(stop.value.order, asked, rounds, time.perf_counter() - started, said)
        answers = [answer(question) for question in questions]
        asked += questions
        rounds += 1
        said.update({question.indices: reply.value for question, reply in zip(questions, answers, strict=True)})


def comparator(scores: Sequence[float], *, flips: float = 0.0, seed: str = "") -> AnswerTo:
    """The better score wins; a share of the questions (each order of a pair by itself) is answered wrongly, the same
    ones for every strategy.
    """
    drawn = random.Random(seed)
    wrong = [[drawn.random() < flips for _ in scores] for _ in scores]

    def answer(question: Compare | Order) -> Answer:
        if isinstance(question, Order):
            return Answer(tuple(sorted(question.indices, key=lambda item: (-scores[item], item))))
        first, second = question.indices
        right = 0.5 if scores[first] == scores[second] else float(scores[first] > scores[second])
        return Answer(1.0 - right if wrong[first][second] else right)

    return answer


def scores_of(dataset: Dataset) -> dict[str, list[float]]:
    reranker = rankkit.load(MODEL)
    found = {}
    for request in track(dataset.requests, description="scoring", console=Console(stderr=True)):
        by_index = {row.index: row.score for row in reranker.rank(request)}
        found[request.query.id] = [float(by_index[index] or 0.0) for index in range(len(request))]
    return found


def ndcg(dataset: Dataset, orders: Mapping[str, Sequence[int]]) -> float:
    documents = {request.query.id: [candidate.id for candidate in request.candidates] for request in dataset.requests}
    named = {query: [documents[query][index] for index in order] for query, order in orders.items()}
    qrels = {query: dataset.qrels[query] for query in orders}
    return evaluate(qrels, named, parse_measures("nDCG@10")).means["nDCG@10"]


def sorted_by(scores: Sequence[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda item: -scores[item])


def run(arguments: argparse.Namespace) -> None:
    dataset = load_dataset(arguments.data / "trec-dl19", limit=arguments.queries)
    kept = getattr(arguments, "scores", None)
    scores = json.loads(kept.read_text()) if kept and kept.is_file() else scores_of(dataset)
    if kept and not kept.is_file():
        kept.write_text(json.dumps(scores))
    console = Console()
    figures = {"cost": cost(dataset, scores, console), "robustness": robustness(dataset, scores, console)}
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def cost(dataset: Dataset, scores: Scores, console: Console) -> dict[str, object]:
    """Comparisons, rounds, the strategy's own seconds and quality, beside the peers."""
    headings = ("strategy", "comparisons", "at most", "questions", "rounds", "s a query", "nDCG@10", "top 10 exact")
    table = _table(
        f"top {TOP} of BM25's 100, trec-dl19, {len(dataset.requests)} queries, by score difference", headings
    )
    exact = {request.query.id: sorted_by(scores[request.query.id]) for request in dataset.requests}
    table.add_row("sorted by the score", "", "", "", "", "", f"{ndcg(dataset, exact):.4f}", "")
    figures: dict[str, object] = {}
    rows = [(name, _programs(strategy, dataset, scores)) for name, strategy in strategies()]
    kway = [(f"tournament, orders of {size}", OrderTournament(top_k=TOP, size=size)) for size in (4, 20)]
    rows += [(name, _programs(strategy, dataset, scores)) for name, strategy in kway]
    rows += [(f"BlitzRank 0.1.0, {what}", found) for what, size in (("pairs", 2), ("orders of 20", 20))
             if (found := _blitzrank(size, dataset, scores))]  # fmt: skip
    for name, programs in rows:
        counts = [program.comparisons for program in programs.values()]
        figure = {
            "comparisons": statistics.mean(counts),
            "most": max(counts),
            "questions": statistics.mean(len(program.questions) for program in programs.values()),
            "rounds": statistics.mean(program.rounds for program in programs.values()),
            "seconds": statistics.mean(program.seconds for program in programs.values()),
            "ndcg": ndcg(dataset, {query: program.order for query, program in programs.items()}),
            "exact": sum(list(program.order[:TOP]) == exact[query][:TOP] for query, program in programs.items()),
        }
        figures[name] = figure
        table.add_row(name, f"{figure['comparisons']:.1f}", str(figure["most"]), f"{figure['questions']:.1f}",
                      f"{figure['rounds']:.1f}", f"{figure['seconds']:.3f}", f"{figure['ndcg']:.4f}",
                      f"{figure['exact']} of {len(programs)}")  # fmt: skip
    for name, (calls, seconds) in PUBLISHED.items():
        table.add_row(name, "", "", str(calls), "", f"{seconds:.1f} (with its model)", "", "")
    console.print(table)
    return figures


def _programs(strategy: PairStrategy | OrderTournament, dataset: Dataset, scores: Scores) -> dict[str, SortProgram]:
    names = [request.query.id for request in dataset.requests]
    return {name: conduct(strategy, len(scores[name]), comparator(scores[name])) for name in names}


def _blitzrank(size: int, dataset: Dataset, scores: Scores) -> dict[str, SortProgram]:
    """Its own package in the peers' environment, on the same scores; nothing where it is not installed."""
    if not PEERS.exists():
        return {}
    running = Running(System("BlitzRank", "blitzrank_orders.py", (str(size), str(TOP)), PEERS))
    found = {}
    for request in dataset.requests:
        name = request.query.id
        answer = running.ask("", [repr(score) for score in scores[name]])
        if "error" in answer:
            break
        # It asks no set of documents twice; who was in a question is not told.
        asked = [Compare(number, number + 1) for number in range(int(str(answer["questions"])))]
        rest = [item for item in range(len(scores[name])) if item not in answer["order"]]
        order = [*answer["order"], *rest]
        found[name] = SortProgram(order, asked, int(str(answer["rounds"])), float(str(answer["seconds"])))
    running.close()
    return found


def robustness(dataset: Dataset, scores: Scores, console: Console) -> dict[str, object]:
    """nDCG@10 (and comparisons) of every strategy and aggregation when some answers are wrong."""
    headings = ("strategy", *(f"{noise:.0%} flipped" for noise in NOISE))
    table = _table("nDCG@10 with wrong answers (comparisons), both orders asked, seeded", headings)
    cells: dict[str, list[tuple[float, float]]] = {}
    for noise in track(NOISE, description="noise", console=Console(stderr=True)):
        for name, programs in _noisy(dataset, scores, noise):
            quality = ndcg(dataset, {query: program.order for query, program in programs.items()})
            count = statistics.mean(program.comparisons for program in programs.values())
            cells.setdefault(name, []).append((quality, count))
    for name, row in cells.items():
        table.add_row(name, *(f"{quality:.4f} ({count:,.0f})" for quality, count in row))
    console.print(table)
    return {name: dict(zip(map(str, NOISE), row, strict=True)) for name, row in cells.items()}


def _noisy(dataset: Dataset, scores: Scores, noise: float) -> Iterable[tuple[str, dict[str, SortProgram]]]:
    names = [request.query.id for request in dataset.requests]
    answers = {name: comparator(scores[name], flips=noise, seed=f"{name} {noise}") for name in names}
    for title, strategy in strategies():
        programs = {name: conduct(strategy, len(scores[name]), answers[name]) for name in names}
        if title != AllPairs.name:
            yield title, programs
            continue
        # The same answers, added up in every way.
        matrices = {name: WinMatrix(len(scores[name]), program.answers or {}) for name, program in programs.items()}
        for label, aggregation in AGGREGATIONS.items():
            yield (
                f"{title}, {label}",
                {name: SortProgram(aggregation.order(matrices[name]), programs[name].questions) for name in names},
            )


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "strategy" else "right")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pairwise", description=__doc__)
    parser.add_argument("--data", type=Path, default=default_data(), help="folder that holds trec-dl19/")
    parser.add_argument("--queries", type=int, default=None, help="only the first so many queries")
    parser.add_argument("--scores", type=Path, help="keep the cross-encoder's scores here, and use them if there")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
