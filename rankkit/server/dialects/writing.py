"""What the replies of all wire formats have in common: documents, tokens, warnings, and errors in the usual shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from rankkit.core.printing import clip
from rankkit.server.dialects.body import Body
from rankkit.server.dialects.refusing import cleaned, problem_of
from rankkit.server.exchange import Problem, Ranked, Result, WireError, WireRequest, Written

#: Where warnings stand beside the body: a JSON list in ASCII.
WARNINGS_HEADER = "X-Rankkit-Warnings"
#: Proxies refuse long headers; a body need not repeat itself either.
_HEADER_LENGTH, _WARNINGS, _WARNING_LENGTH = 2000, 20, 300


@dataclass(frozen=True, slots=True)
class WireDialect:
    """A row: how one wire format reads and writes (the ``Dialect`` of ``rankkit.server.exchange``).

    ``statuses`` are those that this format has for kinds of problems with a body; 422 for the others.
    """

    name: str
    body: type[Body]
    reply: Callable[[Ranked], Any]
    problem: Callable[[Problem], Any]
    statuses: Mapping[str, int]
    #: What a status becomes whose meaning the format's own client does not know.
    status: Callable[[int], int] = int

    def read(self, body: Mapping[str, Any]) -> WireRequest:
        """Raises:
        WireError: 400 or 422, with the field's name and what was seen.
        """
        try:
            try:
                return self.body.model_validate(cleaned(dict(body))).request()
            except ValidationError as error:
                raise problem_of(error) from None
        except WireError as error:
            status = self.statuses.get(error.problem.kind, error.problem.status)
            raise WireError(replace(error.problem, status=status)) from None

    def write(self, ranked: Ranked) -> Written:
        return Written(200, self.reply(ranked), _header(warnings_of(ranked)))

    def write_problem(self, problem: Problem) -> Written:
        after = {} if problem.retry_after is None else {"Retry-After": str(max(0, problem.retry_after))}
        return Written(self.status(problem.status), self.problem(problem), after)


def dialect(
    name: str,
    body: type[Body],
    reply: Callable[[Ranked], Any],
    problem: Callable[[Problem], Any],
    statuses: Mapping[str, int] | None = None,
) -> WireDialect:
    return WireDialect(name, body, reply, problem, statuses or {})


# -- what replies are made of


def warnings_of(ranked: Ranked) -> list[str]:
    """All that has to be said, each thing once, of a length that nobody minds."""
    every = list(dict.fromkeys((*ranked.request.warnings, *ranked.warnings)))
    said = [clip(words, _WARNING_LENGTH) for words in every[:_WARNINGS]]
    return [*said, f"and {len(every) - _WARNINGS} more"] if len(every) > _WARNINGS else said


def _header(warnings: list[str]) -> Mapping[str, str]:
    while warnings:
        line = json.dumps(warnings, ensure_ascii=True).replace("\x7f", "\\u007f")
        if len(line) <= _HEADER_LENGTH:
            return {WARNINGS_HEADER: line}
        warnings = [*warnings[: max(0, len(warnings) - 2)], "and more"]
    return {}


def meta_of(ranked: Ranked) -> dict[str, Any]:
    """``meta`` with the warnings, or nothing where there are none."""
    warnings = warnings_of(ranked)
    return {"meta": {"warnings": warnings}} if warnings else {}


def tokens_of(ranked: Ranked) -> dict[str, int]:
    """``usage`` of OpenAI's form: nothing where nobody counted."""
    count = ranked.input_tokens
    return {} if count is None else {"prompt_tokens": count, "total_tokens": count}


def text_of(ranked: Ranked, result: Result) -> str:
    return ranked.request.documents[result.index]


def document_of(ranked: Ranked, result: Result) -> dict[str, Any]:
    """A document as an object that has a ``text``: the client's own object, where it sent one."""
    original = ranked.request.originals[result.index]
    fields = original if isinstance(original, Mapping) else {}
    text = fields.get("text")
    return {**fields, "text": text if isinstance(text, str) else text_of(ranked, result)}


def results_of(ranked: Ranked, document: Callable[[Ranked, Result], Any] | None = None) -> list[dict[str, Any]]:
    """``results`` of Cohere's form, with a ``document`` where one is to be written."""
    return [
        {
            "index": result.index,
            "relevance_score": result.score,
            **({} if document is None else {"document": document(ranked, result)}),
        }
        for result in ranked.results
    ]


# -- errors

_TYPES: Mapping[int, str] = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}


def type_of(problem: Problem) -> str:
    """The name of an error's kind, as OpenAI and its followers have it."""
    if problem.status == 429:
        return "rate_limit_error"
    if problem.status >= 500:
        return "unavailable_error" if problem.status == 503 else "server_error"
    return _TYPES.get(problem.status, "invalid_request_error")


def openai_error(problem: Problem) -> dict[str, Any]:
    error = {"message": problem.message, "type": type_of(problem), "param": problem.param, "code": problem.status}
    return {"error": error}


def shared_error(problem: Problem) -> dict[str, Any]:
    """All the keys that clients on one path look for: Cohere's ``message``, ``detail`` of Jina and Voyage, OpenAI's
    ``error``.
    """
    return {"message": problem.message, "detail": problem.message, **openai_error(problem)}
