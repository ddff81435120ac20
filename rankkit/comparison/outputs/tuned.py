"""What a sweep found, as a table for a terminal, as CSV, and as a folder of files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rankkit.comparison.outputs.tuned_plot import to_html
from rankkit.comparison.tuned import AS_IT_IS, Tried, Tuning
from rankkit.core.ranking import clip
from rankkit.data.written import replaced
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
    """``tuning.json``, ``tuning.csv``, ``chosen.toml`` and ``tuning.html``, each whole or as it was before.

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
    for name, text_of in texts.items():
        with replaced(path / name) as file:
            file.write(text_of(tuning).encode())


def rows(tuning: Tuning) -> list[Tried]:
    """The cheapest first, and of those the best; the config as it is among them."""
    listed = list(tuning.tried)
    if tuning.as_it_is.name == AS_IT_IS:
        listed.append(tuning.as_it_is)
    return sorted(listed, key=lambda one: (one.cost is None, one.cost or 0.0, -one.quality.mean))


def to_csv(tuning: Tuning) -> str:
    """A row for each combination and one for the config as it is; a column for each key that was swept."""
    keys = list(tuning.tried[0].values)
    plain = ("mean", "low", "high", "cost_a_query", "on_front", "chosen", "best_share", "folds", "failures")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", *keys, *plain])
    for one in rows(tuning):
        told = one.to_dict()
        writer.writerow([one.name, *(one.values.get(key) for key in keys), *(told[key] for key in plain)])
    return out.getvalue()


def tuning_table(tuning: Tuning) -> RenderableType:
    """Quality against cost, then what was chosen and how sure that is: for ``rich.print``."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("combination")
    for title in (tuning.measure, "95 %", f"{tuning.unit} a query", "", "best in", "folds"):
        table.add_column(title, justify="right")
    for one in rows(tuning):
        style = "bold" if one.chosen else "" if one.on_front else "dim"
        quality = one.quality
        unchanged = one.name == tuning.as_it_is.name and one.name != AS_IT_IS
        swept = one.name != AS_IT_IS
        table.add_row(
            "→" if one.chosen else "",
            Text(clip(one.name, 80) + (f" ({AS_IT_IS})" if unchanged else "")),
            f"{quality.mean:.4f}",
            "" if quality.low is None or quality.high is None else f"{quality.low:.3f}–{quality.high:.3f}",
            "–" if one.cost is None else f"{one.cost:.4g}",
            "front" if one.on_front else "dominated" if swept and one.cost is not None else "",
            f"{one.best_share:.0%}" if swept else "",
            str(one.folds) if swept else "",
            style=style,
        )
    lines = [Text(clip(words, 300)) for words in summary(tuning)]
    notes = [Text(f"! {clip(words, 200)}", style="yellow") for words in tuning.notes[:8]]
    return Group(table, Text(""), *lines, *notes)


def summary(tuning: Tuning) -> list[str]:
    """What was chosen, what it promises, and how sure that is, in sentences."""
    choice, gain = tuning.choice, tuning.gain
    held = choice.held_out
    spread = "" if held.low is None else f" ({held.low:.4f} to {held.high:.4f})"
    gained = "" if gain.low is None else f" ({gain.low:+.4f} to {gain.high:+.4f})"
    folds = choice.fold_choices
    return [
        f"Chosen: {choice.chosen}",
        f"{tuning.measure} on held-out queries: {held.mean:.4f}{spread}; on all {tuning.queries}, with which it was "
        f"chosen: {choice.in_sample:.4f} (optimism {choice.optimism:+.4f})",
        f"Against the config as it is, on held-out queries: {gain.difference:+.4f}{gained}, p = {gain.p:.4f}, "
        f"{gain.wins} won, {gain.ties} tied, {gain.losses} lost",
        f"How sure the choice is: the best in {choice.certainty:.0%} of resamples, chosen by "
        f"{folds.count(choice.chosen)} of {len(folds)} folds (seed {tuning.seed})",
    ]
