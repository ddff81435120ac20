"""Cohere, versions 1 and 2: https://docs.cohere.com/reference/rerank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Documents
from rankkit.server.dialects.writing import dialect, document_of, results_of, warnings_of
from rankkit.server.exchange import Problem, Ranked


class CohereBody(Body):
    """What both versions have. ``max_tokens_per_doc`` is version 2's; gateways send it to both."""

    documents: Documents
    top_n: int | None = None
    max_tokens_per_doc: int | None = None

    takes_no_documents = False


class CohereV1Body(CohereBody):
    rank_fields: list[str] | None = None
    return_documents: bool | None = None

    said: ClassVar[Mapping[str, str]] = {
        "max_chunks_per_doc": "max_chunks_per_doc has no meaning here: documents are not scored chunk by chunk"
    }


class CohereV2Body(CohereBody):
    # Gateways send it here too, where replies never hold documents.
    return_documents: bool | None = None

    said: ClassVar[Mapping[str, str]] = {"relevant_spans": "relevant_spans are not found here: results have none"}

    def returned(self) -> bool:
        return False

    def warnings(self) -> tuple[str, ...]:
        asked = ("return_documents is not a field of version 2: results have no documents",)
        return (*super().warnings(), *(asked if self.return_documents else ()))


def cohere_meta(ranked: Ranked, version: str) -> dict[str, Any]:
    """Search units are what a service charges: nothing is charged here, so there are none. Programs look into
    ``billed_units`` without asking whether it is there.
    """
    tokens = {} if ranked.input_tokens is None else {"input_tokens": ranked.input_tokens}
    meta: dict[str, Any] = {"api_version": {"version": version}, "billed_units": tokens, "tokens": tokens}
    if warnings := warnings_of(ranked):
        meta["warnings"] = warnings
    return meta


def _v1_reply(ranked: Ranked) -> Any:
    document = document_of if ranked.request.return_documents else None
    return {"id": ranked.request_id, "results": results_of(ranked, document), "meta": cohere_meta(ranked, "1")}


def _v2_reply(ranked: Ranked) -> Any:
    return {"id": ranked.request_id, "results": results_of(ranked), "meta": cohere_meta(ranked, "2")}


def _problem(problem: Problem) -> Any:
    named = {"id": problem.request_id} if problem.request_id else {}
    return {"message": problem.message, **named}


COHERE_V1 = dialect("cohere-v1", CohereV1Body, _v1_reply, _problem)
COHERE_V2 = dialect("cohere-v2", CohereV2Body, _v2_reply, _problem)
