"""A cross-encoder as a judge: query and document are read together, one score comes out (Nogueira and Cho, 2019,
arXiv 1901.04085).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rankkit.backends.protocols import PairBatch, PairScorer
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Score
from rankkit.core.ranking import ScoreKind
from rankkit.judging.batched import BatchJudge, logistic


@dataclass(frozen=True)
class CrossEncoderJudge(BatchJudge[PairScorer, Score]):
    """Scores each candidate's title and text against the query.

    ``scores="probability"`` puts the logit through the logistic function, for thresholds between 0 and 1; the order
    is the same.
    """

    scores: Literal["logit", "probability"] = "logit"

    capability = PairScorer
    needed_by = "a cross-encoder judge"

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {**super().fingerprints, "scores": self.scores}

    @property
    def score_kind(self) -> ScoreKind:
        return ScoreKind.PROBABILITY if self.scores == "probability" else self.backend.score_kind

    def batches(self, asked: Sequence[BoundQuestion[Score]]) -> Iterable[PairBatch]:
        return self.backend.batches(
            [(item.request.query.text, item.request.candidates[item.question.index].content) for item in asked]
        )

    def numbers(self, batch: PairBatch) -> Sequence[float]:
        logits = self.backend.score(batch)
        return list(map(logistic, logits)) if self.scores == "probability" else logits
