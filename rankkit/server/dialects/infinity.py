"""Infinity: https://michaelfeil.eu/infinity."""

from __future__ import annotations

import time
from typing import Any

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Texts
from rankkit.server.dialects.writing import dialect, meta_of, openai_error, results_of, text_of, tokens_of
from rankkit.server.exchange import Problem, Ranked, Result, WireRequest

#: What its client calls the model where the user named none.
DEFAULT_MODEL = "default/not-specified"


class InfinityBody(Body):
    documents: Texts
    top_n: int | None = None
    return_documents: bool | None = None

    takes_objects = False
    takes_no_documents = False

    def request(self) -> WireRequest:
        named = self if self.model != DEFAULT_MODEL else self.model_copy(update={"model": None})
        return super(InfinityBody, named).request()


def _document(ranked: Ranked, result: Result) -> str | None:
    """The key is always there, and null where documents were not asked for."""
    return text_of(ranked, result) if ranked.request.return_documents else None


def _reply(ranked: Ranked) -> Any:
    return {
        "object": "rerank",
        "results": results_of(ranked, _document),
        "model": ranked.model,
        "usage": tokens_of(ranked),
        "id": ranked.request_id,
        "created": int(time.time()),
        **meta_of(ranked),
    }


def _problem(problem: Problem) -> Any:
    """A 422 is a list, as its framework writes it, and as its client reads it."""
    if problem.status != 422:
        return openai_error(problem)
    where = (problem.param or "").split(".") if problem.param else []
    path = ["body", *(int(part) if part.isdecimal() else part for part in where)]
    return {"detail": [{"loc": path, "msg": problem.message, "type": problem.kind}]}


INFINITY = dialect("infinity", InfinityBody, _reply, _problem)
