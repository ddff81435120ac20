"""vLLM's ``/score``: a number for each pair, in the order of the request."""

from __future__ import annotations

import time
from typing import Any

from pydantic import model_validator

from rankkit.server.dialects.refusing import refused, seen
from rankkit.server.dialects.vllm import VLLM_STATUSES, VllmFields
from rankkit.server.dialects.writing import dialect, meta_of, openai_error, tokens_of
from rankkit.server.exchange import Ranked

#: Under which keys the two sides of the pairs are.
SIDES = (("queries", "documents"), ("queries", "items"), ("data_1", "data_2"), ("text_1", "text_2"))


class ScoreBody(VllmFields):
    """One query, or the same one for each document: a request ranks for one query."""

    query: str = ""
    documents: list[Any]

    takes_no_documents = False
    complete = True

    @model_validator(mode="before")
    @classmethod
    def _one_query(cls, body: dict[str, Any]) -> dict[str, Any]:
        for one, many in SIDES:
            if one in body and many in body:
                rest = {key: value for key, value in body.items() if key not in (one, many)}
                texts = _texts(body[many], many)
                return {**rest, "query": _only(_texts(body[one], one), one, len(texts)), "documents": texts}
        pairs = ", ".join(f"{one} and {many}" for one, many in SIDES)
        raise refused("text_1", f"the two sides of the pairs are not there: give {pairs}")


def _texts(side: Any, key: str) -> list[Any]:
    """One text, or several. Objects are the documents' own affair, which reads those that hold a text."""
    texts = side if isinstance(side, list) else [side]
    for at, text in enumerate(texts):
        if not isinstance(text, str | dict):
            raise refused(f"{key}.{at}" if texts is side else key, f"it is a text (seen: {seen(text)})")
    return texts


def _only(queries: list[Any], key: str, documents: int) -> Any:
    if len(queries) not in (1, documents) or not queries:
        raise refused(key, f"it holds {len(queries)} texts for {documents} on the other side: give 1, or as many")
    if any(query != queries[0] for query in queries[1:]):
        raise refused(key, "the queries differ: send a request for each")
    return queries[0]


def _reply(ranked: Ranked) -> Any:
    in_order = sorted(ranked.results, key=lambda result: result.index)
    return {
        "id": ranked.request_id,
        "object": "list",
        "created": int(time.time()),
        "model": ranked.model,
        "data": [{"index": result.index, "object": "score", "score": result.score} for result in in_order],
        "usage": tokens_of(ranked),
        **meta_of(ranked),
    }


SCORE = dialect("score", ScoreBody, _reply, openai_error, VLLM_STATUSES)
