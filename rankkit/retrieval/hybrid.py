"""BM25 and vectors over one corpus, fused by reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009, with their
k = 60).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rankkit.core.ranking import Candidate, Query, Request, ScoreKind
from rankkit.retrieval.bm25 import Bm25Index
from rankkit.retrieval.dense import DenseIndex
from rankkit.retrieval.document_store import Documents
from rankkit.retrieval.index import check_depth

_K = 60
#: Each index is asked for as many at least, so that the order of the best does not hang on how many are wanted.
_DEPTH = 100


@dataclass(frozen=True, slots=True, eq=False)
class HybridIndex:
    """Both indexes are asked; a document's score is the sum of 1 / (60 + its rank) over those that found it."""

    bm25: Bm25Index
    dense: DenseIndex

    score_kind: ClassVar[ScoreKind] = ScoreKind.FUSED

    @property
    def documents(self) -> Documents:
        return self.bm25.documents

    def search(self, query: str | Query, k: int = 100) -> Request:
        """The best ``k`` documents; of equal scores, what BM25 found stands first.

        Raises:
            EmptyQuery: the query has no text.
            ConfigError: ``k`` is less than 1.
        """
        return self.search_many([query], k)[0]

    def search_many(self, queries: Sequence[str | Query], k: int = 100) -> list[Request]:
        """``search`` for each query, in their order."""
        check_depth(k)
        depth = max(k, _DEPTH)
        both = zip(self.bm25.search_many(queries, depth), self.dense.search_many(queries, depth), strict=True)
        return [replace(lexical, candidates=_fused([lexical, dense])[:k]) for lexical, dense in both]

    def __len__(self) -> int:
        return len(self.bm25)

    def __repr__(self) -> str:
        return f"hybrid({self.bm25!r}, {self.dense!r})"


def _fused(found: Sequence[Request]) -> tuple[Candidate, ...]:
    candidates: dict[str, Candidate] = {}
    scores: dict[str, float] = {}
    for request in found:
        for rank, candidate in enumerate(request.candidates, start=1):
            candidates.setdefault(candidate.id, candidate)
            scores[candidate.id] = scores.get(candidate.id, 0.0) + 1 / (_K + rank)
    order = sorted(candidates, key=lambda name: -scores[name])
    return tuple(replace(candidates[name], score=scores[name]) for name in order)
