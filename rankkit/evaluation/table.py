"""An evaluation as a table for people."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group
from rich.table import Table
from rich.text import Text

from rankkit.evaluation.report import EvaluationReport

_SHOWN_FAILURES = 3


def report_table(report: EvaluationReport) -> Group:
    """Measures of the first stage and of the reranked order (or run) side by side; below, the bill and troubles."""
    # Text, not str: a name or a failure's words must not be read as rich's markup.
    table = Table()
    table.add_column("measure")
    for heading in ("first stage", "reranked" if report.pairs else "run", "change"):
        table.add_column(heading, justify="right")
    for name, value in report.measures.items():
        before = report.first_stage.get(name)
        table.add_row(
            Text(name),
            "" if before is None else f"{before:.4f}",
            f"{value:.4f}",
            "" if before is None else f"{value - before:+.4f}",
        )
    # Not the table's own title and caption: they would be broken at its width.
    return Group(Text(f"{report.ranked_by} on {report.data}"), table, Text("\n".join(_lines(report))))


def _lines(report: EvaluationReport) -> list[str]:
    usage = report.usage
    lines = [f"{report.queries} queries"]
    if report.pairs_per_second is not None:
        lines[0] += f", {report.pairs} pairs in {report.seconds:.1f} s ({report.pairs_per_second:.1f} pairs/s)"
    if usage.calls:
        money = "" if usage.money is None else f", money {usage.money:.4f}"
        lines.append(
            f"{usage.calls} calls, {usage.input_tokens} input tokens ({usage.cached_tokens} cached), "
            f"{usage.output_tokens} output tokens{money}"
        )
    if report.questions:
        each = report.questions / max(1, report.queries), report.rounds / max(1, report.queries)
        lines.append(f"{each[0]:.1f} questions in {each[1]:.1f} rounds a query")
    if report.diagnosis:
        lines.append(", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in report.diagnosis.items()))
    counted = {
        "outcomes": report.outcomes,
        "defects": report.defects,
        "notes": report.notes,
        "stopped early": report.stopped,
        "data": report.data_notes,
    }
    lines += [f"{what}: {_counts(counts)}" for what, counts in counted.items() if counts]
    if report.failures:
        lines.append(f"{len(report.failures)} failures:")
        lines += [f"  {line}" for line in report.failures[:_SHOWN_FAILURES]]
        if len(report.failures) > _SHOWN_FAILURES:
            lines.append(f"  ... and {len(report.failures) - _SHOWN_FAILURES} more")
    return lines


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {words}" for words, count in counts.items())
