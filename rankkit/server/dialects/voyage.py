"""Voyage AI: https://docs.voyageai.com/reference/reranker-api."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Texts
from rankkit.server.dialects.writing import dialect, meta_of, results_of, text_of
from rankkit.server.exchange import Problem, Ranked


class VoyageBody(Body):
    documents: Texts
    top_k: int | None = None
    return_documents: bool | None = None
    truncation: bool | None = None

    limit_key = "top_k"
    takes_objects = False

    def warnings(self) -> tuple[str, ...]:
        words = "truncation false is not kept to: what a model cannot read is cut, and not refused"
        return (*super().warnings(), *((words,) if self.truncation is False else ()))


def _reply(ranked: Ranked) -> Any:
    """The SDK wants ``usage.total_tokens``: null where nobody counted."""
    return {
        "object": "list",
        "data": results_of(ranked, text_of if ranked.request.return_documents else None),
        "model": ranked.model,
        "usage": {"total_tokens": ranked.input_tokens},
        **meta_of(ranked),
    }


def _problem(problem: Problem) -> Any:
    return {"detail": problem.message}


def _status(status: int) -> int:
    """The SDK reads 501, and what is above 504, as a success."""
    return 503 if status == 501 or status > 504 else status


VOYAGE = replace(dialect("voyage", VoyageBody, _reply, _problem), status=_status)
