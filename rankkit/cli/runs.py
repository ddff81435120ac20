"""``rankkit runs list | show | diff | gc``: what the run store holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from rich.text import Text

from rankkit.cli.output import remark, stdout, write_json
from rankkit.cli.parameters import AsJson, argument, branch, flag, number, option
from rankkit.cli.terminal import visible
from rankkit.core.ranking import clip
from rankkit.errors import ConfigError

if TYPE_CHECKING:
    from rankkit.comparison.run_diff import QueryMove, RunDiff
    from rankkit.comparison.runs import RunRow
    from rankkit.comparison.store import RunStore

runs_app = branch(
    "runs", "What comparisons have computed: list runs, look into one, see what two differ in, remove old ones."
)

Store = Annotated[Path | None, option("--store", help="The run store's file. Default: your own.")]
Name = Annotated[str, argument(help="A run's id, the beginning of one, or a system's name (its newest run).")]

#: Columns for a value that changed.
_WORDS = 80


def _open(path: Path | None) -> RunStore:
    from rankkit.comparison.store import RunStore

    return RunStore.open(path, create=False)


@runs_app.command(name="list")
def list_runs(*, store: Store = None, as_json: AsJson = False) -> None:
    """Show all runs, the newest first."""
    with _open(store) as opened:
        rows = opened.runs()
    if as_json:
        write_json([row.to_dict() for row in rows])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("id", "system", "data", "experiment", "began", "queries", ""):
        table.add_column(title, justify="right" if title == "queries" else "left")
    for row in rows:
        table.add_row(*map(Text, _cells(row)))
    stdout().print(table)


def _cells(row: RunRow) -> list[str]:
    state = "" if row.finished else "unfinished"
    if row.failed:
        state = f"{state}, {row.failed} not kept".lstrip(", ")
    names = [clip(name, 40) for name in (row.name, row.data, row.experiment)]
    return [row.id, *names, row.began_at[:16].replace("T", " "), str(row.queries), state]


@runs_app.command
def show(run: Name, *, store: Store = None, as_json: AsJson = False) -> None:
    """Show one run: what the system is, and the head of each of its orders."""
    with _open(store) as opened:
        row = opened.run(run)
        description = opened.description_of(row)
        results = list(opened.rankings_of(row))
    if as_json:
        listed = [
            {
                "query_id": one.query_id,
                "trouble": one.trouble or None,
                "ids": None if one.ranking is None else list(one.ranking.ids),
            }
            for one in results
        ]
        write_json({**row.to_dict(), "system": description, "rankings": listed})
        return
    out = stdout()
    out.print(Text(" · ".join(filter(None, _cells(row))), style="bold"))
    for path, value in _flat(description):
        out.print(Text(f"  {path} = {clip(str(value), 100)}"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("query", "best documents"):
        table.add_column(title)
    for one in results:
        shown = one.trouble if one.ranking is None else ", ".join(one.ranking.ids[:5])
        table.add_row(Text(clip(one.query_id, 40)), Text(clip(shown, 120)))
    out.print(table)


def _flat(value: object, path: str = "") -> list[tuple[str, object]]:
    """A description as lines: ``stages[0].judge.prompt.name``."""
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in _flat(inner, f"{path}.{key}" if path else str(key))]
    if isinstance(value, list):
        return [row for at, inner in enumerate(value) for row in _flat(inner, f"{path}[{at}]")]
    return [(path, value)]


@runs_app.command(name="diff")
def diff_runs(before: Name, after: Name, *, store: Store = None, as_json: AsJson = False) -> None:
    """Show what changed between two runs: in the system, and in the order of each query."""
    from rankkit.comparison.run_diff import diff

    with _open(store) as opened:
        found = diff(opened, before, after)
    if as_json:
        write_json(found.to_dict())
        return
    out = stdout()
    for change in found.changed:
        about = f"  ({change.about})" if change.about else ""
        before_words, after_words = _where_they_differ(_word(change.before), _word(change.after))
        words = f"{change.path}{about}  {clip(before_words, _WORDS)} -> {clip(after_words, _WORDS)}"
        out.print(Text(visible(words)), soft_wrap=True)
    if not found.changed:
        out.print("The two runs are of one system.")
    out.print(Text(f"{len(found.moved)} queries moved, {found.unmoved} did not.{_apart(found)}"))
    for moved in found.moved:
        out.print(Text(_moved(moved)), soft_wrap=True)


def _word(value: object) -> str:
    if isinstance(value, dict) and "kind" in value:  # a whole part: --json has all of it
        return str(value["kind"])
    return "not there" if value is None else repr(value)


def _where_they_differ(before: str, after: str) -> tuple[str, str]:
    """Long texts from shortly before their first difference on: the changed word of a prompt stands far inside."""
    if max(len(before), len(after)) <= _WORDS:
        return before, after
    pairs = enumerate(zip(before, after, strict=False))
    first = next((at for at, (one, other) in pairs if one != other), min(len(before), len(after)))
    start = max(0, first - _WORDS // 3)
    lead = "…" if start else ""
    return f"{lead}{before[start:]}", f"{lead}{after[start:]}"


def _apart(found: RunDiff) -> str:
    lone = len(found.only_before) + len(found.only_after)
    return f" {lone} are in one of the runs only." if lone else ""


def _moved(moved: QueryMove) -> str:
    tau = "" if moved.tau is None else f"tau {moved.tau:.3f}"
    movers = ", ".join(f"{clip(one.id, 30)} {one.before or '-'}→{one.after or '-'}" for one in moved.documents[:4])
    given = "" if moved.same_candidates else " (other candidates)"
    return f"  {clip(moved.query_id, 30)}  {clip(moved.query, 60)}  {tau}{given}  {movers}"


@runs_app.command
def gc(
    *,
    older_than: Annotated[
        float | None, number("--older-than", help="Runs that began so many days ago.", minimum=0)
    ] = None,
    keep_last: Annotated[int | None, number("--keep-last", help="All but the last N runs.", minimum=0)] = None,
    dry_run: Annotated[bool, flag("--dry-run", help="Only say what would be removed.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Remove runs, and results that belong to none."""
    if older_than is None and keep_last is None and not dry_run:
        raise ConfigError("which runs are to go?", hint="Give --older-than DAYS, --keep-last N, or both; or --dry-run.")
    with _open(store) as opened:
        removed = opened.gc(older_than_days=older_than, keep_last=keep_last, dry_run=dry_run)
    if as_json:
        write_json(removed.to_dict())
        return
    verb = "would be removed" if dry_run else "removed"
    remark(f"{len(removed.runs)} runs and {removed.results} results {verb}, {removed.bytes:,} bytes")
