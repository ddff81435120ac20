"""The result of an evaluation, as a value: what the order is worth, what it was worth before, and what that cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rankkit.core.ranking import usage_to_dict
from rankkit.core.usage import Usage


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a stage could not do for a query, and why."""

    query: str
    stage: str
    why: str

    def __str__(self) -> str:
        return f"query {self.query}, {self.stage}: {self.why}"


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Means over ``queries`` judged queries, for the reranked order (``measures``) and for the first stage.

    ``first_stage`` is empty where the data has no candidates. ``pairs`` counts the candidates that were reranked,
    ``seconds`` is the time on the clock for all of them together (loading not included); both are 0 for a run that
    was read from a file. ``outcomes``, ``defects``, ``notes`` and ``stopped`` add up what the steps of the rankings
    say, as do ``questions`` and ``rounds``; ``diagnostics`` has the mean over queries of each figure; ``data_notes``
    says what was left out of the data. ``failures`` has each one, and ``stops`` each stage that a limit ended early
    for a query (``late``: how many by one of time). ``per_query`` is measure -> query id -> value. ``fingerprints`` are
    those of prompt and model of each stage, ``tag`` is what somebody called the run, and ``unwritten`` says why its
    file could not be written, where it could not. ``reordered`` has the reports on the same candidates reversed or
    shuffled, where these were asked for: a reranker that repeats the order it is given is found out there.
    """

    data: str
    ranked_by: str
    measures: Mapping[str, float]
    first_stage: Mapping[str, float]
    queries: int
    per_query: Mapping[str, Mapping[str, float]]
    first_stage_per_query: Mapping[str, Mapping[str, float]]
    pairs: int = 0
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    defects: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    stopped: Mapping[str, int] = field(default_factory=dict)
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    questions: int = 0
    sequential_rounds: int = 0
    failures: tuple[Trouble, ...] = ()
    stops: tuple[Trouble, ...] = ()
    late: int = 0
    data_notes: Mapping[str, int] = field(default_factory=dict)
    fingerprints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reordered: Mapping[str, EvaluationReport] = field(default_factory=dict)
    tag: str = ""
    unwritten: str = ""

    @property
    def troubled(self) -> bool:
        """Whether anything failed, or was late, on any order of the candidates."""
        return bool(self.failures or self.late) or any(one.troubled for one in self.reordered.values())

    @property
    def pairs_per_second(self) -> float | None:
        """Throughput in (query, document) pairs; ``None`` where nothing was reranked."""
        return self.pairs / self.seconds if self.pairs and self.seconds > 0 else None

    def to_dict(self) -> dict[str, object]:
        """Plain Python for JSON. Values of measures are not rounded."""
        return {
            "data": self.data,
            "ranked_by": self.ranked_by,
            "measures": dict(self.measures),
            "first_stage": dict(self.first_stage),
            "queries": self.queries,
            "pairs": self.pairs,
            "seconds": round(self.seconds, 4),
            "pairs_per_second": self.pairs_per_second and round(self.pairs_per_second, 2),
            "usage": usage_to_dict(self.usage),
            "outcomes": dict(self.outcomes),
            "defects": dict(self.defects),
            "notes": dict(self.notes),
            "stopped": dict(self.stopped),
            "diagnostics": dict(self.diagnostics),
            "questions": self.questions,
            "sequential_rounds": self.sequential_rounds,
            "failures": [str(trouble) for trouble in self.failures],
            "stops": [str(trouble) for trouble in self.stops],
            "late": self.late,
            "data_notes": dict(self.data_notes),
            "tag": self.tag,
            "fingerprints": {stage: dict(prints) for stage, prints in self.fingerprints.items()},
            "reordered": {name: one.to_dict() for name, one in self.reordered.items()},
            "unwritten": self.unwritten or None,
            "per_query": {name: dict(values) for name, values in self.per_query.items()},
            "first_stage_per_query": {name: dict(values) for name, values in self.first_stage_per_query.items()},
        }
