"""Candidates counted while they are gone through: one request at a time is held."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

from rankkit.core.ranking import Candidate, Request
from rankkit.data.duplicates import digest
from rankkit.data.findings import Findings
from rankkit.data.text_facts import LONG_DOCUMENT, TextCounter

SAME_TEXT = "candidates with the text of another one of their query"


class CandidateCounter:
    """``found`` has the ids of each query's candidates, best first; ``queries`` the queries' texts; ``digests`` those
    of the documents' titles and texts.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.found: dict[str, tuple[str, ...]] = {}
        self.queries: dict[str, str] = {}
        self.digests: dict[str, int] = {}
        self.texts = TextCounter("candidates", LONG_DOCUMENT, findings)
        self.same_text = 0

    @property
    def all(self) -> int:
        """Candidates of all queries together."""
        return sum(map(len, self.found.values()))

    def add(self, request: Request) -> None:
        """Count a request."""
        name = request.query.id
        self.queries[name] = request.query.text
        self.found[name] = tuple(sys.intern(candidate.id) for candidate in request.candidates)
        first: dict[int, str] = {}
        for candidate in request.candidates:
            value = self._document(name, candidate)
            if (before := first.setdefault(value, candidate.id)) != candidate.id:
                self.same_text += 1
                self._findings.add("warning", SAME_TEXT, f"query {name}: {candidate.id} has the text of {before}")
        self._scores(name, [candidate.score for candidate in request.candidates])

    def _document(self, query: str, candidate: Candidate) -> int:
        value = digest(candidate.content)
        before = self.digests.get(candidate.id)
        if before is None:
            self.digests[candidate.id] = value
            self.texts.add(f"document {candidate.id}", candidate.content)
        elif before != value:
            self._findings.add(
                "warning",
                "candidates with another text than for an earlier query, under one id",
                f"query {query}: document {candidate.id}",
            )
        return value

    def _scores(self, query: str, scores: Sequence[float | None]) -> None:
        known = [score for score in scores if score is not None]
        if 0 < len(known) < len(scores):
            words = "queries with scores for some of their candidates only"
            self._findings.add("warning", words, f"query {query}: {len(known)} of {len(scores)} have one")
        rises = [place for place, (left, right) in enumerate(pairwise(known), start=2) if right > left]
        if rises:
            self._findings.add(
                "warning",
                "queries whose candidates do not stand in the order of their scores: the order counts, not the scores",
                f"query {query}: {len(rises)} of {len(scores)} rise above the one before, first no. {rises[0]}",
            )
        ties = sum(1 for left, right in pairwise(known) if left == right)
        if ties:
            words = "queries with neighbours of equal scores: as a TREC run, those would be ordered by their ids"
            self._findings.add("note", words, f"query {query}: {ties} of {len(scores)}")
