"""A wire format so small that every field of a reply can be seen, and applications that speak it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette

from rankkit.core.ranking import Ranking, Request, ScoreKind
from rankkit.server.asgi import application
from rankkit.server.exchange import Problem, Ranked, WireError, WireRequest, Written


class Plain:
    name = "plain"

    def read(self, body: Mapping[str, Any]) -> WireRequest:
        query, documents = body.get("query"), body.get("documents")
        if not isinstance(query, str) or not isinstance(documents, list):
            raise WireError(Problem(422, "invalid_request", "query and documents are due", "query"))
        texts = tuple(map(str, documents))
        return WireRequest(
            query,
            texts,
            texts,
            model=body.get("model"),
            top_n=body.get("top_n"),
            instruction=body.get("instruction"),
            max_tokens_per_doc=body.get("max"),
        )

    def write(self, ranked: Ranked) -> Written:
        results = [[result.index, result.score] for result in ranked.results]
        said = {"results": results, "model": ranked.model, "tokens": ranked.input_tokens}
        return Written(200, said | {"warnings": [*ranked.request.warnings, *ranked.warnings]}, {"X-Plain": "yes"})

    def write_problem(self, problem: Problem) -> Written:
        said = {"error": problem.message, "kind": problem.kind, "param": problem.param, "id": problem.request_id}
        return Written(problem.status, said)


def find(path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> Plain:
    return Plain()


@dataclass
class ByLength:
    """Has only ``rank``: the longest document first. ``before`` is called with each request."""

    before: Callable[[Request], None] = lambda request: None
    seen: list[Request] = field(default_factory=list)

    def rank(self, request: Request) -> Ranking:
        self.seen.append(request)
        self.before(request)
        worth = [1 - 1 / (1 + len(candidate.text)) for candidate in request.candidates]
        order = tuple(sorted(range(len(worth)), key=lambda index: -worth[index]))
        return Ranking(request, order, tuple(worth[index] for index in order), ScoreKind.PROBABILITY)


def sleepy(seconds: float) -> ByLength:
    return ByLength(lambda request: time.sleep(seconds))


def app(*rerankers: object, names: Sequence[str] = ("first", "second", "third"), **more: Any) -> Starlette:
    served = dict(zip(names, rerankers or (ByLength(),), strict=False))
    return application(served, find=find, **more)  # type: ignore[arg-type]


BODY = {"query": "q", "documents": ["a", "abc", "ab"]}
