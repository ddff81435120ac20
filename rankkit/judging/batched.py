"""What judges have in common whose model reads a batch of texts at once: cross-encoders, monoT5, duoT5."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Generic, TypeVar

from rankkit.backends.protocols import PairBatch, TargetScorer, require
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Compare, Score
from rankkit.core.ranking import Request
from rankkit.core.usage import Usage
from rankkit.errors import PromptError
from rankkit.judging.on_backend import B, BackendJudge
from rankkit.prompting.template import PromptTemplate

Q = TypeVar("Q", Score, Compare)


@dataclass(frozen=True)
class BatchJudge(BackendJudge[B], Generic[B, Q]):
    """One call a batch, one number a question. Subclasses say what is read, and what is made of the model's numbers."""

    #: What the backend must be able to do, and who needs it.
    capability: ClassVar[type]
    needed_by: ClassVar[str]

    def __post_init__(self) -> None:
        require(self.backend, self.capability, by=self.needed_by)

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"model": f"{self.backend.name}@{self.backend.fingerprint}"}

    def max_group_size(self, request: Request) -> int | None:
        return None

    @abstractmethod
    def batches(self, asked: Sequence[BoundQuestion[Q]]) -> Iterable[PairBatch]:
        """The questions as the model reads them, each in one batch."""

    @abstractmethod
    def numbers(self, batch: PairBatch) -> Sequence[float]:
        """Run the model; one answer a question, along the batch's positions."""

    def prepare(self, asked: Sequence[BoundQuestion[Q]]) -> Iterator[Call[float]]:
        for batch in self.batches(asked):
            yield Call(batch.positions, Usage(calls=1, input_tokens=sum(batch.tokens)), partial(self._run, batch))

    def _run(self, batch: PairBatch) -> list[Reply[float]]:
        return [
            Reply(Answer(number), Usage(calls=int(row == 0), input_tokens=batch.tokens[row]), _notes(batch, row))
            for row, number in enumerate(self.numbers(batch))
        ]


@dataclass(frozen=True)
class FirstWordJudge(BatchJudge[TargetScorer, Q]):
    """Which of two target words would the model write first? They are ``yes`` and ``no`` under ``[answer]`` of the
    prompt, and the probability is shared between these two only.

    Raises:
        CapabilityMissing: the backend gives no probabilities of target words.
        InvalidModel: a target word is not one token of the model.
        PromptError: the prompt asks something else, or is for a chat model.
    """

    prompt: PromptTemplate

    capability = TargetScorer
    #: The kind of question that the prompt must put, and that in words.
    asks: ClassVar[str]
    asks_for: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prompt.question != self.asks or not self.prompt.text:
            raise PromptError(
                f"prompt {self.prompt.name!r} is no plain text that {self.asks_for}; {self.needed_by} reads one",
                hint=f'Take {self.needed_by.lower()}, or a file with question = "{self.asks}" and one text.',
            )
        if self.prompt.takes_instruction:
            raise PromptError(
                f"prompt {self.prompt.name!r} has $instruction; a model that reads its text to the letter was trained "
                "without",
                hint="Leave it out, or take a language model.",
            )
        _ = self._targets

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {**super().fingerprints, "prompt": f"{self.prompt.name}@{self.prompt.fingerprint}"}

    @property
    def _targets(self) -> tuple[int, ...]:
        return self.backend.target_tokens([self.prompt.answers("yes"), self.prompt.answers("no")])

    def log_odds(self, batch: PairBatch) -> list[float]:
        """Of the first target word against the second."""
        return [yes - no for yes, no in self.backend.score_targets(batch, self._targets)]


def _notes(batch: PairBatch, row: int) -> tuple[str, ...]:
    marks = {"document shortened": batch.shortened[row], "query shortened": batch.query_shortened[row]}
    return (*(note for note, holds in marks.items() if holds), *(batch.notes[row] if batch.notes else ()))


def logistic(log_odds: float) -> float:
    """1 / (1 + e^-x), without overflow. NaN stays NaN, and is refused as an answer."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    power = math.exp(log_odds)
    return power / (1.0 + power)


def log_logistic(log_odds: float) -> float:
    """The logarithm of ``logistic``, finite for every finite number."""
    if log_odds >= 0:
        return -math.log1p(math.exp(-log_odds))
    return log_odds - math.log1p(math.exp(log_odds))
