"""What a comparison found, as plain values: every report is made from them and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Literal

from rankkit.comparison.statistics import Difference, Interval
from rankkit.core.usage import Usage

#: What the figures over several data sets together stand under.
ALL_DATA = "all data sets"

#: Characters of a document's text that a comparison keeps for its report.
SHOWN_TEXT = 700

#: What stands behind a system's orders.
SystemKind = Literal["reranker", "replay", "first stage", "run"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What the rankings of one system over one data set cost when they were computed, then or in an earlier run.

    ``seconds`` adds up each request's own time, ``seconds_p50`` and ``seconds_p95`` are its median and 95th percentile
    a query (``timed`` is false where they are not the model's: a replay); ``pairs`` counts the reranked candidates.
    """

    usage: Usage
    seconds: float
    seconds_p50: float
    seconds_p95: float
    pairs: int
    questions: int
    sequential_rounds: int
    timed: bool = True

    def to_dict(self) -> dict[str, object]:
        return {
            "seconds": self.seconds if self.timed else None,
            "seconds_p50": self.seconds_p50 if self.timed else None,
            "seconds_p95": self.seconds_p95 if self.timed else None,
            "pairs": self.pairs,
            "questions": self.questions,
            "sequential_rounds": self.sequential_rounds,
            "calls": self.usage.calls,
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
            "cached_tokens": self.usage.cached_tokens,
            "cost": self.usage.cost,
        }


@dataclass(frozen=True, slots=True)
class Conduct:
    """What the steps of a system's rankings say, added up. ``malformed_share`` is the share of the answers that had to
    be repaired or could not be used; ``None`` where nothing was asked. ``diagnostics`` are means over queries.
    """

    outcomes: Mapping[str, int] = field(default_factory=dict)
    defects: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    stopped: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    late: int = 0
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    fingerprints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def malformed_share(self) -> float | None:
        answered = sum(self.outcomes.get(kind, 0) for kind in ("ok", *_MALFORMED))
        return sum(self.outcomes.get(kind, 0) for kind in _MALFORMED) / answered if answered else None

    def to_dict(self) -> dict[str, object]:
        return {
            "outcomes": dict(self.outcomes),
            "malformed_share": self.malformed_share,
            "defects": dict(self.defects),
            "notes": dict(self.notes),
            "stopped": dict(self.stopped),
            "failures": list(self.failures),
            "late": self.late,
            "diagnostics": dict(self.diagnostics),
            "fingerprints": {stage: dict(prints) for stage, prints in self.fingerprints.items()},
        }


