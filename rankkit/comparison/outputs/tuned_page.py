"""What a sweep found as one HTML file that opens without a network: quality against cost, the table, the choice."""

from __future__ import annotations

from html import escape
from string import Template

from rankkit import __version__
from rankkit.comparison.outputs.html_cells import header_row, scrolling
from rankkit.comparison.outputs.html_json import safe_json
from rankkit.comparison.outputs.html_page import packed, part, policy_of, script_of
from rankkit.comparison.outputs.tuned_rows import cells, head, rows, summary
from rankkit.comparison.tuned import AS_IT_IS, Tried, Tuning
from rankkit.core.extras import require_extra
from rankkit.errors import ConfigError


def to_html(tuning: Tuning) -> str:
    """The same tuning gives the same page.

    Raises:
        MissingExtra: plotly is not installed.
    """
    with require_extra("eval", "drawing a plot"):
        from plotly.offline import get_plotlyjs
    plotly: str = get_plotlyjs()
    script = script_of("drawing.js", "tuned.js")
    page = Template(part("tuned.html")).substitute(
        policy=policy_of(script, plotly),
        style=part("page.css"),
        script=script,
        plotly=packed(plotly),
        figures=safe_json(_figures(tuning)),
        title=escape(f"{tuning.measure} against {tuning.unit}: {tuning.config} on {tuning.data}"),
        summary="".join(f"<p>{escape(words)}</p>" for words in summary(tuning)),
        notes="".join(f"<li>{escape(words)}</li>" for words in tuning.notes),
        table=_table(tuning),
        config=escape(_config(tuning)),
        version=escape(__version__),
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def _figures(tuning: Tuning) -> dict[str, object]:
    """What is drawn, group by group."""
    known = [one for one in tuning.tried if one.cost is not None]
    front = sorted((one for one in known if one.on_front), key=lambda one: one.cost or 0.0)
    groups = {
        "dominated": [one for one in known if not one.on_front],
        "Pareto front": front,
        "chosen": [one for one in known if one.chosen],
        AS_IT_IS: [tuning.as_it_is] if tuning.as_it_is.cost is not None else [],
    }
    return {
        "measure": tuning.measure,
        "unit": tuning.unit,
        "groups": [{"name": name, "points": list(map(_point, tried))} for name, tried in groups.items()],
    }


def _point(one: Tried) -> dict[str, object]:
    return {
        "name": one.name,
        "cost": one.cost,
        "mean": one.quality.mean,
        "low": one.quality.low,
        "high": one.quality.high,
    }


def _table(tuning: Tuning) -> str:
    name, *figures = head(tuning)
    body = ""
    for one in rows(tuning):
        mark, words, *others = cells(tuning, one)
        strong = f"<b>{mark} {escape(words)}</b>" if one.chosen else escape(words)
        numbers = "".join(f'<td class="num">{escape(other)}</td>' for other in others)
        body += f'<tr><th scope="row">{strong}</th>{numbers}</tr>'
    return scrolling("Combinations", f"<table>{header_row([name], figures)}<tbody>{body}</tbody></table>")


def _config(tuning: Tuning) -> str:
    try:
        return tuning.to_toml()
    except ConfigError as error:
        return error.message
