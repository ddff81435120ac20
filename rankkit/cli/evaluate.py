"""``rankkit eval``: the measures of the first stage and of the reranked order, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rankkit.cli import options
from rankkit.cli.output import progress_bar, stderr, stdout, write_json

Data = Annotated[
    Path, typer.Option("--data", "-d", help="A folder with queries, qrels and candidates (docs/evaluation.md).")
]


def evaluate(
    data: Data,
    model: options.Model = None,
    config: options.Config = None,
    run: Annotated[Path | None, typer.Option("--run", help="Evaluate this TREC run instead of a model.")] = None,
    depth: Annotated[
        int | None, typer.Option("--depth", help="Rerank the first N candidates; the rest stay behind them.", min=1)
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Only the first N queries.", min=1)] = None,
    measures: Annotated[str | None, typer.Option("--measures", help="As ir-measures writes them, with commas.")] = None,
    run_out: Annotated[Path | None, typer.Option("--run-out", help="Write the reranked order as a TREC run.")] = None,
    max_length: options.MaxLength = None,
    threads: options.Threads = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure a reranker, or a TREC run, on judged data."""
    from rankkit.evaluation.experiment import Experiment
    from rankkit.evaluation.measures import DEFAULT_MEASURES
    from rankkit.evaluation.table import report_table

    if run is not None and (model is not None or config is not None or depth is not None):
        raise typer.BadParameter("--run measures a run as it is: it goes with neither a model nor --depth")
    experiment = Experiment.of(data, measures=measures or DEFAULT_MEASURES, limit=limit, run_out=run_out)
    if run is not None:
        report = experiment.of_run(run)
    else:
        reranker = options.build(model, config, max_length=max_length, threads=threads)
        with progress_bar(f"ranking {len(experiment.dataset.requests)} queries") as progress:
            report = experiment.of_reranker(reranker, depth=depth, progress=progress)
    if as_json:
        write_json(report.to_dict())
    else:
        stdout().print(report_table(report))
    if report.failures:
        stderr().print("some queries kept their first-stage order: see the failures above", style="yellow")
        raise typer.Exit(7)