_MALFORMED = ("repaired", "refused", "truncated", "unreadable")


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """One system on one data set. ``per_query`` is measure -> query id -> value; ``judged`` the mean share of judged
    documents among the first ten. ``cost`` is ``None`` where nothing was computed: a run, a first stage. ``stored``
    counts the rankings that were taken from the run store.
    """

    data: str
    measures: Mapping[str, Interval]
    per_query: Mapping[str, Mapping[str, float]]
    judged: float
    cost: Cost | None = None
    conduct: Conduct = field(default_factory=Conduct)
    stored: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemResult:
    """One system on all data sets; ``measures`` are means of the data sets' means, ``figures`` those of each."""

    name: str
    kind: SystemKind
    ranked_by: str
    measures: Mapping[str, Interval]
    figures: tuple[SystemFigures, ...]
    spec: Mapping[str, object] | None = None
    fingerprint: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Of one data set, its figures stand at the top; of several, those of each under ``data``."""
        head: dict[str, object] = {
            "kind": self.kind,
            "ranked_by": self.ranked_by,
            "spec": self.spec,
            "fingerprint": self.fingerprint,
            "measures": _intervals(self.measures),
        }
        if len(self.figures) == 1:
            return head | _figures_dict(self.figures[0])
        by_data = {one.data: {"measures": _intervals(one.measures)} | _figures_dict(one) for one in self.figures}
        costs = [one.cost for one in self.figures if one.cost is not None]
        return head | {"cost": _added(costs).to_dict() if costs else None, "data": by_data}

    @property
    def cost(self) -> Cost | None:
        """Over all data sets; percentiles are of the slowest of them."""
        costs = [one.cost for one in self.figures if one.cost is not None]
        return _added(costs) if costs else None

    @property
    def together(self) -> SystemFigures:
        """Over all data sets: quality is the mean of theirs, cost and conduct their sum. Of one, its figures."""
        if len(self.figures) == 1:
            return self.figures[0]
        return SystemFigures(
            data=ALL_DATA,
            measures=self.measures,
            per_query={},
            judged=fmean(one.judged for one in self.figures),
            cost=self.cost,
            conduct=Conduct(
                outcomes=_summed(one.conduct.outcomes for one in self.figures),
                failures=tuple(failure for one in self.figures for failure in one.conduct.failures),
                late=sum(one.conduct.late for one in self.figures),
            ),
            stored=sum(one.stored for one in self.figures),
        )

    def on(self, data: str) -> SystemFigures:
        """On the data set of this name, or on ``ALL_DATA``.

        Raises:
            KeyError: there is none of this name.
        """
        return {ALL_DATA: self.together, **{one.data: one for one in self.figures}}[data]


@dataclass(frozen=True, slots=True)
class PairResult:
    """A system against another by one measure on one data set, or on several together (``data`` is then ``ALL_DATA``);
    ``p_holm`` is corrected over the whole table.
    """

    system: str
    baseline: str
    measure: str
    data: str
    figures: Difference
    p_holm: float = 1.0

    @property
    def significant(self) -> bool:
        return self.p_holm < 0.05

    def to_dict(self) -> dict[str, object]:
        one = self.figures
        return {
            "system": self.system,
            "baseline": self.baseline,
            "measure": self.measure,
            "data": self.data,
            "difference": one.difference,
            "low": one.low,
            "high": one.high,
            "p": one.p,
            "p_holm": self.p_holm,
            "wins": one.wins,
            "ties": one.ties,
            "losses": one.losses,
            "effect_size": one.effect_size,
            "queries_needed": one.queries_needed,
        }


@dataclass(frozen=True, slots=True)
class DataSummary:
    """A data set that systems were compared on: ``queries`` are judged ones, ``files`` path and sha256."""

    name: str
    queries: int
    measures: Mapping[str, float]
    notes: Mapping[str, int] = field(default_factory=dict)
    files: tuple[Mapping[str, object], ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "queries": self.queries,
            "first_stage": dict(self.measures),
            "notes": dict(self.notes),
            "files": [dict(file) for file in self.files],
        }


@dataclass(frozen=True, slots=True)
class Document:
    """A document as a report shows it; ``grade`` is ``None`` where nobody judged it."""

    text: str
    title: str = ""
    grade: int | None = None


@dataclass(frozen=True, slots=True)
class QueryLists:
    """One query, and the head of each system's list: document id and score (``None`` where the method gives none).

    ``first_stage`` has all candidates' ids in the order that the systems got them; ``documents`` those that are shown.
    """

    data: str
    id: str
    text: str
    first_stage: tuple[str, ...]
    lists: Mapping[str, tuple[tuple[str, float | None], ...]]
    documents: Mapping[str, Document]


@dataclass(frozen=True, slots=True, repr=False)
class ComparisonResult:
    """Systems over data sets: figures, how sure they are, what they cost (``Comparison`` is one that shows itself).

    ``robustness`` is system -> figure -> value, and empty where the experiment asks for none. ``repro`` is what is
    needed to run it again.
    """

    name: str
    measures: tuple[str, ...]
    baseline: str
    data: tuple[DataSummary, ...]
    systems: tuple[SystemResult, ...]
    comparisons: tuple[PairResult, ...]
    queries: tuple[QueryLists, ...] = ()
    robustness: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    repro: Mapping[str, object] = field(default_factory=dict)

    def __getitem__(self, system: str) -> SystemResult:
        return {one.name: one for one in self.systems}[system]

    @property
    def all_data(self) -> tuple[str, ...]:
        """The data sets' names; of several, ``ALL_DATA`` follows them."""
        names = tuple(one.name for one in self.data)
        return (*names, ALL_DATA) if len(names) > 1 else names

    def against(self, system: str, measure: str, data: str | None = None) -> PairResult | None:
        """The comparison of this system with the baseline, where there is one: on this data set, or on all together."""
        wanted = (system, self.baseline, measure, data or self.all_data[-1])
        found = (one for one in self.comparisons if (one.system, one.baseline, one.measure, one.data) == wanted)
        return next(found, None)

    def to_dict(self) -> dict[str, object]:
        """Plain Python for JSON: ``report.json``. Values are not rounded; texts of documents are not in it."""
        return {
            "name": self.name,
            "baseline": self.baseline,
            "measures": list(self.measures),
            "queries": sum(one.queries for one in self.data),
            "data": [one.to_dict() for one in self.data],
            "systems": {one.name: one.to_dict() for one in self.systems},
            "comparisons": [one.to_dict() for one in self.comparisons],
            "robustness": {name: dict(figures) for name, figures in self.robustness.items()},
            "notes": list(self.notes),
            "repro": dict(self.repro),
        }


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)


def _intervals(measures: Mapping[str, Interval]) -> dict[str, object]:
    return {name: {"mean": one.mean, "low": one.low, "high": one.high} for name, one in measures.items()}


def _figures_dict(figures: SystemFigures) -> dict[str, object]:
    return {
        "judged": figures.judged,
        "cost": None if figures.cost is None else figures.cost.to_dict(),
        **figures.conduct.to_dict(),
        "notes_on_data": list(figures.notes),
        "per_query": {name: dict(values) for name, values in figures.per_query.items()},
    }


def _added(costs: list[Cost]) -> Cost:
    total = costs[0]
    for one in costs[1:]:
        total = replace(
            total,
            usage=total.usage + one.usage,
            seconds=total.seconds + one.seconds,
            seconds_p50=max(total.seconds_p50, one.seconds_p50),
            seconds_p95=max(total.seconds_p95, one.seconds_p95),
            pairs=total.pairs + one.pairs,
            questions=total.questions + one.questions,
            sequential_rounds=total.sequential_rounds + one.sequential_rounds,
        )
    return total
