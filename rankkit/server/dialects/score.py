"""vLLM's ``/score``: a number for each pair, in the order of the request."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any

from pydantic import WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from rankkit.server.dialects.refusing import refused, seen
from rankkit.server.dialects.vllm import VLLM_STATUSES, VllmFields
from rankkit.server.dialects.writing import dialect, meta_of, openai_error, tokens_of
from rankkit.server.exchange import Ranked, WireRequest

#: Under which keys the two sides of the pairs are.
SIDES = (("queries", "documents"), ("queries", "items"), ("data_1", "data_2"), ("text_1", "text_2"))

#: One side: a text, or a list of them.
Side = Annotated[
    Any, WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]})
]


class ScoreBody(VllmFields):
    """One query for all documents, or one for each."""

    query: SkipJsonSchema[str] = ""
    queries: Side = None
    documents: Side = None
    items: Side = None
    data_1: Side = None
    data_2: Side = None
    text_1: Side = None
    text_2: Side = None

    complete = True
    takes_no_documents = False

    def request(self) -> WireRequest:
        given = (pair for pair in SIDES if all(self.field(key) is not None for key in pair))
        if (keys := next(given, None)) is None:
            pairs = ", ".join(f"{one} and {many}" for one, many in SIDES)
            raise refused("text_1", f"the two sides of the pairs are not there: give {pairs}")
        queries, texts = (_texts(self.field(key), key) for key in keys)
        if texts and len(queries) not in (1, len(texts)):
            words = f"it holds {len(queries)} texts for {len(texts)} on the other side: give 1, or as many"
            raise refused(keys[0], words)
        if any(not isinstance(query, str) or not query.strip() for query in queries):
            raise refused(keys[0], "a query is a text with words in it")
        read = self.model_copy(update={"query": queries[0] if queries else "", "documents": texts})
        wire = super(ScoreBody, read).request()
        return wire if len(set(queries)) == 1 else replace(wire, queries=tuple(queries))


def _texts(side: Any, key: str) -> list[Any]:
    """One text, or several. Objects are the documents' own affair, which reads those that hold a text."""
    texts = side if isinstance(side, list) else [side]
    for at, text in enumerate(texts):
        if not isinstance(text, str | dict):
            raise refused(f"{key}.{at}" if texts is side else key, f"it is a text (seen: {seen(text)})")
    return texts


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
