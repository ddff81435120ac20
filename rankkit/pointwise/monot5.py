"""monoT5: is "true" or "false" the first word that the model would write (Nogueira et al., 2020, arXiv 2003.06713)?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from rankkit.backends.protocols import PairBatch, TargetScorer, require
from rankkit.errors import PromptError
from rankkit.judge import Asked, Call, Reply
from rankkit.prompt import PromptTemplate, load_prompt
from rankkit.questions import Answer, Score
from rankkit.ranking import Request, ScoreKind
from rankkit.usage import Usage


@dataclass(frozen=True)
class MonoT5Judge:
    """Scores each candidate by log P(true), the probability being shared between the two target words only.

    ``scores="probability"`` gives P(true) itself, for thresholds between 0 and 1; the order is the same. The target
    words are ``yes`` and ``no`` under ``[answer]`` of the prompt.

    Raises:
        CapabilityMissing: the backend gives no probabilities of target words.
        InvalidModel: a target word is not one token of the model.
        PromptError: the prompt asks something else, or is for a chat model.
    """

    backend: TargetScorer
    scores: Literal["log-probability", "probability"] = "log-probability"
    prompt: PromptTemplate = field(default_factory=lambda: load_prompt("monot5", "pointwise"))

    def __post_init__(self) -> None:
        require(self.backend, TargetScorer, by="monoT5")
        if self.prompt.question != "score" or not self.prompt.text:
            raise PromptError(
                f"prompt {self.prompt.name!r} is no plain text that asks for a score; monoT5 reads one",
                hint='Take monot5, or a file with question = "score" and one text.',
            )
        _ = self._targets

    @property
    def name(self) -> str:
        return self.backend.name

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {
            "model": f"{self.backend.name}@{self.backend.fingerprint}",
            "prompt": f"{self.prompt.name}@{self.prompt.fingerprint}",
            "scores": self.scores,
        }

    @property
    def score_kind(self) -> ScoreKind:
        return ScoreKind.PROBABILITY if self.scores == "probability" else ScoreKind.LOG_LIKELIHOOD

    @property
    def concurrency(self) -> int:
        return self.backend.concurrency

    @property
    def _targets(self) -> tuple[int, ...]:
        return self.backend.target_tokens([self.prompt.answers("yes"), self.prompt.answers("no")])

    def largest(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[Asked[Score]]) -> Iterable[Call[float]]:
        rows = [
            {"query": item.request.query.text, "passage": item.request.candidates[item.question.index].content}
            for item in asked
        ]
        for batch in self.backend.fill(self.prompt.text, rows):
            yield Call(batch.positions, Usage(calls=1, input_tokens=sum(batch.tokens)), partial(self._run, batch))

    def _run(self, batch: PairBatch) -> list[Reply[float]]:
        found = self.backend.score_targets(batch, self._targets)
        logs = [_log_share(yes, no) for yes, no in found]
        values = [math.exp(log) for log in logs] if self.scores == "probability" else logs
        return [
            Reply(Answer(value), Usage(calls=int(row == 0), input_tokens=batch.tokens[row]), notes=_notes(batch, row))
            for row, value in enumerate(values)
        ]


def _log_share(yes: float, no: float) -> float:
    """log(e^yes / (e^yes + e^no)), without overflow. NaN stays NaN, and is refused as an answer."""
    behind = no - yes
    return -math.log1p(math.exp(behind)) if behind <= 0 else -behind - math.log1p(math.exp(-behind))


def _notes(batch: PairBatch, row: int) -> tuple[str, ...]:
    marks = {"document shortened": batch.shortened[row], "query shortened": batch.query_shortened[row]}
    return tuple(note for note, holds in marks.items() if holds)
