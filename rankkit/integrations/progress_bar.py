"""A progress bar on the terminal, for callers who ask for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rankkit.core.execution import OnProgress, Progress


@contextmanager
def progress_bar(words: str, total: int) -> Iterator[OnProgress]:
    """``progress`` for a ranking of ``total`` texts, shown on standard error and gone when it is over."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(words, total=total)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.answered)

        yield show
