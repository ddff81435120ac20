"""What the script of an HTML report reads: figures and lists of queries, as JSON that is safe inside a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rankkit.comparison.outputs.html_json import safe_json
from rankkit.comparison.outputs.html_lists import Key, clipped, lists_for_page, shown_lists
from rankkit.comparison.result import ALL_DATA, ComparisonResult, Cost, SystemResult
from rankkit.comparison.statistics import Interval

#: At how many characters the text of a query is clipped.
QUERY_LENGTH = 500


@dataclass(frozen=True, slots=True)
class View:
    """What the report shows at a time: one data set, or all of them."""

    name: str
    data: tuple[str, ...]

    @property
    def compared(self) -> str:
        """What its comparisons stand under."""
        return ALL_DATA if len(self.data) > 1 else self.data[0]

    def measures(self, system: SystemResult) -> Mapping[str, Interval]:
        if len(self.data) > 1:
            return system.measures
        return next((one.measures for one in system.figures if one.data in self.data), {})

    def cost(self, system: SystemResult) -> Cost | None:
        if len(self.data) > 1:
            return system.cost
        return next((one.cost for one in system.figures if one.data in self.data), None)


@dataclass(frozen=True, slots=True)
class PageData:
    """``figures`` is one JSON object; ``queries`` has a line of JSON a query, in the order of its figures, ``null``
    where no lists are shown. ``notes`` say in words what of the lists is in the page.
    """

    figures: str
    queries: str
    notes: tuple[str, ...]


def views_of(comparison: ComparisonResult) -> tuple[View, ...]:
    """Of several data sets, all of them together come first."""
    each = tuple(View(one.name, (one.name,)) for one in comparison.data)
    return (View(ALL_DATA.capitalize(), tuple(one.name for one in each)), *each) if len(each) > 1 else each


def page_data(comparison: ComparisonResult) -> PageData:
    texts = {(one.data, one.id): one.text for one in comparison.queries}
    keys = _queries(comparison)
    shown = shown_lists(comparison.queries, _widest_first(comparison, keys))
    names = [system.name for system in comparison.systems]
    places = {data.name: index for index, data in enumerate(comparison.data)}
    figures = {
        "baseline": comparison.baseline,
        "measures": comparison.measures,
        "systems": [{"name": one.name, "kind": one.kind} for one in comparison.systems],
        "data": [one.name for one in comparison.data],
        "together": ALL_DATA,
        "views": [_view(comparison, view) for view in views_of(comparison)],
        "queries": [[places[data], name, clipped(texts.get((data, name), ""), QUERY_LENGTH)] for data, name in keys],
        "values": [
            [_values(system, measure, keys) for system in comparison.systems] for measure in comparison.measures
        ],
        "outcomes": [_outcomes(system) for system in comparison.systems],
        "robustness": {name: dict(one) for name, one in comparison.robustness.items()},
    }
    lines = [safe_json(lists_for_page(key, names, shown)) for key in keys]
    return PageData(safe_json(figures), "\n".join(lines), tuple(shown.notes(len(keys))))


def _queries(comparison: ComparisonResult) -> list[Key]:
    """Each query that has figures or lists, in the order in which they came."""
    measured = (
        (figures.data, query)
        for system in comparison.systems
        for figures in system.figures
        for values in figures.per_query.values()
        for query in values
    )
    known = {one.name for one in comparison.data}
    listed = ((one.data, one.id) for one in comparison.queries)
    return [key for key in dict.fromkeys([*measured, *listed]) if key[0] in known]


def _widest_first(comparison: ComparisonResult, keys: Sequence[Key]) -> list[Key]:
    """Queries on which the systems differ most by the first measure come first."""
    seen: dict[Key, list[float]] = {key: [] for key in keys}
    for system in comparison.systems:
        for figures in system.figures:
            for query, value in figures.per_query.get(comparison.measures[0], {}).items():
                seen.get((figures.data, query), []).append(value)
    return sorted(seen, key=lambda key: min(seen[key], default=0.0) - max(seen[key], default=0.0))


def _values(system: SystemResult, measure: str, keys: Sequence[Key]) -> list[float | None]:
    by_data = {one.data: one.per_query.get(measure, {}) for one in system.figures}
    found = (by_data.get(data, {}).get(query) for data, query in keys)
    return [None if value is None else round(value, 5) for value in found]


def _view(comparison: ComparisonResult, view: View) -> dict[str, object]:
    queries = sum(one.queries for one in comparison.data if one.name in view.data)
    return {
        "name": view.name,
        "data": [index for index, one in enumerate(comparison.data) if one.name in view.data],
        "queries": queries,
        "measures": [
            {name: [one.mean, one.low, one.high] for name, one in view.measures(system).items()}
            for system in comparison.systems
        ],
        "costs": [_cost_a_query(system, view.cost(system), queries) for system in comparison.systems],
    }


def has_seconds(system: SystemResult) -> bool:
    """A replay takes the time of reading its record, which says nothing of the model's."""
    return system.kind != "replay"


def _cost_a_query(system: SystemResult, cost: Cost | None, queries: int) -> dict[str, float | None] | None:
    if cost is None or not queries:
        return None
    return {
        "seconds": cost.seconds / queries if has_seconds(system) else None,
        "calls": cost.usage.calls / queries,
        "tokens": cost.usage.tokens / queries,
        "pairs": cost.pairs / queries,
        "cost": None if cost.usage.cost is None else cost.usage.cost / queries,
    }


def _outcomes(system: SystemResult) -> dict[str, int]:
    added: dict[str, int] = {}
    for figures in system.figures:
        for kind, count in figures.conduct.outcomes.items():
            added[kind] = added.get(kind, 0) + count
    return added
