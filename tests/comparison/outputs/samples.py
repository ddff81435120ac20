"""Comparisons made by hand, of any size: figures, lists and texts follow from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from statistics import fmean

from rankkit.comparison.comparison import Comparison
from rankkit.comparison.result import (
    ALL_DATA,
    Conduct,
    Cost,
    DataSummary,
    Document,
    PairResult,
    QueryLists,
    SystemFigures,
    SystemResult,
)
from rankkit.comparison.statistics import Difference, Interval
from rankkit.core.usage import Usage

MEASURES = ("nDCG@10", "RR@10")
#: What must never become part of the page: a script that would run, an image that would be fetched, a broken string.
HOSTILE = (
    '<img src=x onerror="window.harmed=1">',
    "</script><script>window.harmed=1</script>",
    "<!--<script>",
    "a & b \u2028\u2029 \x00\x07 \ud800 $title ${style}",
    '"><svg onload="window.harmed=1">',
)


def comparison(
    *,
    systems: Sequence[str] = ("bm25", "minilm", "vicuna"),
    queries: int = 12,
    data: Sequence[str] = ("dl19",),
    depth: int = 5,
    text: str = "A passage about the query, long enough to fill a line or two of the report. ",
    words: Sequence[str] = (),
    robustness: Mapping[str, Mapping[str, object]] | None = None,
    **others: object,
) -> Comparison:
    """``words`` go wherever a text, an id or a name comes from data."""
    results = tuple(_system(name, place, data, queries) for place, name in enumerate(systems))
    lists = tuple(_lists(name, number, systems, depth, text, words) for name in data for number in range(queries))
    given: dict[str, object] = {
        "name": " ".join(["A comparison", *words]),
        "measures": MEASURES,
        "baseline": systems[0],
        "data": tuple(
            DataSummary(name, queries, {}, files=({"path": f"{name}/qrels", "sha256": "0" * 64},)) for name in data
        ),
        "systems": results,
        "comparisons": tuple(
            _pair(results[place], results[0], measure, name)
            for name in (*data, *([ALL_DATA] if len(data) > 1 else []))
            for place in range(1, len(systems))
            for measure in MEASURES
        ),
        "queries": lists,
        "robustness": robustness or {},
        "notes": ("two queries are not judged", *words),
        "repro": {
            "rankkit": "0.9",
            "seed": 7,
            "command": "rankkit compare x.toml",
            "files": [{"path": "x", "sha256": "f" * 64}],
        },
    }
    return Comparison(**{**given, **others})


def robust(system: str) -> dict[str, object]:
    """Figures of robustness, as ``rankkit.comparison.robustness`` gives them."""
    rng = random.Random(system)
    favoured = [rng.random() / 10 for _ in range(20)]
    return {
        "position_bias": 0.31,
        "spread": {measure: {"original": 0.51, "low": 0.44, "high": 0.55} for measure in MEASURES},
        "tau": 0.71,
        "input_tau": 0.22,
        "favoured": [share / sum(favoured) for share in favoured],
        "expected": [0.05] * 20,
        "repeated_equal": 1.0,
    }


def _system(name: str, place: int, data: Sequence[str], queries: int) -> SystemResult:
    figures = tuple(_figures(name, one, place, queries) for one in data)
    means = {measure: fmean(one.measures[measure].mean for one in figures) for measure in MEASURES}
    return SystemResult(
        name=name,
        kind="reranker" if place else "first stage",
        ranked_by=f"Reranker({name})",
        measures={measure: Interval(mean, mean - 0.04, mean + 0.05) for measure, mean in means.items()},
        figures=figures,
        spec={"model": name} if place else None,
        fingerprint=f"{place:064x}" if place else None,
    )


def _figures(name: str, data: str, place: int, queries: int) -> SystemFigures:
    rng = random.Random(repr((name, data)))
    values = {
        measure: {f"q{number}": min(1.0, max(0.0, rng.gauss(0.45 + 0.06 * place, 0.2))) for number in range(queries)}
        for measure in MEASURES
    }
    means = {measure: fmean(found.values()) for measure, found in values.items()}
    seconds = 0.03 * 12**place
    cost = Cost(
        usage=Usage(queries * 7 * place, queries * 900 * place, queries * 40, cost=0.01 * place if place > 1 else None),
        seconds=seconds * queries,
        seconds_p50=seconds,
        seconds_p95=seconds * 1.8,
        pairs=queries * 100,
        questions=queries * 9,
        sequential_rounds=queries * 2,
    )
    conduct = Conduct({"ok": 90, "repaired": 8, "refused": 2}, {"missing": 5}, failures=("query q3: it ended",))
    return SystemFigures(
        data=data,
        measures={measure: Interval(mean, mean - 0.06, mean + 0.06) for measure, mean in means.items()},
        per_query=values,
        judged=0.83,
        cost=cost if place else None,
        conduct=conduct if place else Conduct(),
    )


def _pair(system: SystemResult, baseline: SystemResult, measure: str, data: str) -> PairResult:
    parts = [
        (one.per_query[measure], other.per_query[measure])
        for one, other in zip(system.figures, baseline.figures, strict=True)
        if data in (one.data, ALL_DATA)
    ]
    gains = [own[query] - other[query] for own, other in parts for query in own]
    wins, losses = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    mean = fmean(gains)
    figures = Difference(mean, mean - 0.05, mean + 0.05, 0.012, wins, len(gains) - wins - losses, losses, 0.4, 52)
    return PairResult(system.name, baseline.name, measure, data, figures, 0.024 if mean > 0.05 else 0.4)


def _lists(data: str, number: int, systems: Sequence[str], depth: int, text: str, words: Sequence[str]) -> QueryLists:
    rng = random.Random(f"{data}/{number}")
    hostile = words[number % len(words)] if words else ""
    candidates = [f"d{number}-{place}{hostile}" for place in range(depth * 2)]
    documents = {
        name: Document(f"{hostile}{text}{name}", f"{hostile}title" if place % 2 else "", rng.choice([None, 0, 1, 2, 3]))
        for place, name in enumerate(candidates)
    }
    lists = {}
    for place, system in enumerate(systems):
        order = rng.sample(candidates, depth) if place else candidates[:depth]
        lists[system] = tuple((name, None if place == 2 else 9.0 - rank) for rank, name in enumerate(order))
    return QueryLists(data, f"q{number}", f"{hostile}what is query {number}?", tuple(candidates), lists, documents)
