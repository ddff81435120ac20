"""First stages: BM25 over a corpus, alone or with a reranker behind it, and what other people's searches found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.retrieval.bm25 import Bm25Index as Bm25Index
    from rankkit.retrieval.bm25 import Bm25Settings as Bm25Settings
    from rankkit.retrieval.hits.chroma import from_chroma as from_chroma
    from rankkit.retrieval.hits.elasticsearch import from_elasticsearch as from_elasticsearch
    from rankkit.retrieval.hits.elasticsearch import from_opensearch as from_opensearch
    from rankkit.retrieval.hits.lancedb import from_lancedb as from_lancedb
    from rankkit.retrieval.hits.pgvector import from_pgvector as from_pgvector
    from rankkit.retrieval.hits.qdrant import from_qdrant as from_qdrant
    from rankkit.retrieval.hits.tantivy import from_tantivy as from_tantivy
    from rankkit.retrieval.searcher import Searcher as Searcher
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Bm25Index": "rankkit.retrieval.bm25",
            "Bm25Settings": "rankkit.retrieval.bm25",
            "Searcher": "rankkit.retrieval.searcher",
            "from_chroma": "rankkit.retrieval.hits.chroma",
            "from_elasticsearch": "rankkit.retrieval.hits.elasticsearch",
            "from_lancedb": "rankkit.retrieval.hits.lancedb",
            "from_opensearch": "rankkit.retrieval.hits.elasticsearch",
            "from_pgvector": "rankkit.retrieval.hits.pgvector",
            "from_qdrant": "rankkit.retrieval.hits.qdrant",
            "from_tantivy": "rankkit.retrieval.hits.tantivy",
        },
    )
