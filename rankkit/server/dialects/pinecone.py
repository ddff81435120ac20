"""Pinecone: https://docs.pinecone.io/reference/api/latest/inference/rerank. Documents are objects."""

from __future__ import annotations

from typing import Any

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Documents
from rankkit.server.dialects.writing import dialect, meta_of, type_of
from rankkit.server.exchange import Problem, Ranked


class PineconeBody(Body):
    documents: Documents
    top_n: int | None = None
    rank_fields: list[str] | None = None
    return_documents: bool | None = None
    parameters: dict[str, Any] | None = None

    def returned(self) -> bool:
        return self.return_documents is not False

    def warnings(self) -> tuple[str, ...]:
        aside = [name for name in self.parameters or () if name != "truncate"]
        return (*super().warnings(), *(("parameters have no meaning here and were left aside",) if aside else ()))


def _reply(ranked: Ranked) -> Any:
    """Its units are what the service charges: none here, and its client wants a number."""
    request = ranked.request
    data = []
    for result in ranked.results:
        original = request.originals[result.index]
        document = {"text": original} if isinstance(original, str) else original
        shown = {"document": document} if request.return_documents else {}
        data.append({"index": result.index, "score": result.score, **shown})
    return {"model": ranked.model, "data": data, "usage": {"rerank_units": 0}, **meta_of(ranked)}


def _problem(problem: Problem) -> Any:
    code = type_of(problem).removesuffix("_error").upper()
    return {"error": {"code": code, "message": problem.message}, "status": problem.status}


PINECONE = dialect("pinecone", PineconeBody, _reply, _problem, {"invalid_request": 400, "empty": 400})
