"""A cross-encoder as a judge: query and document are read together, one score comes out (Nogueira and Cho, 2019,
arXiv 1901.04085).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from rankkit.backends.protocols import PairBatch, PairScorer, require
from rankkit.judge import Asked, Call, Reply
from rankkit.questions import Answer, Score
from rankkit.ranking import Request, ScoreKind
from rankkit.usage import Usage


@dataclass(frozen=True)
class CrossEncoderJudge:
    """Scores each candidate's title and text against the query.

    ``scores="probability"`` puts the logit through the logistic function, for thresholds between 0 and 1; the order
    is the same.
    """

    backend: PairScorer
    scores: Literal["logit", "probability"] = "logit"

    def __post_init__(self) -> None:
        require(self.backend, PairScorer, by="a cross-encoder judge")

    @property
    def name(self) -> str:
        return self.backend.name

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"model": f"{self.backend.name}@{self.backend.fingerprint}", "scores": self.scores}

    @property
    def score_kind(self) -> ScoreKind:
        return ScoreKind.PROBABILITY if self.scores == "probability" else self.backend.score_kind

    @property
    def concurrency(self) -> int:
        return self.backend.concurrency

    def largest(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[Asked[Score]]) -> Iterable[Call[float]]:
        pairs = [(item.request.query.text, item.request.candidates[item.question.index].content) for item in asked]
        for batch in self.backend.batches(pairs):
            bound = Usage(calls=1, input_tokens=sum(batch.tokens))
            yield Call(batch.positions, bound, partial(self._run, batch))

    def _run(self, batch: PairBatch) -> list[Reply[float]]:
        values = self.backend.score(batch)
        if self.scores == "probability":
            values = [_logistic(value) for value in values]
        return [
            Reply(
                Answer(value),
                Usage(calls=1 if row == 0 else 0, input_tokens=batch.tokens[row]),
                notes=_notes(batch, row),
            )
            for row, value in enumerate(values)
        ]


def _notes(batch: PairBatch, row: int) -> tuple[str, ...]:
    marks = {"document shortened": batch.shortened[row], "query shortened": batch.query_shortened[row]}
    return tuple(note for note, holds in marks.items() if holds)


def _logistic(logit: float) -> float:
    """1 / (1 + e^-x), without overflow for very negative logits. NaN stays NaN, and is refused as an answer."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1.0 + power)
