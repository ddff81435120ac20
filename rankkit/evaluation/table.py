"""An evaluation as a table for people."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from rankkit.evaluation.report import EvaluationReport, Trouble

#: Of different reasons, and of the queries that have the same one. All of them are in the JSON.
_SHOWN = 3

#: A deadline is shared out anew for each query: limits of time that differ by milliseconds are the same reason.
_SECONDS = re.compile(r"[0-9.e-]+(?= seconds)")


def report_table(report: EvaluationReport) -> Group:
    """Measures of the first stage and of the reranked order (or run) side by side; below, the bill and troubles."""
    # Text, not str: a name or a failure's words must not be read as rich's markup.
    table = Table()
    table.add_column("measure")
    orders = [f"reranked from {name}" for name in report.reordered]
    for heading in ("first stage", "reranked" if report.pairs else "run", "change", *orders):
        table.add_column(heading, justify="right")
    for name, value in report.measures.items():
        before = report.first_stage.get(name)
        table.add_row(
            Text(name),
            "" if before is None else f"{before:.4f}",
            f"{value:.4f}",
            "" if before is None else f"{value - before:+.4f}",
            *(f"{one.measures[name]:.4f}" for one in report.reordered.values()),
        )
    # Not the table's own title and caption: they would be broken at its width.
    return Group(Text(f"{report.ranked_by} on {report.data}"), table, Text("\n".join(_lines(report))))


def _lines(report: EvaluationReport) -> list[str]:
    usage = report.usage
    lines = [f"{report.queries} queries"]
    if report.pairs_per_second is not None:
        lines[0] += f", {report.pairs} pairs in {report.seconds:.1f} s ({report.pairs_per_second:.1f} pairs/s)"
    if usage.calls:
        cost = "" if usage.cost is None else f", money {usage.cost:.4f}"
        lines.append(
            f"{usage.calls} calls, {usage.input_tokens} input tokens ({usage.cached_tokens} cached), "
            f"{usage.output_tokens} output tokens{cost}"
        )
    if report.questions:
        each = report.questions / max(1, report.queries), report.sequential_rounds / max(1, report.queries)
        lines.append(f"{each[0]:.1f} questions in {each[1]:.1f} rounds a query")
    if report.diagnostics:
        lines.append(", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in report.diagnostics.items()))
    counted = {
        "outcomes": report.outcomes,
        "defects": report.defects,
        "notes": report.notes,
        "data": report.data_notes,
    }
    lines += [f"{what}: {_counts(counts)}" for what, counts in counted.items() if counts]
    lines += [*_troubles("failures", report.failures), *_troubles("stopped early by a limit", report.stops)]
    for name, one in report.reordered.items():
        troubles = [*_troubles("failures", one.failures), *_troubles("stopped early by a limit", one.stops)]
        lines += [f"{name}: {words}" for words in troubles]
    return lines


def _troubles(what: str, troubles: Sequence[Trouble]) -> list[str]:
    """Those for the same reason on one line, the most frequent first."""
    groups: defaultdict[str, list[Trouble]] = defaultdict(list)
    for trouble in troubles:
        groups[_SECONDS.sub("…", f"{trouble.stage}: {trouble.why}")].append(trouble)
    if not groups:
        return []
    first = sorted(groups.items(), key=lambda item: -len(item[1]))[:_SHOWN]
    left = len(troubles) - sum(len(group) for _, group in first)
    lines = [f"  {_reason(words, group)} ({_queries(group)})" for words, group in first]
    return [f"{len(troubles)} {what}:", *lines, *([f"  ... and {left} more, for other reasons"] if left else [])]


def _reason(words: str, group: Sequence[Trouble]) -> str:
    return f"{group[0].stage}: {group[0].why}" if len({trouble.why for trouble in group}) == 1 else words


def _queries(group: Sequence[Trouble]) -> str:
    names = list(dict.fromkeys(trouble.query for trouble in group))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (f"{len(names)} queries: " if len(names) > 1 else "query ") + ", ".join(names[:_SHOWN]) + more


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {words}" for words, count in counts.items())
