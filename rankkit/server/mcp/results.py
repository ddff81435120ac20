"""What the tools answer: small, and the same as structured output and as JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from rankkit.core.documents import Fields
from rankkit.core.printing import warnings_of
from rankkit.core.ranking import Candidate, Ranking
from rankkit.core.text import without_surrogates
from rankkit.server.mcp.limits import McpLimits

_MOST_WARNINGS = 5


class _Row(BaseModel):
    """A result; what it has nothing of is left out, but a score, which is null where the method gives none."""

    score: float | None = Field(description="Higher is better; null where the method gives an order only.")

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None or name == "score"}


class RankedDocument(_Row):
    index: int = Field(description="Its place in the given list, counted from 0.")
    id: str | None = Field(default=None, description="Its own id, where it was given one.")
    text: str | None = Field(default=None, description="The beginning of its text, if asked for.")


class FoundDocument(_Row):
    id: str
    title: str | None = None
    text: str | None = Field(default=None, description="The beginning of its text.")


class _Answer(BaseModel):
    total: int = Field(description="How many documents were ranked; the results are the best of them.")
    score_kind: str | None = Field(description="What the scores are; null where there are none.")
    warnings: list[str] = Field(description="What was cut, skipped, repaired or failed.")


class RerankAnswer(_Answer):
    results: list[RankedDocument] = Field(description="Best first.")


class SearchAnswer(_Answer):
    results: list[FoundDocument] = Field(description="Best first.")


def rerank_answer(
    ranking: Ranking, read: Sequence[Fields], places: Sequence[int], top_n: int, *, text: bool, limits: McpLimits
) -> RerankAnswer:
    """``places`` are the positions, in the list that was given, of the documents that were ranked; ``read`` is that
    list.
    """
    rows = [
        RankedDocument(
            index=places[row.index],
            id=without_surrogates(read[places[row.index]].id) or None,
            score=row.score,
            text=beginning(row.candidate, limits) if text else None,
        )
        for row in ranking.top(min(top_n, limits.results))
    ]
    skipped = len(read) - len(places)
    extra = [f"documents without text, left out: {skipped}"] if skipped else []
    return RerankAnswer(
        results=rows,
        total=len(ranking),
        score_kind=kind_of(ranking),
        warnings=words_of(ranking, top_n, limits, extra),
    )


def search_answer(ranking: Ranking, top_n: int, *, text: bool, limits: McpLimits) -> SearchAnswer:
    rows = [
        FoundDocument(
            id=without_surrogates(row.candidate.id),
            title=without_surrogates(row.candidate.title[: limits.characters]) or None,
            score=row.score,
            text=beginning(row.candidate, limits) if text else None,
        )
        for row in ranking.top(min(top_n, limits.results))
    ]
    return SearchAnswer(
        results=rows, total=len(ranking), score_kind=kind_of(ranking), warnings=words_of(ranking, top_n, limits, [])
    )


def kind_of(ranking: Ranking) -> str | None:
    return None if ranking.scores is None or ranking.score_kind is None else ranking.score_kind.value


def words_of(ranking: Ranking, top_n: int, limits: McpLimits, extra: Sequence[str]) -> list[str]:
    """What a reader of the answer must know; the first few, and how many more."""
    words = [*extra, *(f"{note}: {count}" for note, count in ranking.request.notes.items())]
    if ranking.scores_from:
        words.append(f"the scores are those of {ranking.scores_from}; a later stage changed the order")
    words += warnings_of(ranking.steps)
    if top_n > limits.results < len(ranking):
        words.append(f"at most {limits.results} results are given")
    more = len(words) - _MOST_WARNINGS
    return words if more <= 0 else [*words[:_MOST_WARNINGS], f"{more} more"]


def beginning(candidate: Candidate, limits: McpLimits) -> str:
    """The text, cut where it is too long for an answer."""
    text = without_surrogates(candidate.text)
    return text if len(text) <= limits.characters else text[: limits.characters - 1] + "…"
