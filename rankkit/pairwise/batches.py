"""What the judges of pairs that a local model reads have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from rankkit.backends.protocols import PairBatch
from rankkit.judge import Asked, Call, Reply
from rankkit.questions import Answer, Compare
from rankkit.usage import Usage


def texts_of(asked: Asked[Compare]) -> tuple[str, str, str]:
    """Query, first and second document, as a model reads them."""
    candidates = asked.request.candidates
    first, second = asked.question.indices
    return asked.request.query.text, candidates[first].content, candidates[second].content


def calls_of(batches: Iterable[PairBatch], log_odds: Callable[[PairBatch], Sequence[float]]) -> Iterable[Call[float]]:
    """One call a batch, which answers with the probabilities of the log-odds that the first is the better one."""
    for batch in batches:
        yield Call(batch.positions, Usage(calls=1, input_tokens=sum(batch.tokens)), partial(_run, batch, log_odds))


def _run(batch: PairBatch, log_odds: Callable[[PairBatch], Sequence[float]]) -> list[Reply[float]]:
    return [
        Reply(Answer(logistic(value)), Usage(calls=int(row == 0), input_tokens=batch.tokens[row]), _notes(batch, row))
        for row, value in enumerate(log_odds(batch))
    ]


def _notes(batch: PairBatch, row: int) -> tuple[str, ...]:
    marks = {"document shortened": batch.shortened[row], "query shortened": batch.query_shortened[row]}
    return tuple(note for note, holds in marks.items() if holds)


def logistic(log_odds: float) -> float:
    """1 / (1 + e^-x), without overflow. NaN stays NaN, and is refused as an answer."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    power = math.exp(log_odds)
    return power / (1.0 + power)
