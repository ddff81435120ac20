"""A first stage and a reranker as one: a query in, the documents of a corpus out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Query, Ranking, Request, Step
from rankkit.core.reranker import cut, refuse_threshold
from rankkit.core.usage import Budget
from rankkit.pipeline.cascade import BaseReranker
from rankkit.retrieval.index import Index


@dataclass(frozen=True, slots=True)
class Searcher:
    """``index`` finds the best ``k`` documents, ``reranker`` orders them; without one, the index's own order and scores
    stand.

    ::

        searcher = Searcher(Bm25Index.build(documents), rankkit.load("ms-marco-MiniLM-L-12-v2"))
        searcher.search("where do fleas live", top_k=10)
    """

    index: Index
    reranker: BaseReranker | None = None
    k: int = 100

    def find(self, query: str | Query) -> Request:
        """The first stage alone: the query with what was found, ready for any reranker."""
        return self.index.search(query, self.k)

    def search(
        self,
        query: str | Query,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
    ) -> Ranking:
        """Find and rerank. Nothing found is an empty ranking.

        Raises:
            EmptyQuery: the query has no text.
            RankkitError: as the reranker's ``rank``.
        """
        request = self.find(query)
        if self.reranker is None:
            ranking = as_ranking(request, self.index)
        else:
            refuse_threshold(self.reranker, threshold)
            ranking = self.reranker.rank(request, budget=budget, progress=progress)
        return cut(ranking, top_k=top_k, threshold=threshold)

    async def search_async(
        self,
        query: str | Query,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
    ) -> Ranking:
        """``search`` while the event loop goes on; the index is searched on a thread."""
        request = await asyncio.to_thread(self.find, query)
        if self.reranker is None:
            ranking = as_ranking(request, self.index)
        else:
            refuse_threshold(self.reranker, threshold)
            ranking = await self.reranker.rank_async(request, budget=budget, progress=progress)
        return cut(ranking, top_k=top_k, threshold=threshold)


def as_ranking(request: Request, index: Index) -> Ranking:
    """The order and the scores of the index as they are."""
    return Ranking(
        request,
        tuple(range(len(request))),
        scores=tuple(candidate.score for candidate in request.candidates),
        score_kind=index.score_kind,
        steps=(Step(repr(index)),),
    )
