"""The answer that suits Cohere v1, Jina, vLLM, llama.cpp and Infinity at once, where nothing tells which one asks.

Its ``results`` have no ``document`` unless it is asked for: clients disagree on the shape, and none needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rankkit.server.dialects.cohere import CohereV1Body, cohere_meta
from rankkit.server.dialects.tei import tei_error
from rankkit.server.dialects.writing import dialect, document_of, results_of, shared_error, text_of, tokens_of
from rankkit.server.exchange import Problem, Ranked


class SharedBody(CohereV1Body):
    """A limit of 0 is vLLM's, for whom it means all: the others refuse it, or answer nothing at all."""

    zero = "all"
    takes_no_documents = True

    def warnings(self) -> tuple[str, ...]:
        words = ("a top_n of 0 was read as vLLM does: all documents",) if self.top_n == 0 else ()
        return (*super().warnings(), *words)


class WithoutDocumentsBody(SharedBody):
    """From a client whose several readers of ``results`` take documents of different shapes, so they have none."""

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


class LiteLlmBody(WithoutDocumentsBody):
    """Whether its reader for Voyage, who takes documents of any shape, wants them is an option."""

    def options(self) -> Mapping[str, Any]:
        return {"return_documents": bool(self.return_documents)}


def _litellm_reply(ranked: Ranked) -> Any:
    """LiteLLM asks for six services in the same words where there is no limit; for Voyage it reads ``data``."""
    document = text_of if ranked.request.options["return_documents"] else None
    return {**reply(ranked), "data": results_of(ranked, document)}


def _unread_error(problem: Problem) -> Any:
    """For clients of all services on these paths: Voyage's falls over an ``error`` that is an object, TEI's want a
    string there.
    """
    return {"message": problem.message, "detail": problem.message, **tei_error(problem)}


#: Where the body was not read, so that nothing tells the format.
UNREAD = dialect("unread", SharedBody, reply, _unread_error)
LITELLM = dialect("litellm", LiteLlmBody, _litellm_reply, shared_error)
SHARED = dialect("shared", SharedBody, reply, shared_error)
WITHOUT_DOCUMENTS = dialect("shared-without-documents", WithoutDocumentsBody, reply, shared_error)
