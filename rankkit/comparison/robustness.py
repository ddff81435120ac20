"""Does the order of the candidates that come in change the order that goes out? And does the same question, put again?

The systems are run over the candidates shuffled, reversed and once more as they are. A system that reads the documents
alone gives one order for all of them; what a language model is shown first, or last, it may favour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean
from typing import Literal

from rankkit.core.extras import require_extra
from rankkit.data.datasets import Dataset
from rankkit.data.reordering import reversed_candidates, shuffled_candidates

with require_extra("eval", "comparing systems"):
    from scipy import stats

Kind = Literal["", "shuffled", "reversed", "repeated"]
Orders = Mapping[str, Sequence[str]]

#: Input positions of a curve; a longer list is put together into so many bins.
_BINS = 20


@dataclass(frozen=True, slots=True)
class Variant:
    """A data set as it is, or varied; ``label`` names it (``""`` for the data as it is), ``repeat`` counts runs."""

    dataset: Dataset
    kind: Kind = ""
    label: str = ""
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class VariedRun:
    """What a system made of a variant: its measures' means, and for each query the ids that went in and came out."""

    variant: Variant
    measures: Mapping[str, float]
    given: Orders
    ranked: Orders
    diagnostics: Mapping[str, float] = field(default_factory=dict)


def variants(
    dataset: Dataset,
    *,
    shuffle: int = 0,
    reverse: bool = False,
    repeat: int = 0,
    seed: int = 0,
    depth: int | None = None,
) -> Iterator[Variant]:
    """The data as it is, then varied. Only the first ``depth`` candidates, those that are reranked, change places."""
    yield Variant(dataset)
    for number in range(1, shuffle + 1):
        yield Variant(shuffled_candidates(dataset, f"{seed}/{number}", depth=depth), "shuffled", f"shuffled {number}")
    if reverse:
        yield Variant(reversed_candidates(dataset, depth=depth), "reversed", "reversed")
    for number in range(1, repeat + 1):
        yield Variant(dataset, "repeated", f"repeated {number}", number)


def robustness(runs: Sequence[VariedRun], *, depth: int | None = None) -> dict[str, object]:
    """Figures of one system on one data set; ``runs`` has that over the data as it is first.

    ``spread`` has, for each measure, the lowest and highest mean over the original, shuffled and reversed candidates;
    ``tau`` is the mean of Kendall's tau between the orders that came out of two of these, over queries (1: the input's
    order has no influence). ``favoured`` is the share of queries whose best document came in at each position, over
    shuffled and reversed candidates, beside ``expected`` for a system without preferences; ``input_tau`` Kendall's tau
    between the order that came in and the one that went out. ``repeated_tau`` and ``repeated_equal`` (the share of
    queries with one and the same order) are of repeated runs. ``position_bias``, ``first_preference`` and ``cycles``
    are what a pairwise judge's answers say of themselves, over shuffled candidates where there are any: there the first
    of a pair is no better than the second.
    """
    moved = [run for run in runs if run.variant.kind in ("shuffled", "reversed")]
    again = [runs[0], *(run for run in runs if run.variant.kind == "repeated")]
    unordered = [run for run in runs if run.variant.kind == "shuffled"] or [runs[0]]
    found: dict[str, object] = {}
    for name in ("position_bias", "first_preference", "cycles"):
        share = _mean_of(run.diagnostics.get(name) for run in unordered)
        found |= {} if share is None else {name: share}
    if moved:
        varied = [runs[0], *moved]
        found["spread"] = {
            name: {
                "original": runs[0].measures[name],
                "low": min(run.measures[name] for run in varied),
                "high": max(run.measures[name] for run in varied),
            }
            for name in runs[0].measures
        }
        found["tau"] = _mean_tau([run.ranked for run in varied], depth)
        found["input_tau"] = _mean_of(
            kendall(run.given[name][:depth], run.ranked[name][:depth]) for run in moved for name in run.ranked
        )
        found |= _favoured([run for run in moved if run.variant.kind == "shuffled"] or moved, depth)
    if len(again) > 1:
        orders = [run.ranked for run in again]
        found["repeated_tau"] = _mean_tau(orders, depth)
        pairs = [(one[name], other[name]) for one, other in combinations(orders, 2) for name in one if name in other]
        found["repeated_equal"] = _mean_of(float(tuple(one) == tuple(other)) for one, other in pairs)
    return found


def kendall(one: Sequence[str], other: Sequence[str]) -> float | None:
    """Kendall's tau between two orders, over the documents that both have; ``None`` for fewer than two."""
    places = {name: place for place, name in enumerate(other)}
    common = [places[name] for name in one if name in places]
    if len(common) < 2:
        return None
    return float(stats.kendalltau(range(len(common)), common).statistic)


def _mean_tau(orders: Sequence[Orders], depth: int | None) -> float | None:
    return _mean_of(
        kendall(one[name][:depth], other[name][:depth])
        for one, other in combinations(orders, 2)
        for name in one
        if name in other
    )


def _mean_of(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _favoured(runs: Sequence[VariedRun], depth: int | None) -> dict[str, object]:
    """At which input position, of at most ``_BINS`` parts of the list, the best document stood."""
    longest = max((len(run.given[name][:depth]) for run in runs for name in run.ranked), default=0)
    bins = min(_BINS, longest)
    counts, expected, total = [0.0] * bins, [0.0] * bins, 0
    for run in runs:
        for name, ranked in run.ranked.items():
            given = list(run.given[name][:depth])
            if not ranked or ranked[0] not in given:
                continue
            total += 1
            counts[given.index(ranked[0]) * bins // longest] += 1
            for place in range(len(given)):
                expected[place * bins // longest] += 1 / len(given)
    if not total:
        return {}
    return {"favoured": [count / total for count in counts], "expected": [share / total for share in expected]}
