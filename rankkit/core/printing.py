"""How a ranking looks: as text in a terminal, as HTML in a notebook, with what went otherwise than asked below it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

from rankkit.core.step import Step

#: Not printable, and yet part of words (Persian, Hindi) and of emoji.
_JOINERS = "\u200c\u200d"


class Line(NamedTuple):
    """One row, before it is cut to the width."""

    rank: int
    score: float | None
    id: str
    content: str


def as_text(query: str, lines: Sequence[Line], *, kind: str, total: int, warnings: Sequence[str]) -> str:
    """``kind`` says what the scores mean; ``total`` is the length of the whole ranking, of which ``lines`` are the
    best; ``warnings`` stand below, each behind a ``!``.
    """
    rows = [
        f"{line.rank:>4}  {_number(line.score):>8}  {clip(line.id, 16):<16}  {clip(line.content, 80)}" for line in lines
    ]
    more = [f"      ... and {total - len(lines)} more"] if total > len(lines) else []
    head = f"Ranking of {total} for {clip(query, 80)!r} ({kind})"
    return "\n".join([head, *rows, *more, *(f"  ! {words}" for words in warnings)])


def as_html(query: str, lines: Sequence[Line], *, kind: str, warnings: Sequence[str]) -> str:
    rows = "".join(
        f"<tr><td>{line.rank}</td><td>{_number(line.score)}</td><td>{html.escape(clip(line.id, 40))}</td>"
        f"<td style='text-align:left'>{html.escape(clip(line.content, 160))}</td></tr>"
        for line in lines
    )
    head = f"<tr><th>rank</th><th>{html.escape(kind)}</th><th>id</th><th style='text-align:left'>document</th></tr>"
    below = "".join(f"<p><strong>{html.escape(words)}</strong></p>" for words in warnings)
    return f"<table><caption>{html.escape(clip(query, 160))}</caption>{head}{rows}</table>{below}"


def warnings_of(steps: Sequence[Step]) -> list[str]:
    """A line for each stage that failed or did not come to its end, and one for each note that is a warning
    (``Step.warnings``), with all the stages that have it.
    """
    stages: dict[str, list[str]] = {}
    for step in steps:
        if step.stopped or step.failures:
            stages.setdefault(step.stopped or step.failures[0], []).append(step.stage)
        for words in step.warnings:
            stages.setdefault(words, []).append(step.stage)
    return [clip(f"{clip(', '.join(dict.fromkeys(names)), 100)}: {words}", 200) for words, names in stages.items()]


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:.4f}"


def clip(text: str, width: int) -> str:
    """One line of at most ``width`` characters, for a person's eye: what controls a terminal, or the direction of
    writing, is a visible mark in it.
    """
    flat = " ".join(text[: 8 * width].split())
    shown = "".join(char if char.isprintable() or char in _JOINERS else "\N{REPLACEMENT CHARACTER}" for char in flat)
    return shown if len(shown) <= width else shown[: width - 1] + "…"
