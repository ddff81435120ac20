"""Relevant or not: documents in, those that are relevant out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rankkit.config.kinds import Paradigm
from rankkit.config.loading import borrowed
from rankkit.core.documents import OnEmpty
from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Query, Ranking
from rankkit.core.usage import Budget


def filter(  # noqa: PLR0913 - what it does; the keywords of rerank
    query: str | Query,
    documents: Iterable[object],
    *,
    model: str | Path | Mapping[str, object] | None = None,
    paradigm: Paradigm | None = None,
    options: Mapping[str, object] | None = None,
    at_least: float = 0.5,
    budget: Budget | None = None,
    progress: OnProgress | None = None,
    on_empty: OnEmpty = "error",
    instruction: str = "",
) -> Ranking:
    """The documents that are relevant with a probability of ``at_least`` so much, best first; perhaps none. The others
    are in ``Ranking.dropped``, and the last step's notes say what was decided on: a calibrated probability of
    relevance, a model's own (of Yes against No, say), or a service's score between 0 and 1, which are not calibrated.

    The other keywords are those of ``rankkit.rerank``. What cannot be decided is an error: nothing passes unseen.

    Raises:
        ConfigError: the model gives no probability of relevance; says what to do.
        BudgetExhausted: a limit was reached before every document was scored.
    """
    with borrowed(model, paradigm, options) as reranker:
        kept = reranker.on_failure("raise").keep_if(at_least)
        return kept.rerank(
            query, documents, budget=budget, progress=progress, on_empty=on_empty, instruction=instruction
        )
