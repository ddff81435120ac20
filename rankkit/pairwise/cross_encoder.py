"""A cross-encoder trained on a query and two documents (duoBERT; Nogueira et al., 2019, arXiv 1910.14424)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rankkit.backends.protocols import DuoScorer, require
from rankkit.judge import Asked, Call
from rankkit.pairwise.batches import calls_of, texts_of
from rankkit.questions import Compare
from rankkit.ranking import Request, ScoreKind


@dataclass(frozen=True)
class DuoEncoderJudge:
    """P(first beats second) is the logistic function of the model's logit for (query, first, second)."""

    backend: DuoScorer

    def __post_init__(self) -> None:
        require(self.backend, DuoScorer, by="a judge with a cross-encoder for two documents")

    @property
    def name(self) -> str:
        return self.backend.name

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"model": f"{self.backend.name}@{self.backend.fingerprint}"}

    @property
    def score_kind(self) -> ScoreKind:
        return ScoreKind.PROBABILITY

    @property
    def concurrency(self) -> int:
        return self.backend.concurrency

    def largest(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[Asked[Compare]]) -> Iterable[Call[float]]:
        return calls_of(self.backend.duos([texts_of(item) for item in asked]), self.backend.score)
