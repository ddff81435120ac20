"""``rankkit data check | convert``: data sets looked into, and written in another format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from rankkit.cli.output import progress_on, say, stderr, stdout, write_json
from rankkit.cli.parameters import AsJson, argument, branch, flag, number, option
from rankkit.cli.terminal import visible
from rankkit.errors import DataError

data_app = branch("data", "Check data sets, and convert them between the formats of the field.")

Folder = Annotated[Path, argument(help="A folder with queries, judgements, candidates (docs/evaluation.md).")]
Split = Annotated[str | None, option("--split", help="Of several splits in the folder, this one: test, dev, train.")]

#: Of so many texts, the bar is told of one.
_SELDOM = 100


@data_app.command
def check(
    folder: Folder,
    /,
    *,
    split: Split = None,
    depth: Annotated[int | None, number("--depth", help="How deep a reranker will look: 100.", minimum=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what there is in a data set, what its first stage is worth, and all that is wrong with it."""
    from rankkit.evaluation.data_check import check_data
    from rankkit.evaluation.data_table import data_table

    with _reading() as on_read:
        report = check_data(folder, split=split, depth=depth, on_read=on_read)
    if as_json:
        write_json(report.to_dict())
    else:
        stdout().print(data_table(report))
    if not report.ok:
        raise SystemExit(DataError.exit_code)


@data_app.command
def convert(
    folder: Folder,
    out: Annotated[Path, argument(help="The folder that is made.")],
    /,
    *,
    to: Annotated[Literal["rankkit", "rankllm", "beir", "trec", "msmarco"], option("--to", help="The format.")],
    split: Split = None,
    run: Annotated[Path | None, option("--run", help="Candidates from this TREC run.")] = None,
    overwrite: Annotated[bool, flag("--overwrite", help="Replace a data set that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a data set in another format, whole or not at all; say what that format cannot hold."""
    from rankkit.data.conversion import convert as written

    with _reading() as on_read:
        done = written(folder, out, to, split=split, run=run, overwrite=overwrite, on_read=on_read)
    if as_json:
        write_json(done.to_dict())
        return
    counts = ", ".join(f"{count:,} {what}" for what, count in done.written.items())
    say(f"{out}: {counts}")
    for path in done.files:
        say(f"  {path.relative_to(out).as_posix()}")
    for words, count in done.notes.items():
        say(f"note: {words}: {count:,}")
    if done.lost:
        say(f"{to} cannot hold:")
    for words, count in done.lost.items():
        say(f"  {words}: {count:,}")


@contextmanager
def _reading() -> Iterator[Callable[[str, int], None]]:
    """What is being read, on stderr; nothing where that is no terminal."""
    with progress_on(
        stderr(), SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    ) as bar:
        task = bar.add_task("", total=None)

        def advance(name: str, done: int) -> None:
            if done % _SELDOM == 0:
                bar.update(task, description=f"{visible(name)}: {done:,}")

        yield advance
