"""From a ranking to the numbers of a reply: between 0 and 1 where a wire format promises it, raw ones where asked for.

The numbers never rise along the order. Where a ranking has none that can be promised, they come from the rank: 1, 1/2,
1/3, ..., and a warning says so. A document's own number depends on nothing but its own score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise

from rankkit.core.ranking import Ranking, ScoreKind
from rankkit.judging.batched import logistic
from rankkit.server.exchange import Result, ScoreForm, WireRequest, cut

#: What becomes a number between 0 and 1 by itself, whatever else is in the list, and from where to where it may go.
_PROMISED: Mapping[ScoreKind, tuple[float, float, Callable[[float], float]]] = {
    ScoreKind.LOGIT: (-math.inf, math.inf, logistic),
    ScoreKind.PROBABILITY: (0.0, 1.0, float),
    ScoreKind.CALIBRATED: (0.0, 1.0, float),
    ScoreKind.LOG_LIKELIHOOD: (-math.inf, 0.0, math.exp),
    ScoreKind.SIMILARITY: (-1.0, 1.0, lambda cosine: (1.0 + cosine) / 2.0),
}
_BY_RANK = "scores say the rank only (1, 1/2, 1/3, ...)"


def results_of(
    ranking: Ranking, request: WireRequest, *, places: Sequence[int] | None = None, without_text: Sequence[int] = ()
) -> tuple[tuple[Result, ...], tuple[str, ...]]:
    """The results of a reply, best first and cut to ``top_n``, and what has to be said of their numbers.

    ``places`` are the positions in the body's list of the candidates that were ranked: none where these are all of
    them. ``without_text`` are the positions of those that were not ranked for want of words; they come last.
    """
    ranked = (*ranking.order, *(ranking.dropped if request.complete else ()))
    indices = [index if places is None else places[index] for index in ranked]
    indices += without_text
    if not indices:
        return (), ()
    own, words = _own_scores(ranking, request.score_form)
    if own is None:
        numbers = [1.0 / rank for rank in range(1, len(indices) + 1)]
    else:
        scored: list[float | None] = [*own, *[None] * (len(indices) - len(own))]
        if missing := own.count(None) + len(ranked) - len(own):
            words = (*words, f"documents without a score of their own, whose numbers say the place only: {missing}")
        numbers = _filled(scored, request.score_form)
    if without_text:
        count = len(without_text)
        last = f"{count} documents without text stand last" if count > 1 else "1 document without text stands last"
        words = (*words, last)
    return cut([Result(*row) for row in zip(indices, numbers, strict=True)], request.top_n), words


def _own_scores(ranking: Ranking, form: ScoreForm) -> tuple[list[float | None] | None, tuple[str, ...]]:
    """The numbers along the order that the model's own scores give, or none, and the words about it."""
    kind, given = ranking.score_kind, [row.score for row in ranking]
    known = [score for score in given if score is not None]
    if reason := _unusable(ranking, known):
        return None, (f"{_BY_RANK}: {reason}",) if len(ranking.request) else ()
    if form == "raw" and ranking.calibrated_by is not None:
        return [row.raw_score for row in ranking], ()
    if form == "raw":
        probabilities = kind == ScoreKind.PROBABILITY
        return given, ("raw scores were asked for: this reranker gives probabilities",) if probabilities else ()
    if kind is None or kind not in _PROMISED:
        return None, (f"{_BY_RANK}: those of this reranker ({_named(kind)}) do not lie between 0 and 1",)
    lowest, highest, promised = _PROMISED[kind]
    if not all(lowest <= score <= highest for score in known):
        return None, (f"{_BY_RANK}: those of this reranker ({_named(kind)}) are outside {lowest:g} to {highest:g}",)
    return [None if score is None else promised(score) for score in given], ()


def _unusable(ranking: Ranking, known: Sequence[float]) -> str:
    if not known:
        return "this reranker gives an order without scores"
    if ranking.scores_from:
        return f"the last scores are those of {ranking.scores_from}, an earlier stage, and the order is not"
    if any(later > earlier for earlier, later in pairwise(known)):
        return "those of this reranker do not fall along its order"
    return ""


def _named(kind: ScoreKind | None) -> str:
    return "of a kind that it does not name" if kind is None else kind.value


def _filled(scores: Sequence[float | None], form: ScoreForm) -> list[float]:
    """Numbers for those without: evenly between their neighbours. At the ends they go on to 1 and 0, or in steps of 1
    where scores are raw.
    """
    places = [place for place, score in enumerate(scores) if score is not None]
    known = [float(score) for score in scores if score is not None]
    before, after = places[0], len(scores) - 1 - places[-1]
    top, bottom = (1.0, 0.0) if form == "promised" else (known[0] + before + 1, known[-1] - after - 1)
    marks = [(-1, top), *zip(places, known, strict=True), (len(scores), bottom)]
    numbers: list[float] = []
    for (left, high), (right, low) in pairwise(marks):
        share = [(place - left) / (right - left) for place in range(left + 1, right)]
        numbers += [high * (1.0 - part) + low * part for part in share]
        numbers += [low] if right < len(scores) else []
    # Rounding must not turn two of them round.
    return list(accumulate(numbers, min))
