"""What a sweep found, as a table for a terminal, and as a folder of files."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rankkit.comparison.outputs.folder import write_reports
from rankkit.comparison.outputs.tuned_page import to_html
from rankkit.comparison.outputs.tuned_rows import cells, head, rows, summary, to_csv
from rankkit.comparison.tuned import Tuning
from rankkit.core.ranking import clip
from rankkit.errors import DataError

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Which makes a folder one of ours.
_OURS = "tuning.json"


def check_folder(path: Path) -> None:
    """Make the folder, before anything is computed.

    Raises:
        DataError: it is a file, cannot be made, or holds something else than a tuning.
    """
    if path.is_dir() and any(path.iterdir()) and not (path / _OURS).exists():
        raise DataError(
            f"{path}: the folder holds something else than the files of a tuning", hint="Give another one, or empty it."
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be made ({error.strerror or error})", hint="Give another folder.") from error


def write_tuning(tuning: Tuning, path: Path) -> None:
    """``tuning.json``, ``tuning.csv``, ``chosen.toml`` and ``tuning.html``: all of them, or all as they were before.

    Raises:
        DataError: one cannot be written.
        ConfigError: TOML has no word for a value of the chosen config.
        MissingExtra: what draws the plot is not installed; the other files are there.
    """
    texts: dict[str, Callable[[Tuning], str]] = {
        _OURS: lambda one: json.dumps(one.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        "tuning.csv": to_csv,
        "chosen.toml": Tuning.to_toml,
        "tuning.html": to_html,
    }
    write_reports(path, {name: partial(text_of, tuning) for name, text_of in texts.items()})


def tuning_table(tuning: Tuning) -> RenderableType:
    """Quality against cost, then what was chosen and how sure that is: for ``rich.print``."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for number, title in enumerate(head(tuning)):
        table.add_column(title, justify="right" if number else "left")
    for one in rows(tuning):
        mark, name, *figures = cells(tuning, one)
        table.add_row(
            mark, Text(clip(name, 100)), *figures, style="bold" if one.chosen else "" if one.on_front else "dim"
        )
    lines = [Text(clip(words, 300)) for words in summary(tuning)]
    notes = [Text(f"! {clip(words, 200)}", style="yellow") for words in tuning.notes[:8]]
    return Group(table, Text(""), *lines, *notes)
