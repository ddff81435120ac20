"""Text Embeddings Inference: https://huggingface.github.io/text-embeddings-inference, and llama.cpp where it is asked
for ``texts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, ClassVar

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Texts
from rankkit.server.dialects.writing import dialect, text_of
from rankkit.server.exchange import Problem, Ranked


class TeiBody(Body):
    """Haystack sends ``null`` for a document without content. TEI has no limit; llama.cpp and LiteLLM have."""

    texts: Texts
    return_text: bool | None = None
    truncate: bool | None = None
    top_n: int | None = None

    documents_key = "texts"
    zero = "none"
    takes_objects = False
    takes_null = True
    takes_no_documents = False
    complete = True
    asks_nothing: ClassVar[Mapping[str, tuple[Any, ...]]] = {"truncation_direction": ("right", "Right")}
    said: ClassVar[Mapping[str, str]] = {
        "truncation_direction": "truncation_direction is not kept to: what is too long loses its end"
    }

    def returned(self) -> bool:
        return bool(self.return_text)

    def warnings(self) -> tuple[str, ...]:
        words = "truncate false is not kept to: what a model cannot read is cut, and not refused"
        return (*super().warnings(), *((words,) if self.truncate is False else ()))


def _reply(ranked: Ranked) -> Any:
    """A list; equal scores come in descending order of their index, as TEI has them."""
    rows = []
    for _, equal in groupby(ranked.results, key=lambda result: result.score):
        for result in sorted(equal, key=lambda result: -result.index):
            text = {"text": text_of(ranked, result)} if ranked.request.return_documents else {}
            rows.append({"index": result.index, **text, "score": result.score})
    return rows


_TYPES: Mapping[int, str] = {401: "Unauthorized", 429: "Overloaded", 503: "Unhealthy"}


def tei_error(problem: Problem) -> Any:
    kind = "Backend" if problem.status >= 500 else "Empty" if problem.kind == "empty" else "Validation"
    return {"error": problem.message, "error_type": _TYPES.get(problem.status, kind)}


TEI = dialect("tei", TeiBody, _reply, tei_error, {"empty": 400})
