"""Which wire format a request speaks. Most share a path, so the keys of the body decide, the surest ones first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rankkit.server.dialects.cohere import COHERE_V1, COHERE_V2
from rankkit.server.dialects.infinity import DEFAULT_MODEL, INFINITY
from rankkit.server.dialects.jina import JINA
from rankkit.server.dialects.llama_cpp import LLAMA_CPP
from rankkit.server.dialects.mixedbread import MIXEDBREAD
from rankkit.server.dialects.openrouter import OPENROUTER
from rankkit.server.dialects.pinecone import PINECONE
from rankkit.server.dialects.score import SCORE
from rankkit.server.dialects.shared import LITELLM, SHARED, UNREAD, WITHOUT_DOCUMENTS
from rankkit.server.dialects.tei import TEI
from rankkit.server.dialects.vllm import VLLM
from rankkit.server.dialects.voyage import VOYAGE
from rankkit.server.dialects.writing import WireDialect

Headers = Mapping[str, str]
Json = Mapping[str, Any]

DIALECTS: Mapping[str, WireDialect] = {
    row.name: row
    for row in (
        *(COHERE_V1, COHERE_V2, JINA, VOYAGE, MIXEDBREAD, TEI, VLLM, LLAMA_CPP, INFINITY, OPENROUTER, PINECONE),
        *(SHARED, WITHOUT_DOCUMENTS, LITELLM, UNREAD, SCORE),
    )
}

#: Where they are asked. Clients put their own path behind a base that may have one too: Cohere's ``/v1/v2/rerank``.
PATHS = (
    *("/rerank", "/v1/rerank", "/v2/rerank", "/reranking", "/v1/reranking", "/score", "/v1/score"),
    *("/api/v1/rerank", "/v1/v1/rerank", "/v1/v2/rerank", "/providers/cohere/v2/rerank", "/v3/rerank"),
)


@dataclass(frozen=True, slots=True)
class Sign:
    """What tells a dialect on ``/rerank`` and ``/v1/rerank``: one of these keys, or a look at the request."""

    dialect: WireDialect
    keys: frozenset[str] = frozenset()
    looks: Callable[[str, Headers, Json], bool] = lambda path, headers, body: False

    def is_seen(self, path: str, headers: Headers, body: Json) -> bool:
        return not self.keys.isdisjoint(body) or self.looks(path, headers, body)


def _has_fields(path: str, headers: Headers, body: Json) -> bool:
    """Documents with fields of their own. Jina's have a text or an image."""
    documents = body.get("documents")
    if not isinstance(documents, list):
        return False
    return any(isinstance(document, Mapping) and document.keys() - {"text", "image"} for document in documents)


def _is_cohere(path: str, headers: Headers, body: Json) -> bool:
    return headers.get("user-agent", "").startswith("cohere/") or headers.get("x-fern-sdk-name") == "cohere"


def _is_infinity(path: str, headers: Headers, body: Json) -> bool:
    return ("raw_scores" in body and "documents" in body) or body.get("model") == DEFAULT_MODEL


#: Tested in this order.
SIGNS = (
    Sign(PINECONE, looks=lambda path, headers, body: "x-pinecone-api-version" in headers),
    Sign(TEI, frozenset({"texts"})),
    Sign(MIXEDBREAD, frozenset({"input"})),
    Sign(VOYAGE, frozenset({"top_k", "truncation"})),
    Sign(COHERE_V1, frozenset({"rank_fields", "max_chunks_per_doc"}), _has_fields),
    Sign(COHERE_V1, looks=_is_cohere),
    Sign(INFINITY, looks=_is_infinity),
    Sign(VLLM, frozenset({"truncate_prompt_tokens", "use_activation", "max_tokens_per_query", "instruction"})),
    Sign(WITHOUT_DOCUMENTS, frozenset({"max_tokens_per_doc"})),
    Sign(JINA, frozenset({"max_doc_length", "return_embeddings"})),
)


def find(path: str, headers: Headers, body: Json | None) -> WireDialect:
    """By path, headers (lower case) and body, which is none where it was not read: then path and headers have to do.

    Any path has an answer, so that every error has a shape.
    """
    path = f"/{path.strip('/')}"
    found = _by_path(path, body or {}) or next(
        (sign.dialect for sign in SIGNS if sign.is_seen(path, headers, body or {})),
        UNREAD if body is None else SHARED,
    )
    if headers.get("user-agent", "").startswith("litellm/") and found in (COHERE_V1, SHARED, UNREAD):
        return LITELLM
    return found


def _by_path(path: str, body: Json) -> WireDialect | None:
    if path.endswith("/v2/rerank"):
        return COHERE_V2
    if path.endswith("/score"):
        return SCORE
    if path.endswith("/api/v1/rerank"):
        return OPENROUTER
    if not path.endswith("/reranking"):
        return None
    if "input" not in body and "texts" in body:
        return TEI
    return LLAMA_CPP if "input" not in body and "documents" in body else MIXEDBREAD
