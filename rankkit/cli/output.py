"""Where words go: data on stdout, everything for a person's eye on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from rankkit.cli.terminal import UNSAFE, Output, SafeConsole, visible
from rankkit.core import execution
from rankkit.core.explanation import Explanation
from rankkit.core.ranking import Ranking, clip
from rankkit.data.plain import plain

#: Rows for a pipe or a file are never folded or cut to somebody's window.
_NO_WINDOW = 100_000


def stdout() -> Console:
    console = SafeConsole("stdout")
    return console if console.is_terminal else SafeConsole("stdout", width=_NO_WINDOW)


def stderr() -> Console:
    return SafeConsole("stderr")


def say(words: object) -> None:
    """A line on stdout as it is, not folded to a window."""
    Output("stdout").write(f"{visible(str(words))}\n")


def remark(words: object, style: str | None = None) -> None:
    """A line on stderr as it is, not folded to a window."""
    stderr().print(str(words), style=style, soft_wrap=True)


def write_json(data: object) -> None:
    """Any value, as JSON that every parser reads: in ASCII where stdout is not UTF-8, and with escapes for whatever
    would control a terminal.
    """
    out = Output("stdout")
    unicode = out.encoding.lower().replace("_", "-").startswith("utf")
    text = json.dumps(plain(data), ensure_ascii=not unicode, indent=2, allow_nan=False)
    # Line feeds and spaces aside, all of them are inside strings.
    out.write(UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def figure(value: object) -> str:
    """A number in a table, or whether something is so; ``-`` for what is not known."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}"


def progress_on(console: Console, *columns: ProgressColumn) -> Progress:
    """A bar that is gone when done, and that is not there where the console is no terminal. Without ``columns``: the
    description, how many of how many, and the time left.
    """
    usual = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),  # names of systems, models and files are anything
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # Rich would put itself in place of sys.stdout and sys.stderr, which the console writes to.
    return Progress(
        *(columns or usual),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    )


@contextmanager
def progress_bar(words: str) -> Iterator[execution.OnProgress]:
    """A bar over requests, on stderr, gone when done; nothing where stderr is not a terminal."""
    console = stderr()
    with progress_on(console) as bar:
        task = bar.add_task(words, total=None)

        def advance(event: execution.Progress) -> None:
            bar.update(task, total=event.total, completed=event.done, description=f"{words}, {event.answered} answers")

        yield advance


def ranking_table(ranking: Ranking, *, was: bool = True, title: str = "") -> Table:
    """Rank, score, where the document came from (``was``: its rank before), its words."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", justify="right")
    table.add_column("was", justify="right", style="dim")
    if ranking.scores is not None:
        table.add_column(ranking.score_kind.value if ranking.score_kind else "score", justify="right")
    table.add_column("id", no_wrap=True)
    table.add_column("document", overflow="ellipsis", no_wrap=True)
    room = document_room(ranking)
    for row in ranking:
        cells = [str(row.rank), _moved(row.index + 1, row.rank) if was else str(row.index + 1)]
        if ranking.scores is not None:
            cells.append("" if row.score is None else f"{row.score:.4f}")
        table.add_row(*cells, Text(visible(row.candidate.id)), Text(clip(row.candidate.content, room)))
    return table


def document_room(ranking: Ranking) -> int:
    """Columns that ranks, scores and ids leave for the documents' words."""
    longest_id = max((len(row.candidate.id) for row in ranking), default=0)
    return max(20, stdout().width - longest_id - 26)


def ranking_dict(ranking: Ranking) -> dict[str, object]:
    """A ranking with its documents' words.

    ``index`` of a row is its place in what came in, from 0; ``first_stage_score`` is the score that it came in with.
    """
    rows = [
        {
            **row.numbers(raw=ranking.calibrated_by is not None),
            "first_stage_score": row.candidate.score,
            "text": row.candidate.text,
            "title": row.candidate.title,
            "metadata": dict(row.candidate.metadata),
        }
        for row in ranking
    ]
    return {**ranking.to_dict(), "results": rows}


def explained(ranking: Ranking, document: str | None) -> Explanation | None:
    """What each stage made of a document that was asked for: by id, or else by rank.

    Raises:
        InputError: there is no such document.
    """
    if document is None:
        return None
    ids = {candidate.id for candidate in ranking.request.candidates}
    by_rank = document not in ids and document.isascii() and document.isdigit()
    return ranking.explain(int(document) if by_rank else document)


def _moved(was: int, now: int) -> str:
    arrow = "↑" if now < was else "↓" if now > was else " "
    return f"{was}{arrow}"


def bill_line(ranking: Ranking) -> str:
    """One line on what the ranking cost, and whatever was not plain sailing."""
    usage = ranking.usage
    seconds = sum(step.seconds for step in ranking.steps)
    words = [f"{len(ranking)} documents, {usage.calls} calls, {usage.tokens} tokens, {seconds:.2f} s"]
    words += [f"{note}: {count}" for note, count in ranking.request.notes.items()]
    words += [] if usage.cost is None else [f"money {usage.cost:.4f}"]
    for step in ranking.steps:
        words += [f"{note}: {count}" for note, count in {**step.notes, **step.defects}.items()]
        words += [f"{name}: {count}" for name, count in step.outcomes.items() if name != "ok"]
        words += [*step.failures, *([f"stopped {step.stage}: {step.stopped}"] if step.stopped else [])]
        words += [f"skipped {step.stage}: {step.skipped}"] if step.skipped else []
    return " · ".join(words)


def troubled(ranking: Ranking) -> bool:
    """Whether a call failed or time ran out. Another limit that was reached is what was asked for."""
    return any(step.failures or step.late for step in ranking.steps)


def end(*, trouble: bool) -> None:
    """With the result printed: exit 7 where there was trouble, so that no script takes it for the whole."""
    if trouble:
        stderr().print("Some calls failed or ran out of time: there the order before them was kept.", style="yellow")
        raise SystemExit(7)
