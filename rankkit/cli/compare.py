"""``rankkit compare``: which of several systems is better, by how much, at what cost, how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.progress import TaskID
from rich.table import Table
from rich.text import Text

from rankkit.cli.going_on import says_how_to_go_on
from rankkit.cli.output import end, figure, progress_on, remark, stderr, stdout, write_json
from rankkit.cli.parameters import AsJson, argument, flag, number, option
from rankkit.cli.plan import NOT_EXACT
from rankkit.cli.terminal import visible
from rankkit.errors import ConfigError

if TYPE_CHECKING:
    from rankkit.comparison.planning import SystemPlan
    from rankkit.comparison.running import ComparisonProgress, OnComparisonProgress


def compare(
    experiment: Annotated[Path, argument(help="The experiment: a .toml or .json file (docs/comparing.md).")],
    *,
    out: Annotated[Path | None, option("--out", "-o", help="A folder for the reports and runs.")] = None,
    limit: Annotated[
        int | None, number("--limit", help="Only the first N queries of each data set.", minimum=1)
    ] = None,
    jobs: Annotated[int, number("--jobs", "-j", help="So many systems at once.", minimum=1)] = 1,
    store: Annotated[Path | None, option("--store", help="The run store. Default: the file's, or your own.")] = None,
    plan: Annotated[bool, flag("--plan", help="Tell calls, tokens, seconds and cost; rank nothing.")] = False,
    calibrate: Annotated[
        bool, flag("--calibrate", off="--no-calibrate", help="With --plan: time a few calls of each local model.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Compare systems on judged data: figures with intervals and tests, cost beside quality, reports in a folder."""
    if plan:
        if out is not None:
            raise ConfigError("--plan ranks nothing, so there is nothing for --out")
        from rankkit.comparison.planning import plan_comparison

        _show_plan(plan_comparison(experiment, limit=limit, store=store, calibrated=calibrate), as_json=as_json)
        return
    from rankkit.comparison.running import compare as run

    with says_how_to_go_on() as going, _bars() as progress:
        comparison = run(experiment, out=out, limit=limit, jobs=jobs, store=store, progress=going.watched(progress))
    if as_json:
        write_json(comparison.to_dict())
    else:
        stdout().print(comparison.table())
    if out is not None:
        remark(f"Reports: {out / 'report.html'} (and .json, .md, .tex, .csv; runs in {out / 'runs'})")
    figures = [one for system in comparison.systems for one in system.figures]
    end(trouble=any(one.conduct.failures or one.conduct.late for one in figures))


@contextmanager
def _bars() -> Iterator[OnComparisonProgress]:
    """A bar for each system on each data set, and one for all together, on stderr."""
    tasks: dict[tuple[str, str], TaskID] = {}
    with progress_on(stderr()) as bars:
        whole = bars.add_task("all systems", total=None)

        def advance(now: ComparisonProgress) -> None:
            key = (now.system, now.data)
            if key not in tasks:
                tasks[key] = bars.add_task(visible(f"{now.system} on {now.data}"), total=now.total)
            bars.update(tasks[key], completed=now.done)
            bars.update(whole, total=now.all_total, completed=now.all_done)

        yield advance


_COLUMNS = {
    "rankings": "rankings",
    "stored": "in the store",
    "calls": "calls ~",
    "calls_at_most": "≤",
    "input_tokens_expected": "tokens in ~",
    "output_tokens_expected": "out ~",
    "seconds_estimated": "seconds ~",
    "cost_expected": "cost ~",
    "exact": "exact",
}


def _show_plan(plans: Sequence[SystemPlan], *, as_json: bool) -> None:
    rows = [one.to_dict() for one in plans]
    if as_json:
        write_json({"systems": rows, "together": {key: _sum(rows, key) for key in _COLUMNS if key != "exact"}})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("system")
    for title in _COLUMNS.values():
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(Text(visible(str(row["system"]))), *(figure(row.get(key)) for key in _COLUMNS))
    table.add_row(Text("together", style="bold"), *(figure(_sum(rows, key)) for key in _COLUMNS if key != "exact"), "")
    stdout().print(table)
    if not all(row.get("exact", True) for row in rows):
        stderr().print(NOT_EXACT, style="dim", soft_wrap=True)


def _sum(rows: Sequence[dict[str, object]], key: str) -> float | int | None:
    """``None`` where one system's share is not known; systems that compute nothing have none."""
    values = [row[key] for row in rows if key in row]
    known = [value for value in values if isinstance(value, int | float)]
    return sum(known) if len(known) == len(values) else None
