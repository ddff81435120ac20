"""monoT5: is "true" or "false" the first word that the model would write (Nogueira et al., 2020, arXiv 2003.06713)?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rankkit.backends.protocols import PairBatch
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Score
from rankkit.core.ranking import ScoreKind
from rankkit.judging.batched import FirstWordJudge, log_logistic, logistic
from rankkit.prompting.loading import load_prompt
from rankkit.prompting.template import PromptTemplate


@dataclass(frozen=True)
class MonoT5Judge(FirstWordJudge[Score]):
    """Scores each candidate by log P(true); ``scores="probability"`` gives P(true) itself, for thresholds between 0
    and 1. The order is the same.
    """

    prompt: PromptTemplate = field(default_factory=lambda: load_prompt("monot5", "pointwise"))
    scores: Literal["log-probability", "probability"] = "log-probability"

    needed_by = "monoT5"
    asks, asks_for = "score", "asks for a score"

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {**super().fingerprints, "scores": self.scores}

    @property
    def score_kind(self) -> ScoreKind:
        return ScoreKind.PROBABILITY if self.scores == "probability" else ScoreKind.LOG_LIKELIHOOD

    def batches(self, asked: Sequence[BoundQuestion[Score]]) -> Iterable[PairBatch]:
        rows = [
            {"query": item.request.query.text, "passage": item.request.candidates[item.question.index].content}
            for item in asked
        ]
        return self.backend.fill(self.prompt.text, rows)

    def numbers(self, batch: PairBatch) -> Sequence[float]:
        return list(map(logistic if self.scores == "probability" else log_logistic, self.log_odds(batch)))
