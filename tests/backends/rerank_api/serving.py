"""Replies of each rerank API as its documentation and clients have them, for a loopback server.

A document's score is worked out from its words, so that it does not depend on the documents beside it: the share of the
query's words that are in it, less a little for its length. Ties are there on purpose: equal texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from rankkit.backends.rerank_api.dialects import DIALECTS
from tests.backends.loopback import BoundQuestion, Says

QUERY = "how long do fleas live"
DOCUMENTS = [
    "Fleas live for two to three months.",
    "?",
    "The flea market is open on Sundays.",
    "Adult fleas live as long as they find a host.",
    "How to bake bread.",
    "Fleas live for two to three months.",
    "Mäuse, 鼠, 🐭 and \u2028 others",
]


def logit(query: str, document: str) -> float:
    words = document.lower().replace(".", "").split()
    return 8.0 * len(set(query.split()) & set(words)) / len(query.split()) - 3.0 - 0.01 * len(words)


def texts_of(api: str, body: Mapping[str, Any]) -> list[str]:
    documents = body[DIALECTS[api].documents]
    return [one["text"] if isinstance(one, dict) else one for one in documents]


def numbers(api: str, query: str, documents: list[str], body: Mapping[str, Any]) -> list[float]:
    logits = [logit(query, document) for document in documents]
    raw = api == "llama.cpp" or body.get("raw_scores") or body.get("use_activation") is False
    return logits if raw else [1.0 / (1.0 + math.exp(-one)) for one in logits]


def rows_of(api: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Best first, and of equal ones the last first, as some servers have it."""
    documents = texts_of(api, body)
    scores = numbers(api, body["query"], documents, body)
    order = sorted(range(len(scores)), key=lambda index: (scores[index], index), reverse=True)
    rows = [{"index": index, DIALECTS[api].score: scores[index]} for index in order]
    if api == "vllm":
        rows = [{**row, "document": {"text": documents[row["index"]], "multi_modal": None}} for row in rows]
    if api == "infinity":
        rows = [{**row, "document": None} for row in rows]
    if api == "mixedbread":
        rows = [{**row, "object": "rank_result", "input": None} for row in rows]
    top = body.get("top_n") or body.get("top_k") or (10 if api == "mixedbread" else None)
    return rows[:top]


def _usage(body: Mapping[str, Any], api: str) -> dict[str, int]:
    tokens = 7 * len(texts_of(api, body))
    return {"prompt_tokens": tokens, "total_tokens": tokens}


def reply_of(api: str, body: Mapping[str, Any]) -> Says:
    rows, usage = rows_of(api, body), _usage(body, api)
    count = len(texts_of(api, body))
    shapes: dict[str, Callable[[], Says]] = {
        "cohere": lambda: Says(
            {
                "id": "1",
                "results": rows,
                "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": math.ceil(count / 100)}},
            }
        ),
        "jina": lambda: Says({"model": body["model"], "object": "list", "usage": usage, "results": rows}),
        "voyage": lambda: Says({"object": "list", "data": rows, "model": body["model"], "usage": usage}),
        "mixedbread": lambda: Says(
            {
                "usage": usage,
                "model": body["model"],
                "data": rows,
                "object": "list",
                "top_k": body.get("top_k") or 10,
                "return_input": False,
            }
        ),
        "tei": lambda: Says(rows, headers={"x-compute-tokens": str(usage["total_tokens"])}),
        "vllm": lambda: Says({"id": "1", "model": body["model"], "usage": usage, "results": rows}),
        "llama.cpp": lambda: Says({"model": body["model"], "object": "list", "usage": usage, "results": rows}),
        "infinity": lambda: Says(
            {"object": "rerank", "results": rows, "model": body["model"], "usage": usage, "id": "1", "created": 1}
        ),
        "openrouter": lambda: Says(
            {"id": "1", "model": body["model"], "results": rows, "usage": {"search_units": 1, "total_tokens": 9}}
        ),
        "pinecone": lambda: Says({"model": body["model"], "data": rows, "usage": {"rerank_units": 1}}),
        "zeroentropy": lambda: Says({"results": rows, "total_tokens": usage["total_tokens"], "total_bytes": 1}),
        "contextual": lambda: Says({"results": rows}),
    }
    return shapes[api]()


def speaks(api: str) -> Callable[[BoundQuestion], Says]:
    """A loopback server's behaviour that speaks this dialect."""
    return lambda asked: reply_of(api, asked.body)


#: What each server is asked at when the base URL is its root, and what a body may hold.
PATHS = {
    "cohere": "/v2/rerank",
    "jina": "/v1/rerank",
    "voyage": "/v1/rerank",
    "mixedbread": "/v1/reranking",
    "tei": "/rerank",
    "vllm": "/rerank",
    "llama.cpp": "/v1/rerank",
    "infinity": "/rerank",
    "openrouter": "/rerank",
    "pinecone": "/rerank",
    "zeroentropy": "/models/rerank",
    "contextual": "/rerank",
}
BODIES = {
    "cohere": {"model", "query", "documents"},
    "jina": {"model", "query", "documents", "return_documents"},
    "voyage": {"model", "query", "documents", "truncation"},
    "mixedbread": {"model", "query", "input", "top_k"},
    "tei": {"query", "texts"},
    "vllm": {"model", "query", "documents"},
    "llama.cpp": {"model", "query", "documents"},
    "infinity": {"model", "query", "documents"},
    "openrouter": {"model", "query", "documents"},
    "pinecone": {"model", "query", "documents", "return_documents"},
    "zeroentropy": {"model", "query", "documents"},
    "contextual": {"model", "query", "documents"},
}
