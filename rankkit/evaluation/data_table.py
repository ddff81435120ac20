"""A check of data, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rankkit.data.findings import Problem, Severity
from rankkit.evaluation.data_report import DataReport

_STYLES: Mapping[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "dim"}

Row: TypeAlias = tuple[str, str]


def data_table(report: DataReport) -> Group:
    """Files, counts, texts and problems, the worst of these first."""
    parts: list[RenderableType] = [_pairs(_counts(report)), Text(), _texts(report), Text(), Text(verdict(report))]
    if report.problems:
        parts.append(_problems(report.problems))
    return Group(Text(report.data, style="bold"), *parts)


def verdict(report: DataReport) -> str:
    """How many problems of each severity there are, in a line."""
    counts = {severity: report.count(severity) for severity in _STYLES}
    said = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    if not said:
        return "Nothing is wrong."
    return f"{', '.join(said)}{'' if report.ok else ': an evaluation will not take this data'}"


def _pairs(rows: Iterator[Row]) -> Table:
    # Text, not str: an id must not be read as rich's markup.
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, words in rows:
        table.add_row(Text(name), Text(words))
    return table


def _counts(report: DataReport) -> Iterator[Row]:
    for file in report.files:
        yield file.role, f"{file.path.name}, {file.bytes:,} bytes"
    queries = report.queries
    yield "judged queries", f"{queries.judged:,} of {queries.all:,}"
    if report.grades:
        grades = ", ".join(f"{count:,} of grade {grade}" for grade, count in report.grades.items())
        yield "grades", grades
    if report.candidates is not None and report.candidates.per_query:
        found, size = report.candidates, report.candidates.per_query
        yield "candidates", f"{found.all:,}, of {found.documents:,} documents"
        yield "a query", f"{size['min']:g} to {size['max']:g}, median {size['median']:g}"
        yield "judged", ", ".join(f"{share:.1%} of the first {depth}" for depth, share in found.judged_share.items())
        if found.recall is not None:
            yield "relevant", f"{found.relevant_found:,} of {found.relevant:,} are candidates ({found.recall:.1%})"
    if report.first_stage:
        yield "first stage", ", ".join(f"{name} {value:.4f}" for name, value in report.first_stage.items())
    if report.corpus is not None:
        yield "documents", f"{report.corpus.documents:,}"


def _texts(report: DataReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("texts")
    for name in ("", "median", "p99", "longest", "scripts"):
        table.add_column(f"{name}", justify="left" if name == "scripts" else "right")
    for what, facts in report.texts.items():
        if facts.texts:
            scripts = ", ".join(f"{name} {count / facts.texts:.1%}" for name, count in facts.scripts.items())
            lengths = [f"{facts.lengths[name]:,}" for name in ("median", "p99", "max")]
            table.add_row(what, f"{facts.texts:,}", *lengths, Text(scripts))
    table.caption, table.caption_justify = "lengths in characters", "left"
    return table


def _problems(problems: tuple[Problem, ...]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for problem in problems:
        style = _STYLES[problem.severity]
        table.add_row(Text(problem.severity, style=style), f"{problem.count:,}", Text(problem.words))
        for example in problem.examples:
            table.add_row("", "", Text(f"  {example}", style="dim"))
    return table
