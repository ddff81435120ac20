"""The robustness section of an HTML report: tables of what became of shuffled, reversed and repeated candidates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from rankkit.comparison.outputs.html_cells import NOTHING, cell, header_row, scrolling, system_name
from rankkit.comparison.outputs.html_data import View, views_of
from rankkit.comparison.result import ComparisonResult

#: Figure -> its column, and what it says. Others are shown under their own names.
_COLUMNS = {
    "tau": (
        "Tau between outputs",
        "Kendall's tau between the orders that came out: 1 where the input's has no influence",
    ),
    "input_tau": ("Tau of input and output", "Kendall's tau between the order that came in and the one that came out"),
    "repeated_tau": ("Tau of repeats", "Kendall's tau between runs over the same candidates"),
    "repeated_equal": ("Equal repeats", "share of queries whose order was the same in every run"),
    "position_bias": ("Position bias", "share of pairs of which both orders name the same position as the winner"),
    "first_preference": ("First preferred", "mean probability given to the document shown first: 0.5 for a fair judge"),
    "cycles": ("Cycles", "share of triples whose comparisons contradict one another"),
}
_CURVES = ("favoured", "expected")


def robustness_tables(comparison: ComparisonResult) -> str:
    """A table of figures and one of spreads for each data set."""
    views = [(index, view) for index, view in enumerate(views_of(comparison)) if len(view.data) == 1]
    several = len(views) > 1
    title = "<h3>{}</h3>" if several else ""
    return "".join(
        f'<div data-robust="{index}">{title.format(escape(view.name))}{_tables(comparison, view)}</div>'
        for index, view in views
    )


def _tables(comparison: ComparisonResult, view: View) -> str:
    found = {name: _of_data(comparison, figures, view) for name, figures in comparison.robustness.items()}
    found = {name: figures for name, figures in found.items() if figures}
    return _figures(comparison, found) + _spreads(comparison, found) + _others(comparison, found)


def _of_data(comparison: ComparisonResult, figures: Mapping[str, object], view: View) -> Mapping[str, object]:
    """Of several data sets, each has its own figures."""
    if len(comparison.data) == 1:
        return figures
    own = figures.get(view.data[0])
    return own if isinstance(own, Mapping) else {}


def _figures(comparison: ComparisonResult, found: Mapping[str, Mapping[str, object]]) -> str:
    names = [name for name in _COLUMNS if any(name in figures for figures in found.values())]
    names += [
        name
        for name in dict.fromkeys(key for figures in found.values() for key, value in figures.items() if _plain(value))
        if name not in _COLUMNS
    ]
    if not names:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{system_name(comparison, system)}</th>'
        + "".join(cell(_figure(figures.get(name))) for name in names)
        + "</tr>"
        for system, figures in found.items()
    )
    columns = [_COLUMNS.get(name, (name, ""))[0] for name in names]
    known = [_COLUMNS[name] for name in names if name in _COLUMNS]
    legend = "; ".join(f"<b>{escape(title)}</b>: {escape(words)}" for title, words in known)
    table = f"<table>{header_row(['System'], columns)}<tbody>{rows}</tbody></table>"
    return scrolling("Robustness figures", table) + (f'<p class="hint">{legend}.</p>' if legend else "")


def _spreads(comparison: ComparisonResult, found: Mapping[str, Mapping[str, object]]) -> str:
    """The lowest and highest mean of each measure, and that over the candidates as they are."""
    rows = ""
    for system, figures in found.items():
        spread = figures.get("spread")
        if isinstance(spread, Mapping):
            cells = "".join(cell(_spread(spread.get(measure))) for measure in comparison.measures)
            rows += f'<tr><th scope="row">{system_name(comparison, system)}</th>{cells}</tr>'
    if not rows:
        return ""
    table = f"<table>{header_row(['System'], comparison.measures)}<tbody>{rows}</tbody></table>"
    return (
        "<h3>Spread of the measures</h3>"
        '<p class="hint">Over the candidates as they are, and below it the lowest and the highest over all orders.</p>'
        + scrolling("Spread of the measures", table)
    )


def _spread(one: object) -> str:
    if not isinstance(one, Mapping):
        return NOTHING
    return (
        f"{_figure(one.get('original'), 4)}<small>{_figure(one.get('low'), 4)} – {_figure(one.get('high'), 4)}</small>"
    )


def _others(comparison: ComparisonResult, found: Mapping[str, Mapping[str, object]]) -> str:
    """What has no table of its own, as it is."""
    parts = ""
    for system, figures in found.items():
        rest = {
            name: value
            for name, value in figures.items()
            if not _plain(value) and name != "spread" and name not in _CURVES and name not in _COLUMNS
        }
        if rest:
            text = json.dumps(rest, indent=2, ensure_ascii=False, default=str)
            name = system_name(comparison, system)
            parts += f'<details><summary>{name}: more</summary><pre tabindex="0">{escape(text)}</pre></details>'
    return parts


def _plain(value: object) -> bool:
    return isinstance(value, int | float)


def _figure(value: object, decimals: int = 3) -> str:
    return f"{value:.{decimals}f}".replace("-", "−") if isinstance(value, int | float) else NOTHING
