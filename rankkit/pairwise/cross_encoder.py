"""A cross-encoder trained on a query and two documents (duoBERT; Nogueira et al., 2019, arXiv 1910.14424)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rankkit.backends.protocols import DuoScorer, PairBatch
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Compare
from rankkit.core.ranking import ScoreKind
from rankkit.judging.batched import BatchJudge, logistic
from rankkit.pairwise.texts import texts_of


@dataclass(frozen=True)
class DuoEncoderJudge(BatchJudge[DuoScorer, Compare]):
    """P(first beats second) is the logistic function of the model's logit for (query, first, second)."""

    capability = DuoScorer
    needed_by = "a judge with a cross-encoder for two documents"

    score_kind = ScoreKind.PROBABILITY

    def batches(self, asked: Sequence[BoundQuestion[Compare]]) -> Iterable[PairBatch]:
        return self.backend.duos([texts_of(item) for item in asked])

    def numbers(self, batch: PairBatch) -> Sequence[float]:
        return list(map(logistic, self.backend.score(batch)))
