"""A reranker, or a run from a file, over a data set."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Ranking, Request
from rankkit.core.reranker import Reranker, iter_rank_many
from rankkit.core.usage import Usage
from rankkit.data.datasets import Dataset, refuse_foreign_run
from rankkit.data.runs import Run
from rankkit.errors import ConfigError, ContractViolation, DataError
from rankkit.evaluation.measures import Figures, Measure, Measuring, evaluate
from rankkit.evaluation.report import EvaluationReport, Trouble


class Through(Protocol):
    """How a reranker is given requests, and hands back their rankings, in order."""

    def __call__(
        self, reranker: Reranker, requests: Iterable[Request], *, progress: OnProgress | None = None
    ) -> Iterator[Ranking]: ...


def evaluate_reranker(
    reranker: Reranker,
    dataset: Dataset,
    *,
    measures: Sequence[Measure],
    head: int | None = None,
    progress: OnProgress | None = None,
    on_ranking: Callable[[Ranking], None] | None = None,
    through: Through = iter_rank_many,
) -> EvaluationReport:
    """Rank every request of the data set and measure the order before and after. Requests are taken, and rankings
    measured, as they come: none is kept. ``on_ranking`` is given each, in the order of ``dataset.requests``.
    ``through`` is what has the reranker rank them (a run store asks it only for what it has not).

    With ``head``, the reranker sees only the first ``head`` candidates; the others *keep* their order behind them, in
    the measures and in the rankings that are handed on. (``load_dataset(depth=...)`` drops them instead.) What the
    reranker itself drops counts as not found.

    Raises:
        DataError: the data set has no candidates.
        ConfigError: ``head`` is less than 1.
        ContractViolation: the reranker returns a ranking of something else than its request.
        RankkitError: whatever the reranker raises.
    """
    if head is not None and head < 1:
        raise ConfigError(f"{head} candidates cannot be reranked", hint="Give 1 or more, or leave it out for all.")
    if not len(dataset.requests):
        raise DataError(
            f"{dataset.name} has no candidates to rerank",
            hint="Put candidates.jsonl into its folder, or take them from a run over its corpus (with_run).",
        )
    asked = _HeadRequests(dataset.requests, head)
    before, after, totals = Measuring(dataset.qrels, measures), Measuring(dataset.qrels, measures), _Totals()
    started = time.perf_counter()
    for ranked in through(reranker, asked, progress=progress):
        request, shown = asked.open.popleft()
        if ranked.request != shown:
            raise ContractViolation(f"{_name(reranker)} ranked something else than its request {request.query.id!r}")
        totals.add(ranked)
        ranking = _before_tail(ranked, request)
        before.add(request.query.id, [candidate.id for candidate in request.candidates])
        after.add(request.query.id, ranking.ids)
        if on_ranking is not None:
            on_ranking(ranking)
    seconds = time.perf_counter() - started
    if asked.open:
        raise ContractViolation(f"{_name(reranker)} left {len(asked.open)} request(s) without a ranking")
    report = _report(dataset, _name(reranker), after.figures(), before.figures())
    return totals.added_to(report, seconds)


class _HeadRequests:
    """The requests as the reranker sees them; ``open`` has those without a ranking yet, whole and as shown."""

    def __init__(self, requests: Sequence[Request], head: int | None) -> None:
        self._requests = requests
        self._head = head
        self.open: deque[tuple[Request, Request]] = deque()

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[Request]:
        for request in self._requests:
            shown = _head(request, self._head)
            self.open.append((request, shown))
            yield shown


def evaluate_run(dataset: Dataset, run: Run, *, measures: Sequence[Measure]) -> EvaluationReport:
    """Measure a run; the first stage beside it is that of ``dataset``, where it has candidates.

    A judged query that the run lacks counts as 0; queries that ``dataset`` does not have are ignored.

    Raises:
        DataError: the run has none of the queries, or no judged document.
    """
    refuse_foreign_run(dataset, run)
    figures = evaluate(dataset.qrels, run.orders, measures)
    first = evaluate(dataset.qrels, dataset.first_stage, measures) if len(dataset.requests) else Figures({}, {})
    report = _report(dataset, run.tag or "run", figures, first)
    lacking = len(dataset.qrels.keys() - run.rows.keys())
    notes = {**dataset.notes, **({"queries that the run lacks, counted as 0": lacking} if lacking else {})}
    return replace(report, data_notes=notes)


def _head(request: Request, head: int | None) -> Request:
    return request if head is None or head >= len(request) else request.select(range(head))


def _before_tail(ranking: Ranking, request: Request) -> Ranking:
    """Put the candidates that the reranker did not see behind those that it ranked."""
    tail = range(len(ranking.request), len(request))
    if not tail:
        return ranking
    scores = None if ranking.scores is None else (*ranking.scores, *(None for _ in tail))
    return replace(ranking, request=request, order=(*ranking.order, *tail), scores=scores)


def _report(dataset: Dataset, name: str, figures: Figures, before: Figures) -> EvaluationReport:
    return EvaluationReport(
        data=dataset.name,
        ranked_by=name,
        measures=figures.means,
        first_stage=before.means,
        queries=len(dataset.queries),
        per_query=figures.per_query,
        first_stage_per_query=before.per_query,
        data_notes=dataset.notes,
    )


class _Totals:
    """What rankings cost, and what their steps say, added up."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in ("outcomes", "defects", "notes")}
        self._diagnosed: defaultdict[str, list[float]] = defaultdict(list)
        self._fingerprints: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._failures: list[Trouble] = []
        self._stops: list[Trouble] = []
        self._usage = Usage()
        self._pairs = self._questions = self._sequential_rounds = self._late = 0

    def add(self, ranking: Ranking) -> None:
        self._pairs += len(ranking.request)
        self._usage += ranking.usage
        for step in ranking.steps:
            self._fingerprints[step.stage].update(step.fingerprints)
            self._questions += step.questions
            self._sequential_rounds += step.sequential_rounds
            self._late += step.late
            self._counts["outcomes"].update(step.outcomes)
            self._counts["defects"].update(step.defects)
            self._counts["notes"].update(step.notes)
            self._counts["notes"].update([f"skipped {step.stage}: {step.skipped}"] if step.skipped else [])
            for name, value in step.diagnostics.items():
                self._diagnosed[name].append(value)
            self._failures += [Trouble(ranking.query.id, step.stage, words) for words in step.failures]
            self._stops += [Trouble(ranking.query.id, step.stage, step.stopped)] if step.stopped else []

    def added_to(self, report: EvaluationReport, seconds: float) -> EvaluationReport:
        return replace(
            report,
            pairs=self._pairs,
            seconds=seconds,
            usage=self._usage,
            outcomes=dict(self._counts["outcomes"]),
            defects=dict(self._counts["defects"]),
            notes=dict(self._counts["notes"]),
            stopped=dict(Counter(stop.why for stop in self._stops)),
            diagnostics={name: sum(values) / len(values) for name, values in self._diagnosed.items()},
            questions=self._questions,
            sequential_rounds=self._sequential_rounds,
            failures=tuple(self._failures),
            stops=tuple(self._stops),
            late=self._late,
            fingerprints={stage: prints for stage, prints in self._fingerprints.items() if prints},
        )


def _name(reranker: Reranker) -> str:
    """The repr, which reads as the pipeline; the type's name where it has none of its own."""
    return type(reranker).__name__ if type(reranker).__repr__ is object.__repr__ else repr(reranker)
