"""Plain texts in, one number a text out: for callers that know queries, texts and scores, and no rankings.

As with the models that they call otherwise, every text gets a number, also one without words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from rankkit.core.events import logger
from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Candidate, Query, Ranking, Request, ScoreKind
from rankkit.core.text import without_surrogates
from rankkit.errors import InputError
from rankkit.integrations.made_from import RerankerSource
from rankkit.judging.batched import logistic

#: Read in place of a text without words, so that the model scores it as such: tokenizers drop a zero-width space.
_NO_WORDS = "\u200b"

#: What a score is put through, by its kind.
Activation = Callable[[float, ScoreKind | None], float]


def as_it_is(score: float, kind: ScoreKind | None) -> float:
    return score


def as_probability(score: float, kind: ScoreKind | None) -> float:
    """A logit through the logistic function, a log-likelihood through the exponential one; others as they are."""
    match kind:
        case ScoreKind.LOGIT | ScoreKind.LOG_ODDS:
            return logistic(score)
        case ScoreKind.LOG_LIKELIHOOD:
            return math.exp(min(score, 0.0))
    return score


def request_of(query: str | Query, texts: Iterable[str], scores: Sequence[float | None] = ()) -> Request:
    """A request whose candidates are called by their positions: ids of the caller's may repeat, or be missing.
    ``scores`` are the first stage's.

    Raises:
        EmptyQuery, InvalidDocument: as they say.
    """
    asked = query if isinstance(query, Query) else Query(without_surrogates(query) if isinstance(query, str) else query)
    candidates = (
        Candidate(str(place), _readable(text), score=scores[place] if scores else None)
        for place, text in enumerate(texts)
    )
    return Request(asked, tuple(candidates))


def _readable(text: str) -> str:
    if not isinstance(text, str):
        return text  # which Candidate refuses in its own words
    return without_surrogates(text) if text.strip() else _NO_WORDS


def along_order(ranking: Ranking, activation: Activation = as_it_is) -> tuple[float, ...]:
    """A number for each candidate of the order: its score. Where the order is not one by scores (a listwise method, a
    tail that was not scored), 1 / rank for all of them, which a warning in the log says.
    """
    scores = [score for score in ranking.scores or () if score is not None]
    falls = all(first >= second for first, second in pairwise(scores))
    if len(scores) == len(ranking.order) and falls and not ranking.scores_from:
        return tuple(activation(score, ranking.score_kind) for score in scores)
    logger.warning("no score for each candidate in the order of the ranking: 1 / rank is given instead")
    return _by_rank(len(ranking.order))


def along_request(ranking: Ranking, activation: Activation = as_it_is) -> list[float]:
    """A number for each candidate of the request, along it: see ``along_order``. Where a stage dropped some, it is
    1 / rank for all, the dropped ones behind the others.
    """
    places = (*ranking.order, *ranking.dropped)
    if ranking.dropped:
        logger.warning("candidates were dropped, but each must have a number: 1 / rank is given instead")
    numbers = _by_rank(len(places)) if ranking.dropped else along_order(ranking, activation)
    return [number for _, number in sorted(zip(places, numbers, strict=True))]


def _by_rank(count: int) -> tuple[float, ...]:
    return tuple(1.0 / rank for rank in range(1, count + 1))


def pair_numbers(
    source: RerankerSource,
    pairs: Sequence[tuple[str, str]],
    *,
    activation: Activation = as_it_is,
    progress: OnProgress | None = None,
) -> list[float]:
    """A number for each (query, text), along the pairs. Those of one query are ranked together, all queries at once.

    Raises:
        InputError: a pair without a query; says which.
        InvalidDocument: a text that is no string.
    """
    inside: dict[str, list[int]] = {}
    for place, (query, _) in enumerate(pairs):
        if not isinstance(query, str) or not query.strip():
            raise InputError(f"pair {place} has no query", hint="A pair is (query, text), both strings.")
        inside.setdefault(query, []).append(place)
    if not inside:
        return []
    requests = [request_of(query, [pairs[place][1] for place in places]) for query, places in inside.items()]
    rankings = source.reranker().rank_many(requests, progress=progress)
    numbers = [0.0] * len(pairs)
    for ranking, places in zip(rankings, inside.values(), strict=True):
        for place, number in zip(places, along_request(ranking, activation), strict=True):
            numbers[place] = number
    return numbers
