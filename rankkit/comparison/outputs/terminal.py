"""The table of a comparison for a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rankkit.comparison.outputs.tables import Cell, legend, rows
from rankkit.comparison.result import ComparisonResult
from rankkit.core.ranking import clip


def comparison_table(comparison: ComparisonResult) -> RenderableType:
    """Figures with their intervals, then each system's difference to the baseline."""
    several = len(comparison.data) > 1
    table = Table(title=clip(comparison.name, 80), title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("system")
    if several:
        table.add_column("data")
    for measure in comparison.measures:
        table.add_column(measure)
    for title in ("judged@10", "p50 s", "p95 s", "calls", "tokens"):
        table.add_column(title, justify="right")
    for row in rows(comparison):
        name = Text(clip(row.system, 40), style="bold" if row.is_baseline else "")
        data = [Text(clip(row.data, 30))] if several else []
        table.add_row(name, *data, *map(_cell, row.measures), *row.costs[:5])
    notes = [Text(f"! {clip(words, 200)}", style="yellow") for words in comparison.notes[:8]]
    if len(comparison.notes) > len(notes):
        notes.append(Text(f"! and {len(comparison.notes) - len(notes)} more notes in the report", style="yellow"))
    return Group(
        table, Text(""), _differences(comparison, several=several), Text(legend(comparison), style="dim"), *notes
    )


def _cell(cell: Cell) -> Text:
    style = "bold" if cell.best else ""
    return Text.assemble((cell.figure, style), f" {cell.mark or ' '} ", (cell.interval, "dim"))


def _differences(comparison: ComparisonResult, *, several: bool) -> RenderableType:
    if not comparison.comparisons:
        return Text("")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("system", "against", *(["data"] if several else []), "measure"):
        table.add_column(title)
    for title in ("difference", "95 %", "p", "p (Holm)", "w/t/l", "effect", "queries needed"):
        table.add_column(title, justify="right")
    for pair in comparison.comparisons:
        one = pair.figures
        table.add_row(
            Text(clip(pair.system, 40)),
            Text(clip(pair.baseline, 40)),
            *([Text(clip(pair.data, 30))] if several else []),
            pair.measure,
            Text(f"{one.difference:+.4f}", style="bold" if pair.significant else ""),
            "" if one.low is None else f"{one.low:+.3f} to {one.high:+.3f}",
            f"{one.p:.4f}",
            f"{pair.p_holm:.4f}",
            f"{one.wins}/{one.ties}/{one.losses}",
            "" if one.effect_size is None else f"{one.effect_size:.2f}",
            "" if one.queries_needed is None else f"{one.queries_needed:,}",
        )
    return table
