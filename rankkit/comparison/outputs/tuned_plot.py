"""Quality against cost as one HTML file that opens without a network."""

from __future__ import annotations

import json
from html import escape

from rankkit.comparison.tuned import AS_IT_IS, Tried, Tuning
from rankkit.core.extras import require_extra

#: Nothing is fetched. The scripts stand in the page itself, and what comes from a config enters as JSON or escaped.
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'">
<title>{title}</title><style>
:root {{ --front: {front}; --chosen: {star}; --dominated: {dominated}; }}
body {{ font-family: sans-serif; margin: 1rem; overflow-wrap: anywhere; }} h1 {{ font-size: 1.2rem; }}
#plot {{ height: 75vh; }}
</style></head>
<body><h1>{title}</h1><p>{chosen}</p><div id="plot"></div>
<script>{plotly}</script>
<script>
Plotly.newPlot("plot", {data}, {layout}, {{responsive: true, displayModeBar: false}})
  .then(() => {{ document.documentElement.dataset.ready = ""; }});
</script>
</body></html>
"""
_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#767676"


def to_html(tuning: Tuning) -> str:
    """The same tuning gives the same page.

    Raises:
        MissingExtra: plotly is not installed.
    """
    with require_extra("eval", "drawing a plot"):
        from plotly.offline import get_plotlyjs
    known = [one for one in tuning.tried if one.cost is not None]
    front = sorted((one for one in known if one.on_front), key=lambda one: one.cost or 0.0)
    traces = [
        _trace("dominated", [one for one in known if not one.on_front], _GREY, "circle-open"),
        _trace("Pareto front", front, _BLUE, "circle", line=True),
        _trace("chosen", [one for one in known if one.chosen], _ORANGE, "star", size=16),
    ]
    if tuning.as_it_is.cost is not None:
        traces.append(_trace(AS_IT_IS, [tuning.as_it_is], "#000000", "x"))
    layout = {
        "xaxis": {"title": {"text": f"{tuning.unit} a query"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": tuning.measure}},
        "legend": {"orientation": "h"},
    }
    page = _PAGE.format(
        title=escape(f"{tuning.measure} against {tuning.unit}: {tuning.config} on {tuning.data}"),
        chosen=escape(f"Chosen: {tuning.choice.chosen}"),
        front=_BLUE,
        star=_ORANGE,
        dominated=_GREY,
        plotly=get_plotlyjs(),
        data=_json(traces),
        layout=_json(layout),
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def _trace(
    name: str, tried: list[Tried], colour: str, symbol: str, *, line: bool = False, size: int = 10
) -> dict[str, object]:
    bars = [one for one in tried if one.quality.low is not None and one.quality.high is not None]
    return {
        "type": "scatter",
        "mode": "lines+markers" if line else "markers",
        "name": name,
        "x": [one.cost for one in tried],
        "y": [one.quality.mean for one in tried],
        # Plotly reads some HTML in its labels.
        "text": [escape(one.name) for one in tried],
        "hovertemplate": "%{text}<br>%{y:.4f} at %{x:.4g}<extra></extra>",
        "marker": {"color": colour, "symbol": symbol, "size": size},
        "line": {"color": colour},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [(one.quality.high or 0.0) - one.quality.mean for one in bars],
            "arrayminus": [one.quality.mean - (one.quality.low or 0.0) for one in bars],
            "thickness": 1,
            "visible": len(bars) == len(tried),
        },
    }


def _json(value: object) -> str:
    """As JavaScript inside a page: no sign in it ends the script."""
    return json.dumps(value).replace("<", "\\u003c")
