"""From what the systems did to a ``Comparison``: intervals, tests, lists of documents, and how to repeat it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations

from rankkit.comparison.comparison import Comparison
from rankkit.comparison.experiment import Experiment, System
from rankkit.comparison.result import (
    ALL_DATA,
    SHOWN_TEXT,
    DataSummary,
    Document,
    PairResult,
    QueryLists,
    SystemFigures,
    SystemResult,
)
from rankkit.comparison.robustness import Variant, VariedRun, robustness
from rankkit.comparison.statistics import RESAMPLES, Interval, holm, interval, mean_difference
from rankkit.comparison.systems import SHOWN, Measured, Opened
from rankkit.config.writing import as_table
from rankkit.core.ranking import Candidate
from rankkit.data.datasets import Dataset
from rankkit.evaluation.measures import evaluate, parse_measures
from rankkit.evaluation.provenance import provenance

#: How complete the judgements are: measured beside what is asked for.
JUDGED = parse_measures("Judged@10")[0]
#: What figures may depend on beside rankkit itself.
_PACKAGES = ("numpy", "scipy", "ir-measures", "pytrec-eval-terrier", "onnxruntime", "tokenizers", "llama-cpp-python")


@dataclass(slots=True)
class SystemRuns:
    """What a system did on each data set: over the data as it is first, then over its variants."""

    system: System
    ranked_by: str
    fingerprint: str | None = None
    runs: dict[str, list[tuple[Variant, Measured]]] = field(default_factory=dict)

    @classmethod
    def of(cls, opened: Opened) -> SystemRuns:
        ranked_by = "a run from a file" if opened.reranker is None else repr(opened.reranker)
        return cls(opened.system, ranked_by, None if opened.identity is None else opened.identity.fingerprint)

    def add(self, data: str, variant: Variant, result: Measured) -> None:
        self.runs.setdefault(data, []).append((variant, result))

    def plain(self, data: str) -> Measured:
        """Over the data as it is."""
        return self.runs[data][0][1]


def assembled(experiment: Experiment, datasets: Sequence[Dataset], found: Mapping[str, SystemRuns]) -> Comparison:
    """Put together what was found, in the order of the experiment file."""
    runs = [found[system.name] for system in experiment.systems]
    return Comparison(
        name=experiment.name,
        measures=tuple(measure.name for measure in experiment.measures),
        baseline=experiment.baseline,
        data=tuple(_summary(dataset, experiment) for dataset in datasets),
        systems=tuple(_system(one, datasets, experiment) for one in runs),
        comparisons=_comparisons(runs, datasets, experiment),
        queries=tuple(lists for dataset in datasets for lists in _lists(dataset, runs)),
        robustness=_robustness(runs, datasets, experiment),
        notes=_notes(runs, datasets),
        repro=_repro(experiment, datasets, runs),
    )


def _summary(dataset: Dataset, experiment: Experiment) -> DataSummary:
    first = evaluate(dataset.qrels, dataset.first_stage, experiment.measures).means if len(dataset.requests) else {}
    return DataSummary(dataset.name, len(dataset.queries), first, dataset.notes)


def _system(runs: SystemRuns, datasets: Sequence[Dataset], experiment: Experiment) -> SystemResult:
    figures = tuple(_figures(runs, dataset, experiment) for dataset in datasets)
    spec = runs.system.spec
    return SystemResult(
        name=runs.system.name,
        kind=runs.system.kind,
        ranked_by=runs.ranked_by,
        measures=figures[0].measures if len(figures) == 1 else _over_data(figures, experiment),
        figures=figures,
        spec=None if spec is None else as_table(spec),
        fingerprint=runs.fingerprint,
    )


def _figures(runs: SystemRuns, dataset: Dataset, experiment: Experiment) -> SystemFigures:
    result = runs.plain(dataset.name)
    report = result.report
    computed = runs.system.kind in ("reranker", "replay")
    return SystemFigures(
        data=dataset.name,
        measures={
            measure.name: interval(list(report.per_query[measure.name].values()), seed=experiment.settings.seed)
            for measure in experiment.measures
        },
        per_query={measure.name: report.per_query[measure.name] for measure in experiment.measures},
        judged=report.measures[JUDGED.name],
        cost=result.cost(timed=runs.system.kind == "reranker") if computed else None,
        conduct=result.conduct(),
        stored=result.stored,
        notes=() if computed else ("no cost is known: nothing was computed here",),
    )


def _over_data(figures: Sequence[SystemFigures], experiment: Experiment) -> dict[str, Interval]:
    return {
        measure.name: interval(
            *(list(one.per_query[measure.name].values()) for one in figures), seed=experiment.settings.seed
        )
        for measure in experiment.measures
    }


def _comparisons(
    runs: Sequence[SystemRuns], datasets: Sequence[Dataset], experiment: Experiment
) -> tuple[PairResult, ...]:
    """Every system against the baseline (or against every other one) by every measure, on each data set and on several
    together, corrected over all of it.
    """
    by_name = {one.system.name: one for one in runs}
    pairs = [(name, experiment.baseline) for name in by_name if name != experiment.baseline]
    if experiment.settings.pairs == "all":
        rest = [name for name in by_name if name != experiment.baseline]
        pairs += [(later, earlier) for earlier, later in combinations(rest, 2)]
    parts: list[Sequence[Dataset]] = [[dataset] for dataset in datasets]
    if len(datasets) > 1:
        parts.append(datasets)
    rows = [
        PairResult(
            system,
            other,
            measure.name,
            ALL_DATA if len(part) > 1 else part[0].name,
            mean_difference(
                [
                    (_paired(by_name[system], dataset, measure.name), _paired(by_name[other], dataset, measure.name))
                    for dataset in part
                ],
                seed=experiment.settings.seed,
            ),
        )
        for system, other in pairs
        for part in parts
        for measure in experiment.measures
    ]
    corrected = holm([row.figures.p for row in rows])
    return tuple(replace(row, p_holm=p) for row, p in zip(rows, corrected, strict=True))


def _paired(runs: SystemRuns, dataset: Dataset, measure: str) -> list[float]:
    """In the order of the queries, so that two systems' figures are paired."""
    values = runs.plain(dataset.name).report.per_query[measure]
    return [values[name] for name in dataset.qrels]


