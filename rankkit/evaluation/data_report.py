"""What a check of data found, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from rankkit.data.findings import Problem, Severity
from rankkit.data.plain import plain
from rankkit.data.text_facts import TextFacts


@dataclass(frozen=True, slots=True)
class FileFacts:
    """``role`` is what it is read as: judgements, queries, candidates or corpus."""

    role: str
    path: Path
    bytes: int


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """``judged`` have a text and judgements; the next two have one of these only. Of the judged ones,
    ``without_candidates`` have none, and ``without_relevant`` have no document of grade 1 or more.
    """

    all: int = 0
    judged: int = 0
    without_judgements: int = 0
    without_text: int = 0
    without_candidates: int = 0
    without_relevant: int = 0


@dataclass(frozen=True, slots=True)
class CandidateFacts:
    """``all`` and ``documents`` are candidates of all queries, and different documents among them. The others are about
    judged queries: ``per_query`` has min, median and max of those that have candidates, ``judged_share`` the mean share
    of judged documents among the first 10, and the first ``depth``. ``relevant`` documents (grade 1 or more) are
    counted over all judged queries; ``relevant_found`` of them are candidates.
    """

    all: int = 0
    documents: int = 0
    per_query: Mapping[str, float] = field(default_factory=dict)
    judged_share: Mapping[str, float] = field(default_factory=dict)
    relevant: int = 0
    relevant_found: int = 0

    @property
    def recall(self) -> float | None:
        """The share of relevant documents that a reranker can find at all; ``None`` where there are none."""
        return self.relevant_found / self.relevant if self.relevant and self.all else None


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """``empty`` documents have neither a title nor a text; ``documents`` counts the others."""

    documents: int
    empty: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """``grades`` counts judgements by grade; ``first_stage`` has measures of the candidates as they stand, over judged
    queries. ``duplicates`` counts texts that are there again under another id: queries, candidates within one query,
    documents of the corpus. ``texts`` has facts about queries, candidates (each document once) and corpus.
    """

    data: str
    files: tuple[FileFacts, ...]
    depth: int
    queries: QueryFacts
    grades: Mapping[int, int]
    candidates: CandidateFacts | None
    corpus: CorpusFacts | None
    duplicates: Mapping[str, int]
    texts: Mapping[str, TextFacts]
    first_stage: Mapping[str, float]
    problems: tuple[Problem, ...]

    def count(self, severity: Severity) -> int:
        """How many kinds of problems of a severity there are."""
        return sum(1 for problem in self.problems if problem.severity == severity)

    @property
    def ok(self) -> bool:
        """Whether an evaluation can use the data: there is no error."""
        return self.count("error") == 0

    def to_dict(self) -> dict[str, object]:
        """Plain Python for JSON. Shares and measures are not rounded."""
        report = cast(dict[str, Any], plain(self))
        for facts, path in zip(report["files"], self.files, strict=True):
            facts["path"] = str(path.path)
        if self.candidates is not None:
            report["candidates"]["recall"] = self.candidates.recall
        return {"ok": self.ok, **report}
