"""What a sweep found as rows of words and in sentences, which each format sets in its own way; and as CSV."""

from __future__ import annotations

import csv
import io

from rankkit.comparison.tuned import AS_IT_IS, Tried, Tuning


def rows(tuning: Tuning) -> list[Tried]:
    """The cheapest first, and of those the best; the config as it is among them."""
    listed = list(tuning.tried)
    if tuning.as_it_is.name == AS_IT_IS:
        listed.append(tuning.as_it_is)
    return sorted(listed, key=lambda one: (one.cost is None, one.cost or 0.0, -one.quality.mean))


def head(tuning: Tuning) -> tuple[str, ...]:
    """The titles of ``cells``, without that of the mark."""
    return "combination", tuning.measure, "95 %", f"{tuning.unit} a query", "", "best in", "folds"


def cells(tuning: Tuning, one: Tried) -> tuple[str, ...]:
    """A row's words: a mark at what was chosen, then what ``head`` names."""
    quality = one.quality
    unchanged = one.name == tuning.as_it_is.name and one.name != AS_IT_IS
    swept = one.name != AS_IT_IS
    return (
        "→" if one.chosen else "",
        one.name + (f" ({AS_IT_IS})" if unchanged else ""),
        f"{quality.mean:.4f}",
        "" if quality.low is None or quality.high is None else f"{quality.low:.3f}–{quality.high:.3f}",
        "–" if one.cost is None else f"{one.cost:.4g}",
        "front" if one.on_front else "dominated" if swept and one.cost is not None else "",
        f"{one.best_share:.0%}" if swept else "",
        str(one.folds) if swept else "",
    )


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
