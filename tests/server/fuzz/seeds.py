"""A real request of each wire format, as its client sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEXTS = ["bad word", "good", "best word", "word", "", "unknown words", "\u00e9\u4e2d\U0001f600"]
QUERY = "word"


@dataclass(frozen=True)
class Seed:
    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


_FIELDS = [{"title": "good", "text": "best"}, {"title": "", "text": "bad", "year": 1999}]
_COHERE = {"User-Agent": "cohere/7.3.1", "X-Fern-SDK-Name": "cohere"}
_PLAIN = {"model": "mini", "query": QUERY, "documents": TEXTS}

SEEDS: tuple[Seed, ...] = (
    Seed("/v2/rerank", {**_PLAIN, "top_n": 3, "max_tokens_per_doc": 4096, "priority": 0}, _COHERE),
    Seed("/v1/rerank", {**_PLAIN, "documents": _FIELDS, "rank_fields": ["title", "text"], "return_documents": True}),
    Seed("/v1/rerank", {**_PLAIN, "top_n": None, "return_documents": True, "max_chunks_per_doc": 10}, _COHERE),
    Seed("/v1/rerank", {**_PLAIN, "top_n": 3, "max_doc_length": 100, "return_embeddings": False}),
    Seed("/v1/rerank", {**_PLAIN, "top_k": None, "truncation": True}),
    Seed(
        "/v1/reranking",
        {"model": "mini", "query": QUERY, "input": [*TEXTS, *_FIELDS], "top_k": 2, "rank_fields": ["title"]},
    ),
    Seed("/rerank", {"query": QUERY, "texts": TEXTS, "raw_scores": True, "return_text": True, "truncate": True}),
    Seed("/rerank", {**_PLAIN, "truncate_prompt_tokens": 8, "instruction": "", "use_activation": True, "top_n": 0}),
    Seed("/v1/reranking", {**_PLAIN, "top_n": 2}),
    Seed("/reranking", {"query": QUERY, "texts": TEXTS, "model": "order"}),
    Seed("/rerank", {**_PLAIN, "raw_scores": False, "return_documents": True}),
    Seed("/api/v1/rerank", {**_PLAIN, "top_n": 1, "provider": {"order": []}}),
    Seed(
        "/rerank",
        {
            **_PLAIN,
            "documents": [{"id": "a", "text": "good"}, {"id": "b", "text": "bad"}],
            "parameters": {"truncate": "END"},
        },
        {"X-Pinecone-Api-Version": "2025-04"},
    ),
    Seed("/score", {"text_1": QUERY, "text_2": TEXTS[:4], "model": "mini"}),
    Seed("/v1/score", {"queries": [QUERY, "good"], "documents": ["good", "bad"], "model": "mini"}),
    Seed("/score", {"data_1": [QUERY], "data_2": ["good"]}),
    Seed("/v1/rerank", {**_PLAIN, "model": "order", "return_documents": False}, {"User-Agent": "litellm/1.110.2"}),
    Seed("/rerank", {"query": QUERY, "documents": TEXTS}),
)
