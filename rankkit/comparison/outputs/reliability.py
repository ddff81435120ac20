"""A reliability diagram as one HTML file that opens without a network: predicted against observed relevance."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from rankkit import __version__
from rankkit.calibration.calibrating import CalibrationReport
from rankkit.calibration.measures import CalibrationFigures
from rankkit.comparison.outputs.html_cells import cell, header_row, scrolling
from rankkit.comparison.outputs.html_json import safe_json
from rankkit.comparison.outputs.html_page import packed, part, policy_of, script_of
from rankkit.core.extras import require_extra
from rankkit.data.written import replaced


def write_reliability(report: CalibrationReport, path: Path) -> None:
    """Write the page: whole, or not at all.

    Raises:
        MissingExtra: plotly is not installed.
        DataError: the file cannot be written.
    """
    page = to_html(report).encode("utf-8")
    with replaced(path) as file:
        file.write(page)


def to_html(report: CalibrationReport) -> str:
    """The same report gives the same page.

    Raises:
        MissingExtra: plotly is not installed.
    """
    with require_extra("eval", "drawing a reliability diagram"):
        from plotly.offline import get_plotlyjs
    plotly: str = get_plotlyjs()
    script = script_of("drawing.js", "reliability.js")
    calibration = report.calibration
    page = Template(part("reliability.html")).substitute(
        policy=policy_of(script, plotly),
        style=part("page.css"),
        script=script,
        plotly=packed(plotly),
        figures=safe_json([{"name": name, "points": _points(one)} for name, one in _both(report)]),
        title=escape(f"{calibration.model} on {calibration.fitted_on['data']}"),
        summary=escape(
            f"{calibration.method}, measured on queries that were not fitted, in {report.folds} folds; "
            f"{calibration.fitted_on['documents']:,} documents of {calibration.fitted_on['queries']} queries, "
            f"{calibration.fitted_on['relevant']:,} of them relevant."
        ),
        table=_table(report),
        version=escape(__version__),
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def _both(report: CalibrationReport) -> list[tuple[str, CalibrationFigures]]:
    both = (("raw scores", report.before), ("calibrated", report.after))
    return [(name, one) for name, one in both if one is not None]


def _points(figures: CalibrationFigures) -> list[dict[str, float]]:
    return [
        {"predicted": one.mean_probability, "observed": one.relevant, "count": one.count, "low": one.low}
        for one in figures.bins
    ]


def _table(report: CalibrationReport) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(cell(f"{value:.4f}") for value in (one.log_loss, one.brier, one.ece))
        + "</tr>"
        for name, one in _both(report)
    )
    table = f"<table>{header_row(['Scores'], ['Log loss', 'Brier score', 'ECE'])}<tbody>{rows}</tbody></table>"
    return scrolling("Figures", table)
