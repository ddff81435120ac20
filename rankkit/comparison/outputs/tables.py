"""The table of a comparison as rows of words, which each format sets in its own way; and as CSV and pandas."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rankkit.comparison.result import ALL_DATA, ComparisonResult, SystemFigures, SystemResult
from rankkit.core.extras import require_extra

if TYPE_CHECKING:
    import pandas as pd

#: Behind a figure that differs from the baseline's: Holm's p below 0.05.
BETTER, WORSE = "▲", "▼"
LEGEND = (
    f"Means over queries with 95 % bootstrap intervals; {BETTER} {WORSE} differ from the baseline "
    "(paired randomisation test, p < 0.05 after Holm's correction over all tests here)."
)


TOGETHER = (
    f"{ALL_DATA.capitalize()}: the mean of the data sets' means, each with its own queries resampled and their signs "
    "exchanged."
)


def legend(comparison: ComparisonResult) -> str:
    """What the signs of the tables mean, and what several data sets together are."""
    return f"{LEGEND} {TOGETHER}" if len(comparison.data) > 1 else LEGEND


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, its interval and whether it differs from the baseline's; ``best`` of its column."""

    figure: str
    interval: str = ""
    mark: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    system: str
    data: str
    measures: tuple[Cell, ...]
    costs: tuple[str, ...]
    is_baseline: bool


COSTS = ("judged@10", "s a query (p50)", "p95", "calls", "tokens", "cost", "malformed", "failures")


def rows(comparison: ComparisonResult) -> list[Row]:
    """A row for each data set and system; of several data sets, then one of each system on all of them."""
    return [
        Row(
            system=system.name,
            data=figures.data,
            measures=tuple(_cell(comparison, system, figures, measure) for measure in comparison.measures),
            costs=_costs(figures),
            is_baseline=system.name == comparison.baseline,
        )
        for data in comparison.all_data
        for system in comparison.systems
        for figures in [system.on(data)]
    ]


def _cell(comparison: ComparisonResult, system: SystemResult, figures: SystemFigures, measure: str) -> Cell:
    one = figures.measures[measure]
    pair = comparison.against(system.name, measure, figures.data)
    mark = "" if pair is None or not pair.significant else BETTER if pair.figures.difference > 0 else WORSE
    highest = max(other.on(figures.data).measures[measure].mean for other in comparison.systems)
    spread = "" if one.low is None or one.high is None else f"{one.low:.3f}–{one.high:.3f}"
    return Cell(f"{one.mean:.4f}", spread, mark, one.mean >= highest)


def _costs(figures: SystemFigures) -> tuple[str, ...]:
    cost, share = figures.cost, figures.conduct.malformed_share
    if cost is None:
        return (f"{figures.judged:.2f}", *("–" for _ in COSTS[1:]))
    return (
        f"{figures.judged:.2f}",
        f"{cost.seconds_p50:.2f}" if cost.timed else "–",
        f"{cost.seconds_p95:.2f}" if cost.timed else "–",
        f"{cost.usage.calls:,}",
        f"{cost.usage.tokens:,}" if cost.usage.tokens else "–",
        "–" if cost.usage.cost is None else f"{cost.usage.cost:.4f}",
        "–" if share is None else f"{share:.1%}",
        str(len(figures.conduct.failures)),
    )


def records(comparison: ComparisonResult) -> Iterator[dict[str, object]]:
    """A plain row for each system, data set (and all together) and measure, values as they are: for CSV and pandas."""
    for system in comparison.systems:
        for figures in map(system.on, comparison.all_data):
            for measure, one in figures.measures.items():
                pair = comparison.against(system.name, measure, figures.data)
                compared = pair.to_dict() if pair else {}
                cost = figures.cost.to_dict() if figures.cost else {}
                yield {
                    "system": system.name,
                    "data": figures.data,
                    "measure": measure,
                    "mean": one.mean,
                    "low": one.low,
                    "high": one.high,
                    **{f"difference_{key}" if key in ("low", "high") else key: compared.get(key) for key in _COMPARED},
                    "judged": figures.judged,
                    **{key: cost.get(key) for key in _COST_KEYS},
                    "malformed_share": figures.conduct.malformed_share,
                    "failures": len(figures.conduct.failures),
                }


_COMPARED = (
    "baseline", "difference", "low", "high", "p", "p_holm", "wins", "ties", "losses", "effect_size", "queries_needed"
)  # fmt: skip
_COST_KEYS = (
    "seconds", "seconds_p50", "seconds_p95", "pairs", "questions", "sequential_rounds", "calls", "input_tokens",
    "output_tokens", "cached_tokens", "cost",
)  # fmt: skip


def to_csv(comparison: ComparisonResult) -> str:
    """Comma-separated, a row for each system, data set and measure; what is not known is empty."""
    listed = list(records(comparison))
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(listed[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


def to_pandas(comparison: ComparisonResult) -> pd.DataFrame:
    """The rows of ``to_csv`` as a data frame.

    Raises:
        MissingExtra: pandas is not installed.
    """
    with require_extra("pandas", "a data frame"):
        import pandas
    return pandas.DataFrame(list(records(comparison)))


def to_html_table(comparison: ComparisonResult) -> str:
    """A small table for a notebook; the whole report is ``report.html``."""
    several = len(comparison.data) > 1
    head = ["system", *(["data"] if several else []), *comparison.measures, *COSTS[:4]]
    titles = "".join(f"<th style='text-align:left'>{html.escape(word)}</th>" for word in head)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td style='text-align:left'>{cell}</td>"
            for cell in (
                html.escape(row.system) + (" (baseline)" if row.is_baseline else ""),
                *([html.escape(row.data)] if several else []),
                *(
                    f"{'<b>' if cell.best else ''}{cell.figure}{'</b>' if cell.best else ''} {cell.mark} "
                    f"<small>{cell.interval}</small>"
                    for cell in row.measures
                ),
                *map(html.escape, row.costs[:4]),
            )
        )
        + "</tr>"
        for row in rows(comparison)
    )
    notes = "".join(f"<p><strong>{html.escape(words)}</strong></p>" for words in comparison.notes[:5])
    table = f"<table><caption>{html.escape(comparison.name)}</caption><tr>{titles}</tr>{body}</table>"
    return f"{table}{notes}<p>{legend(comparison)}</p>"
