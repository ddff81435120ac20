"""Pieces of the tables of an HTML report. Everything that comes from data is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rankkit.comparison.result import ComparisonResult

#: A shape beside each of eight colours, the same in the plots: nobody has to tell systems apart by colour alone. The
#: next eight systems have open shapes, those after them dots.
MARKS = "●■◆▲✚✖★⬢○□◇△✛☓☆⬡◉▣◈◬✙☒✪⏣"
_COLOURS = 8
NOTHING = '<span class="none" title="none">–</span>'


def system_name(comparison: ComparisonResult, name: str) -> str:
    """A system's name with its mark."""
    names = [system.name for system in comparison.systems]
    number = names.index(name) % len(MARKS) if name in names else 0
    return f'<span class="mark s{number % _COLOURS}" aria-hidden="true">{MARKS[number]}</span> <b>{escape(name)}</b>'


def number(value: float | None, decimals: int = 0) -> str:
    return NOTHING if value is None else f"{value:,.{decimals}f}"


def header_row(texts: Sequence[str], numbers: Iterable[str]) -> str:
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in texts)
    cells += "".join(f'<th scope="col" class="num">{escape(name)}</th>' for name in numbers)
    return f"<thead><tr>{cells}</tr></thead>"


def scrolling(label: str, table: str) -> str:
    """A table that scrolls inside itself, with the keyboard too."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">{table}</div>'


def cell(content: str, name: str = "") -> str:
    return f'<td class="num {name}">{content}</td>' if name else f'<td class="num">{content}</td>'


def minus(figure: str) -> str:
    return figure.replace("-", "−")


def seconds_figure(seconds: float) -> str:
    decimals = 0 if seconds >= 100 else 2 if seconds >= 1 else 3 if seconds >= 0.001 else 5
    return f"{seconds:,.{decimals}f}"
