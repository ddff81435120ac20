"""A comparison as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rankkit.comparison.outputs.tables import COSTS, Cell, legend, rows
from rankkit.comparison.result import ComparisonResult, PairResult


def to_markdown(comparison: ComparisonResult) -> str:
    """The table, the differences, and the notes."""
    several = len(comparison.data) > 1
    queries = ", ".join(f"{one.name} ({one.queries} queries)" for one in comparison.data)
    parts = [
        f"# {_escaped(comparison.name)}",
        f"On {_escaped(queries)}; baseline: {_escaped(comparison.baseline)}.",
        _table(
            ["system", *(["data"] if several else []), *comparison.measures, *COSTS],
            (
                [row.system, *([row.data] if several else []), *map(_cell, row.measures), *row.costs]
                for row in rows(comparison)
            ),
        ),
        legend(comparison),
    ]
    if comparison.comparisons:
        parts += [
            "## Differences",
            _table(
                ["system", "against", *(["data"] if several else []), "measure", *_DIFFERENCE],
                (_difference(one, several=several) for one in comparison.comparisons),
            ),
        ]
    if comparison.notes:
        parts += ["## Notes", "\n".join(f"- {_escaped(words)}" for words in comparison.notes)]
    return "\n\n".join(parts) + "\n"


_DIFFERENCE = ("difference", "95 %", "p", "p (Holm)", "wins / ties / losses", "effect size", "queries needed")


def _cell(cell: Cell) -> str:
    figure = f"**{cell.figure}**" if cell.best else cell.figure
    return " ".join(word for word in (figure, cell.mark, f"({cell.interval})" if cell.interval else "") if word)


def _difference(pair: PairResult, *, several: bool) -> Sequence[str]:
    one = pair.figures
    return [
        pair.system,
        pair.baseline,
        *([pair.data] if several else []),
        pair.measure,
        f"{one.difference:+.4f}",
        "–" if one.low is None or one.high is None else f"{one.low:+.4f} to {one.high:+.4f}",
        f"{one.p:.4f}",
        f"{pair.p_holm:.4f}",
        f"{one.wins} / {one.ties} / {one.losses}",
        "–" if one.effect_size is None else f"{one.effect_size:.2f}",
        "–" if one.queries_needed is None else f"{one.queries_needed:,}",
    ]


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [[_escaped(word) for word in head], ["---"] * len(head)]
    # Figures carry marks of their own (bold); names are other people's words.
    lines += [[word if word.startswith("**") else _escaped(word) for word in row] for row in body]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _escaped(text: str) -> str:
    """On one line, and without what Markdown would take for its own."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\|`*_<>[]#" else char for char in flat)
