"""``rankkit calibrate``: from judged data to a file that makes probabilities of relevance of a model's scores."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rich.table import Table

from rankkit.cli.first_stage import FirstStageOptions
from rankkit.cli.options import ScorerOptions
from rankkit.cli.output import figure, progress_bar, remark, say, stdout, write_json
from rankkit.cli.parameters import SPREAD, AsJson, number, option
from rankkit.config.kinds import Spec
from rankkit.config.pointwise import PointwiseSpec
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.errors import ConfigError

if TYPE_CHECKING:
    from rankkit.calibration.calibrating import CalibrationReport
    from rankkit.calibration.measures import CalibrationFigures


def calibrate(
    *,
    data: Annotated[
        Path, option("--data", "-d", help="A folder with queries, qrels and candidates (docs/evaluation.md).")
    ],
    finding: Annotated[FirstStageOptions, SPREAD] = FirstStageOptions(),
    options: Annotated[ScorerOptions, SPREAD] = ScorerOptions(),
    method: Annotated[
        Literal["temperature", "platt", "isotonic"],
        option("--method", help="What is fitted: one parameter, two, or any rising line."),
    ] = "platt",
    min_grade: Annotated[int, number("--min-grade", help="Documents of this grade or more are relevant.")] = 1,
    unjudged: Annotated[
        Literal["skip", "irrelevant"],
        option("--unjudged", help="Candidates without a judgement: left out, or counted as not relevant."),
    ] = "skip",
    at_precision: Annotated[
        list[float] | None, option("--at-precision", help="Where held-out precision reaches this; 0.8 and 0.9.")
    ] = None,
    depth: Annotated[int | None, number("--depth", help="Only the first N candidates of a query.", minimum=1)] = None,
    limit: Annotated[int | None, number("--limit", help="Only the first N queries.", minimum=1)] = None,
    split: Annotated[
        str | None, option("--split", help="Of several splits in the folder, this one: test, dev, train.")
    ] = None,
    out: Annotated[Path | None, option("--out", help="Keep the calibration in this file.")] = None,
    check: Annotated[Path | None, option("--check", help="Fit nothing: measure this calibration on the data.")] = None,
    report: Annotated[Path | None, option("--report", help="Draw the reliability diagram: a .html file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a model's scores to probabilities of relevance on judged data."""
    from rankkit.calibration.calibrating import calibrate as fitted
    from rankkit.calibration.calibrating import measure
    from rankkit.calibration.kept import check_calibration_out, read_calibration, write_calibration

    raw, known = _raw(options.spec()), None if check is None else read_calibration(check)
    if known is not None and (out, report) != (None, None):
        raise ConfigError("--check fits nothing: there is nothing for --out and --report")
    if out is not None:
        check_calibration_out(out)
    judged = _data(data, finding, depth=depth, limit=limit, split=split)
    bar = progress_bar("scoring")
    if known is not None:
        with raw.build() as reranker, bar as progress:
            found = measure(reranker, known, judged, min_grade=min_grade, unjudged=unjudged, progress=progress)
        _show_measured(*found, as_json=as_json)
        return
    with raw.build() as reranker, bar as progress:
        fit = fitted(
            reranker,
            judged,
            method=method,
            min_grade=min_grade,
            unjudged=unjudged,
            precisions=(0.8, 0.9) if at_precision is None else tuple(at_precision),
            scores=raw.scores or "",
            progress=progress,
        )
    if out is not None:
        write_calibration(fit.calibration, out)
    if report is not None:
        from rankkit.comparison.outputs.reliability import write_reliability

        write_reliability(fit, report)
    if as_json:
        write_json(fit.to_dict())
    else:
        _show(fit)
        for path in filter(None, (out, report)):
            say(path)
    if out is None:
        remark('not kept: with --out FILE, scores = "calibrated" and calibration = "FILE" use it', style="dim")


def _data(
    folder: Path, finding: FirstStageOptions, *, depth: int | None, limit: int | None, split: str | None
) -> Dataset:
    dataset = load_dataset(folder, depth=depth, limit=limit, split=split)
    if finding.method is None:
        if finding.given:
            raise ConfigError("--k, --tokenizer, --stemmer and the like go with --first-stage")
        return dataset
    from rankkit.evaluation.first_stage import searched

    first = finding.over(None)
    return searched(dataset, first.build, first.k)[0]


def _show_measured(before: CalibrationFigures | None, after: CalibrationFigures, *, as_json: bool) -> None:
    if as_json:
        write_json({"before": None if before is None else asdict(before), "after": asdict(after)})
        return
    stdout().print(_figures(before, after))
    stdout().print(_bins(after))


def _raw(spec: Spec) -> PointwiseSpec:
    if not isinstance(spec, PointwiseSpec):
        raise ConfigError(
            f"only the scores of single documents are calibrated, and this reranker is {spec.paradigm}",
            hint="Calibrate the pointwise stage by itself.",
        )
    return spec.as_scored()


def _show(found: CalibrationReport) -> None:
    calibration, on = found.calibration, found.calibration.fitted_on
    say(
        f"{calibration.method} of {calibration.model} on {on['data']}: {on['documents']:,} judged documents of "
        f"{on['queries']} queries, {on['relevant']:,} of grade {on['min_grade']} or more; "
        f"{on['unjudged_documents']:,} without a judgement "
        + ("left out" if on["unjudged"] == "skip" else "counted as not relevant")
    )
    say(f"measured on queries that were not fitted, in {found.folds} folds")
    console = stdout()
    console.print(_figures(found.before, found.after))
    console.print(_bins(found.after))
    for point in found.points:
        if point.probability is None:
            say(f"precision {point.precision:g}: reached at no threshold")
        else:
            say(
                f"precision {point.precision:g}: from a probability of {figure(point.probability)} on (score "
                f"{figure(point.score)}): {point.kept:,} documents, {figure(point.recall)} of the relevant ones"
            )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left")
    return table


def _figures(before: CalibrationFigures | None, after: CalibrationFigures) -> Table:
    table = _table("", "log loss", "Brier", "ECE")
    for name, one in (("raw scores", before), ("calibrated", after)):
        row = (None, None, None) if one is None else (one.log_loss, one.brier, one.ece)
        table.add_row(name, *("-" if value is None else f"{value:.4f}" for value in row))
    return table


def _bins(figures: CalibrationFigures) -> Table:
    """The reliability diagram in figures."""
    table = _table("probability", "documents", "mean", "relevant")
    for one in figures.bins:
        table.add_row(
            f"{one.low:.1f} to {one.high:.1f}", f"{one.count:,}", f"{one.mean_probability:.3f}", f"{one.relevant:.3f}"
        )
    return table
