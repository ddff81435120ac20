"""The answer that suits Cohere v1, Jina, vLLM, llama.cpp and Infinity at once, where nothing tells which one asks.

Its ``results`` have no ``document`` unless it is asked for: clients disagree on the shape, and none needs it.
"""

from __future__ import annotations

from typing import Any

from rankkit.server.dialects.cohere import CohereV1Body, cohere_meta
from rankkit.server.dialects.writing import dialect, document_of, results_of, shared_error, tokens_of
from rankkit.server.exchange import Ranked


class SharedBody(CohereV1Body):
    """A limit of 0 is vLLM's, for whom it means all: the others refuse it, or answer nothing at all."""

    zero = "all"
    takes_no_documents = True

    def warnings(self) -> tuple[str, ...]:
        words = ("a top_n of 0 was read as vLLM does: all documents",) if self.top_n == 0 else ()
        return (*super().warnings(), *words)


class WithoutDocumentsBody(SharedBody):
    """From a client whose several readers of this reply take documents of different shapes, so it gets none."""

    def returned(self) -> bool:
        return False

    def warnings(self) -> tuple[str, ...]:
        words = "results have no documents: what reads them takes different shapes, and nothing says which"
        return (*super().warnings(), *((words,) if self.return_documents else ()))


def reply(ranked: Ranked) -> Any:
    document = document_of if ranked.request.return_documents else None
    return {
        "id": ranked.request_id,
        "model": ranked.model,
        "object": "list",
        "usage": tokens_of(ranked),
        "meta": cohere_meta(ranked, "1"),
        "results": results_of(ranked, document),
    }


SHARED = dialect("shared", SharedBody, reply, shared_error)
WITHOUT_DOCUMENTS = dialect("shared-without-documents", WithoutDocumentsBody, reply, shared_error)