def _lists(dataset: Dataset, runs: Sequence[SystemRuns]) -> Iterator[QueryLists]:
    """The head of each system's list for each query, with the texts of what stands there."""
    heads = {one.system.name: one.plain(dataset.name).heads for one in runs}
    listed = {request.query.id: request.candidates for request in dataset.requests}
    for name, text in dataset.queries.items():
        candidates = listed.get(name, ())
        shown = {system: lists.get(name, ()) for system, lists in heads.items()}
        wanted = {document for head in shown.values() for document, _ in head}
        wanted |= {candidate.id for candidate in candidates[:SHOWN]}
        grades = dataset.qrels[name]
        documents = {
            candidate.id: _document(candidate, grades.get(candidate.id))
            for candidate in candidates
            if candidate.id in wanted
        }
        for document in wanted - documents.keys():  # of a run that found others
            documents[document] = Document("", grade=grades.get(document))
        yield QueryLists(dataset.name, name, text, tuple(candidate.id for candidate in candidates), shown, documents)


def _document(candidate: Candidate, grade: int | None) -> Document:
    text = candidate.text
    return Document(text if len(text) <= SHOWN_TEXT else f"{text[: SHOWN_TEXT - 1]}…", candidate.title, grade)


def _robustness(
    runs: Sequence[SystemRuns], datasets: Sequence[Dataset], experiment: Experiment
) -> dict[str, dict[str, object]]:
    """System -> figure -> value; of several data sets, system -> data set -> figure."""
    if not experiment.settings.varied:
        return {}
    found: dict[str, dict[str, object]] = {}
    for one in runs:
        if one.system.kind == "reranker":
            by_data = {dataset.name: _robust(one, dataset, experiment) for dataset in datasets}
            found[one.system.name] = by_data[datasets[0].name] if len(datasets) == 1 else dict(by_data)
    return found


def _robust(runs: SystemRuns, dataset: Dataset, experiment: Experiment) -> dict[str, object]:
    varied = [
        VariedRun(
            variant,
            {measure.name: result.report.measures[measure.name] for measure in experiment.measures},
            variant.dataset.first_stage,
            result.ranked,
            result.report.diagnostics,
        )
        for variant, result in runs.runs[dataset.name]
    ]
    return robustness(varied, depth=experiment.settings.depth)


def _notes(runs: Sequence[SystemRuns], datasets: Sequence[Dataset]) -> tuple[str, ...]:
    """What a reader of the figures has to know: what was left out, what failed, what is doubtful."""
    notes = [f"{dataset.name}: {words}: {count}" for dataset in datasets for words, count in dataset.notes.items()]
    for one in runs:
        for dataset in datasets:
            report, where = one.plain(dataset.name).report, f"{one.system.name} on {dataset.name}"
            notes += [f"{where}: {words}: {count}" for words, count in report.notes.items()]
            notes += [
                f"{where}: {words}: {count}" for words, count in report.data_notes.items() - dataset.notes.items()
            ]
            notes += (
                [f"{where}: {len(report.failures)} failures, the first: {report.failures[0]}"]
                if report.failures
                else []
            )
            notes += [f"{where}: {report.late} ended by a limit of time"] if report.late else []
    return tuple(notes)


def _repro(experiment: Experiment, datasets: Sequence[Dataset], runs: Sequence[SystemRuns]) -> dict[str, object]:
    files = [path for dataset in datasets for path in dataset.files]
    files += [one.system.path for one in runs if one.system.path is not None]
    settings = experiment.settings.model_dump(exclude_defaults=True)
    ran = provenance(spec=settings, seed=experiment.settings.seed, files=dict.fromkeys(files), command=sys.argv)
    return {
        **ran,
        "resamples": RESAMPLES,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "shown": SHOWN,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
