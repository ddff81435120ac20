"""Plain texts in, one number a text out: for callers that know queries, texts and scores, and no rankings.

A text without any words comes last: no model is asked about it, and where it must have a number, it is the lowest of
its list. In a list of nothing else it is what the model makes of an empty text, as it is with one pair by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rankkit.core.events import logger
from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Candidate, Query, Ranking, Request, ScoreKind
from rankkit.core.text import without_surrogates
from rankkit.errors import InputError
from rankkit.integrations.made_from import RerankerSource
from rankkit.judging.batched import logistic

#: Read in place of a text without words where there is no other: tokenizers drop a zero-width space.
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


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a query: a request of those that a model is asked about, the places of these among all, and the
    places of those without words, which come last.
    """

    request: Request
    places: Sequence[int]
    without_words: Sequence[int] = ()

    @classmethod
    def of(cls, query: str | Query, texts: Iterable[str], scores: Sequence[float | None] = ()) -> Texts:
        """Candidates are called by their places: ids of the caller's may repeat, or be missing. ``scores`` are the
        first stage's.

        Raises:
            EmptyQuery, InvalidDocument: as they say.
        """
        asked = without_surrogates(query) if isinstance(query, str) else query
        given = list(texts)
        empty = [place for place, text in enumerate(given) if isinstance(text, str) and not text.strip()]
        last = set(empty) if len(empty) < len(given) else set()
        places = [place for place in range(len(given)) if place not in last]
        candidates = (
            Candidate(str(place), _readable(given[place]), score=scores[place] if scores else None) for place in places
        )
        request = Request(asked if isinstance(asked, Query) else Query(asked), tuple(candidates))
        if last:
            logger.warning("documents without text, left at the end (%d)", len(last))
        return cls(request, places, sorted(last))

    def order(self, ranking: Ranking) -> list[int]:
        """The places of the texts, best first. Behind a cut there is none for what would have been cut first."""
        return [*(self.places[index] for index in ranking.order), *(() if ranking.dropped else self.without_words)]

    def numbers(self, ranking: Ranking, activation: Activation = as_it_is) -> list[float]:
        """A number for each of ``order``, along it: see ``along_order``."""
        numbers = along_order(ranking, activation)
        return [*numbers, *[min(numbers, default=0.0)] * (len(self.order(ranking)) - len(numbers))]

    def numbers_of_all(self, ranking: Ranking, activation: Activation = as_it_is) -> list[float]:
        """A number for each of the texts, in their own order: see ``along_request``."""
        known = along_request(ranking, activation)
        numbers = dict(zip(self.places, known, strict=True))
        lowest = min(known, default=0.0)
        return [numbers.get(place, lowest) for place in range(len(self.places) + len(self.without_words))]


def _readable(text: str) -> str:
    if not isinstance(text, str):
        return text  # which Candidate refuses in its own words
    return without_surrogates(text) if text.strip() else _NO_WORDS


def has_scores(ranking: Ranking) -> bool:
    """Whether each candidate of the order has a score, by which they stand in this order."""
    scores = [score for score in ranking.scores or () if score is not None]
    falls = all(first >= second for first, second in pairwise(scores))
    return len(scores) == len(ranking.order) and falls and not ranking.scores_from


def along_order(ranking: Ranking, activation: Activation = as_it_is) -> tuple[float, ...]:
    """A number for each candidate of the order: its score. Where the order is not one by scores (a listwise method, a
    tail that was not scored), 1 / rank for all of them, which a warning in the log says.
    """
    if has_scores(ranking):
        return tuple(activation(row.score, ranking.score_kind) for row in ranking if row.score is not None)
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
    asked = [Texts.of(query, [pairs[place][1] for place in places]) for query, places in inside.items()]
    rankings = source.reranker().rank_many([texts.request for texts in asked], progress=progress)
    numbers = [0.0] * len(pairs)
    for texts, ranking, places in zip(asked, rankings, inside.values(), strict=True):
        for place, number in zip(places, texts.numbers_of_all(ranking, activation), strict=True):
            numbers[place] = number
    return numbers
