"""A first stage: BM25 over a corpus, alone or with a reranker behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.retrieval.bm25 import Bm25Index as Bm25Index
    from rankkit.retrieval.bm25 import Bm25Settings as Bm25Settings
    from rankkit.retrieval.searcher import Searcher as Searcher
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Bm25Index": "rankkit.retrieval.bm25",
            "Bm25Settings": "rankkit.retrieval.bm25",
            "Searcher": "rankkit.retrieval.searcher",
        },
    )
