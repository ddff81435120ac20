"""A reranker, or a run from a file, over a data set."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Ranking, Request
from rankkit.core.reranker import Reranker, rank_many
from rankkit.core.usage import Usage
from rankkit.data.datasets import Dataset, refuse_foreign_run
from rankkit.data.runs import Run
from rankkit.errors import ConfigError, ContractViolation, DataError
from rankkit.evaluation.measures import Figures, Measure, evaluate
from rankkit.evaluation.report import EvaluationReport, Trouble


def evaluate_reranker(
    reranker: Reranker,
    dataset: Dataset,
    *,
    measures: Sequence[Measure],
    head: int | None = None,
    progress: OnProgress | None = None,
) -> tuple[EvaluationReport, list[Ranking]]:
    """Rank every request of the data set and measure the order before and after.

    With ``head``, the reranker sees only the first ``head`` candidates; the others *keep* their order behind them, in
    the measures and in the rankings that are returned. (``load_dataset(depth=...)`` drops them instead.) What the
    reranker itself drops counts as not found. The rankings are those of ``dataset.requests``, in that order.

    Raises:
        DataError: the data set has no candidates.
        ConfigError: ``head`` is less than 1.
        ContractViolation: the reranker returns a ranking of something else than its request.
        RankkitError: whatever the reranker raises.
    """
    if head is not None and head < 1:
        raise ConfigError(f"{head} candidates cannot be reranked", hint="Give 1 or more, or leave it out for all.")
    if not dataset.requests:
        raise DataError(
            f"{dataset.name} has no candidates to rerank",
            hint="Put candidates.jsonl into its folder, or take them from a run over its corpus (with_run).",
        )
    asked = [_head(request, head) for request in dataset.requests]
    started = time.perf_counter()
    ranked = rank_many(reranker, asked, progress=progress)
    seconds = time.perf_counter() - started
    _check_requests(reranker, asked, ranked)
    rankings = [_before_tail(ranking, request) for ranking, request in zip(ranked, dataset.requests, strict=True)]
    orders = {ranking.query.id: ranking.ids for ranking in rankings}
    report = _report(dataset, _name(reranker), evaluate(dataset.qrels, orders, measures), measures)
    return _billed(report, ranked, seconds), rankings


def evaluate_run(dataset: Dataset, run: Run, *, measures: Sequence[Measure]) -> EvaluationReport:
    """Measure a run; the first stage beside it is that of ``dataset``, where it has candidates.

    A judged query that the run lacks counts as 0; queries that ``dataset`` does not have are ignored.

    Raises:
        DataError: the run has none of the queries, or no judged document.
    """
    refuse_foreign_run(dataset, run)
    figures = evaluate(dataset.qrels, run.orders, measures)
    report = _report(dataset, run.tag or "run", figures, measures)
    lacking = len(dataset.qrels.keys() - run.rows.keys())
    notes = {**dataset.notes, **({"queries that the run lacks, counted as 0": lacking} if lacking else {})}
    return replace(report, data_notes=notes)


def _head(request: Request, head: int | None) -> Request:
    return request if head is None or head >= len(request) else request.select(range(head))


def _check_requests(reranker: Reranker, asked: Sequence[Request], ranked: Sequence[Ranking]) -> None:
    for request, ranking in zip(asked, ranked, strict=True):
        if ranking.request != request:
            raise ContractViolation(f"{_name(reranker)} ranked something else than its request {request.query.id!r}")


def _before_tail(ranking: Ranking, request: Request) -> Ranking:
    """Put the candidates that the reranker did not see behind those that it ranked."""
    tail = range(len(ranking.request), len(request))
    if not tail:
        return ranking
    scores = None if ranking.scores is None else (*ranking.scores, *(None for _ in tail))
    return replace(ranking, request=request, order=(*ranking.order, *tail), scores=scores)


def _report(dataset: Dataset, name: str, figures: Figures, measures: Sequence[Measure]) -> EvaluationReport:
    before = evaluate(dataset.qrels, dataset.first_stage, measures) if dataset.requests else Figures({}, {})
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


def _billed(report: EvaluationReport, rankings: Sequence[Ranking], seconds: float) -> EvaluationReport:
    """Add the cost, and what the steps say."""
    outcomes, defects, notes = Counter[str](), Counter[str](), Counter[str]()
    failures: list[Trouble] = []
    stops: list[Trouble] = []
    late = 0
    diagnosed: defaultdict[str, list[float]] = defaultdict(list)
    fingerprints: dict[str, dict[str, str]] = {}
    for ranking in rankings:
        for step in ranking.steps:
            fingerprints.setdefault(step.stage, {}).update(step.fingerprints)
            outcomes.update(step.outcomes)
            defects.update(step.defects)
            notes.update(step.notes)
            notes.update([f"skipped {step.stage}: {step.skipped}"] if step.skipped else [])
            for name, value in step.diagnostics.items():
                diagnosed[name].append(value)
            failures += [Trouble(ranking.query.id, step.stage, words) for words in step.failures]
            stops += [Trouble(ranking.query.id, step.stage, step.stopped)] if step.stopped else []
            late += step.late
    return replace(
        report,
        pairs=sum(len(ranking.request) for ranking in rankings),
        seconds=seconds,
        usage=sum((ranking.usage for ranking in rankings), Usage()),
        outcomes=dict(outcomes),
        defects=dict(defects),
        notes=dict(notes),
        stopped=dict(Counter(stop.why for stop in stops)),
        diagnostics={name: sum(values) / len(values) for name, values in diagnosed.items()},
        questions=sum(step.questions for ranking in rankings for step in ranking.steps),
        sequential_rounds=sum(step.sequential_rounds for ranking in rankings for step in ranking.steps),
        failures=tuple(failures),
        stops=tuple(stops),
        late=late,
        fingerprints={stage: prints for stage, prints in fingerprints.items() if prints},
    )


def _name(reranker: Reranker) -> str:
    """The repr, which reads as the pipeline; the type's name where it has none of its own."""
    return type(reranker).__name__ if type(reranker).__repr__ is object.__repr__ else repr(reranker)
