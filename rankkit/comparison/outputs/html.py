"""A report as one HTML file that opens without a network: tables in plain HTML, plots and lists by a script.

The plots are Plotly's, whose JavaScript travels inside the file, compressed. The page's own policy lets no other
script run and nothing be fetched, and whatever comes from data (texts, ids, names) enters as text, never as HTML.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template

from rankkit import __version__
from rankkit.comparison.outputs.html_cells import system_name
from rankkit.comparison.outputs.html_data import page_data
from rankkit.comparison.outputs.html_page import packed, part, policy_of, script_of
from rankkit.comparison.outputs.html_robustness import robustness_tables
from rankkit.comparison.outputs.html_tables import (
    conduct_tables,
    cost_tables,
    differences_table,
    results_tables,
)
from rankkit.comparison.result import ComparisonResult
from rankkit.core.extras import require_extra
from rankkit.data.written import replaced

#: The page's script, in parts that follow one another.
_SCRIPTS = ("drawing.js", "common.js", "plots.js", "queries.js", "start.js")


def write_html(comparison: ComparisonResult, path: Path) -> None:
    """Write the report: whole, or not at all.

    Raises:
        MissingExtra: plotly is not installed.
        DataError: the file cannot be written.
    """
    page = to_html(comparison).encode("utf-8")
    with replaced(path) as file:
        file.write(page)


def to_html(comparison: ComparisonResult) -> str:
    """The report as one self-contained page. The same comparison gives the same page.

    Raises:
        MissingExtra: plotly is not installed.
    """
    with require_extra("eval", "drawing a report"):
        from plotly.offline import get_plotlyjs
    plotly: str = get_plotlyjs()
    script = script_of(*_SCRIPTS)
    data = page_data(comparison)
    page = Template(part("page.html")).substitute(
        policy=policy_of(script, plotly),
        style=part("page.css"),
        script=script,
        plotly=packed(plotly),
        figures=data.figures,
        queries=data.queries,
        title=escape(comparison.name),
        summary=_summary(comparison),
        notes=_listed(comparison.notes),
        list_notes=_listed(data.notes),
        results=results_tables(comparison),
        differences=differences_table(comparison),
        costs=cost_tables(comparison),
        conduct=conduct_tables(comparison) + _conduct_details(comparison),
        robust="" if comparison.robustness else "hidden",
        robustness=robustness_tables(comparison),
        repro=escape(_repro(comparison)),
        systems=_systems(comparison),
        version=escape(__version__),
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def _summary(comparison: ComparisonResult) -> str:
    """What was compared, and what came first by the first measure."""
    names = " and ".join(escape(one.name) for one in comparison.data)
    queries = sum(one.queries for one in comparison.data)
    parts = [
        f"{len(comparison.systems)} systems on {queries:,} judged queries of {names}, "
        f"against {system_name(comparison, comparison.baseline)}."
    ]
    measure = comparison.measures[0]
    ranked = [one for one in comparison.systems if measure in one.measures]
    if ranked:
        best = max(ranked, key=lambda one: one.measures[measure].mean)
        parts.append(
            f"Best by {escape(measure)}: {system_name(comparison, best.name)} with {best.measures[measure].mean:.4f}."
        )
    return " ".join(parts)


def _listed(notes: Iterable[str]) -> str:
    return "".join(f"<li>{escape(note)}</li>" for note in notes)


def _conduct_details(comparison: ComparisonResult) -> str:
    """What went wrong and what was noted, system by system; closed until somebody opens it."""
    found = ""
    for system in comparison.systems:
        lines = []
        for figures in system.figures:
            conduct = figures.conduct
            for title, counts in (
                ("defects", conduct.defects),
                ("notes", conduct.notes),
                ("stopped by", conduct.stopped),
                ("means", conduct.diagnostics),
            ):
                lines += [f"{figures.data}, {title}: {what}: {count:,.4g}" for what, count in counts.items()]
            lines += [f"{figures.data}: {note}" for note in figures.notes]
            lines += [f"{figures.data}, failure: {why}" for why in conduct.failures]
        if lines:
            name = system_name(comparison, system.name)
            found += f"<details><summary>{name}: {len(lines)} details</summary><ul>{_listed(lines)}</ul></details>"
    return found


def _repro(comparison: ComparisonResult) -> str:
    """Text that somebody can copy: what ran, on which files."""
    lines = _flat(comparison.repro)
    for data in comparison.data:
        if data.files:
            lines += _flat({f"files of {data.name}": data.files})
    return "\n".join(lines)


def _flat(values: Mapping[str, object], indent: str = "") -> list[str]:
    lines: list[str] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", *_flat(value, indent + "  ")]
        elif isinstance(value, list | tuple):
            lines.append(f"{indent}{key}:")
            lines += [f"{indent}  {_in_a_line(one)}" for one in value]
        else:
            lines.append(f"{indent}{key}: {value}")
    return lines


def _in_a_line(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    if "sha256" in value:  # a file: as sha256sum writes it, as far as possible
        rest = " ".join(str(one) for key, one in value.items() if key != "sha256")
        return f"{value['sha256']}  {rest}"
    return ", ".join(f"{key} = {one!r}" for key, one in value.items())


def _systems(comparison: ComparisonResult) -> str:
    """How each system is made, for who would build it again."""
    found = ""
    for system in comparison.systems:
        prints = {
            f"{figures.data}, {stage}": dict(one)
            for figures in system.figures
            for stage, one in figures.conduct.fingerprints.items()
        }
        what = {"spec": system.spec, "fingerprint": system.fingerprint, "stages": prints or None}
        text = json.dumps({key: one for key, one in what.items() if one}, indent=2, ensure_ascii=False, default=str)
        found += (
            f"<details><summary>{system_name(comparison, system.name)} <small>{escape(system.ranked_by)}</small>"
            f'</summary><pre tabindex="0">{escape(text)}</pre></details>'
        )
    return found
