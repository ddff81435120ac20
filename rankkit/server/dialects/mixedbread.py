"""Mixedbread: https://www.mixedbread.com/api-reference/endpoints/reranking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Documents
from rankkit.server.dialects.writing import dialect, meta_of, shared_error
from rankkit.server.exchange import Ranked


class MixedbreadBody(Body):
    input: Documents
    top_k: int | None = None
    rank_fields: list[str] | None = None
    return_input: bool | None = None

    documents_key = "input"
    limit_key = "top_k"
    takes_lists = True
    said: ClassVar[Mapping[str, str]] = {"rewrite_query": "rewrite_query has no meaning here: queries stay as they are"}

    def returned(self) -> bool:
        return bool(self.return_input)


def _reply(ranked: Ranked) -> Any:
    request, count = ranked.request, ranked.input_tokens
    data = [
        {
            "index": result.index,
            "score": result.score,
            "input": request.originals[result.index] if request.return_documents else None,
            "object": "rank_result",
        }
        for result in ranked.results
    ]
    return {
        "usage": {"prompt_tokens": count, "total_tokens": count},
        "model": ranked.model,
        "data": data,
        "object": "list",
        "top_k": len(data) if request.top_n is None else request.top_n,
        "return_input": request.return_documents,
        **meta_of(ranked),
    }


MIXEDBREAD = dialect("mixedbread", MixedbreadBody, _reply, shared_error)
