"""What the judges of pairs show a model."""

from __future__ import annotations

from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Compare


def texts_of(asked: BoundQuestion[Compare]) -> tuple[str, str, str]:
    """Query, first and second document, as a model reads them."""
    candidates = asked.request.candidates
    first, second = asked.question.indices
    return asked.request.query.text, candidates[first].content, candidates[second].content
