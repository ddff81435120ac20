"""What searches return: recorded from qdrant-client 1.20 (in memory), lancedb 0.40, chromadb 1.5 and tantivy 0.27. The
body of Elasticsearch is the one that its API documents; around it stand the forms of its client and its DSL, 9.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

ELASTICSEARCH = {
    "took": 1,
    "timed_out": False,
    "_shards": {"total": 2, "successful": 2, "skipped": 0, "failed": 0},
    "hits": {
        "total": {"value": 2, "relation": "eq"},
        "max_score": 1.5,
        "hits": [
            {
                "_index": "articles",
                "_id": "a",
                "_score": 1.5,
                "_source": {"title": "Fleas", "article": {"body": "fleas live on cats", "lang": "en"}, "score": 9},
                "fields": {"year": [2001]},
                "highlight": {"article.body": ["<em>fleas</em> live", "on <em>cats</em>"]},
                "sort": [1.5],
            },
            {"_index": "articles", "_id": "b", "_score": None, "_source": {"article": {"body": "cats sleep"}}},
        ],
    },
}


class ObjectApiResponse:
    """What the client of Elasticsearch 8 and 9 returns: no mapping, though it can be indexed like one."""

    def __init__(self, body: dict) -> None:
        self.body, self.meta = body, SimpleNamespace(status=200)

    def __getitem__(self, name: str) -> object:
        return self.body[name]


class DslMeta(dict):
    def to_dict(self) -> dict:
        return dict(self)


class DslHit:
    def __init__(self, hit: dict) -> None:
        self._source = hit["_source"]
        self.meta = DslMeta({key.removeprefix("_"): value for key, value in hit.items() if key != "_source"})

    def to_dict(self) -> dict:
        return self._source


class DslResponse(list):
    def __init__(self, body: dict) -> None:
        super().__init__(map(DslHit, body["hits"]["hits"]))
        self._body, self.hits = body, list(self)

    def to_dict(self) -> dict:
        return self._body


@dataclass
class ScoredPoint:
    id: int | str
    score: float
    payload: dict | None
    version: int = 0
    vector: list | None = None
    shard_key: str | None = None
    order_value: float | None = None


@dataclass
class PointGroup:
    hits: list
    id: str
    lookup: None = None


POINTS = [
    ScoredPoint(1, 1.0, {"body": "fleas live on cats", "title": "Fleas", "year": 2001, "source": {"page": 3}}),
    ScoredPoint("5c56c793-69f3-4fbf-87e6-c4bf54c28c26", 0.9938837289810181, {"body": "cats sleep", "version": "2nd"}),
    ScoredPoint(3, 0.0, {}),
]

LANCEDB = [
    {"id": "a", "text": "fleas live on cats", "vector": [1.0, 0.0], "year": 2001, "_distance": 0.0},
    {"id": "b", "text": "cats sleep", "vector": [0.0, 1.0], "year": None, "_distance": 2.0},
]

CHROMA = {
    "data": None,
    "distances": [[0.0, 0.5, 2.0], [0.0, 0.5, 2.0]],
    "documents": [["fleas live on cats", None, "cats sleep"], ["cats sleep", None, "fleas live on cats"]],
    "embeddings": None,
    "ids": [["a", "n", "b"], ["b", "n", "a"]],
    "included": ["metadatas", "documents", "distances"],
    "metadatas": [
        [{"title": "Fleas", "year": 2001}, None, {"year": 2002}],
        [{"year": 2002}, None, {"title": "Fleas", "year": 2001}],
    ],
    "uris": None,
}


@dataclass(frozen=True)
class DocAddress:
    segment_ord: int
    doc: int


@dataclass
class SearchResult:
    hits: list
    count: int = 2


@dataclass
class Document:
    stored: dict

    def to_dict(self) -> dict:
        return self.stored


@dataclass
class TantivySearcher:
    """A searcher of Tantivy over two documents."""

    stored: dict = field(
        default_factory=lambda: {
            DocAddress(0, 0): {
                "id": ["a"],
                "title": ["Fleas"],
                "body": ["fleas live on cats", "and dogs"],
                "year": [2001],
            },
            DocAddress(0, 1): {"id": ["b"], "body": ["cats sleep"]},
        }
    )

    def doc(self, address: DocAddress) -> Document:
        return Document(self.stored[address])


TANTIVY = SearchResult([(0.2210828810930252, DocAddress(0, 1)), (0.1551244556903839, DocAddress(0, 0))])
