"""duoT5: "true" or "false", is Document0 more relevant than Document1 (Pradeep et al., 2021, arXiv 2101.05667)?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rankkit.backends.protocols import PairBatch, TargetScorer, require
from rankkit.errors import PromptError
from rankkit.judge import Asked, Call
from rankkit.pairwise.batches import calls_of, texts_of
from rankkit.prompt import PromptTemplate, load_prompt
from rankkit.questions import Compare
from rankkit.ranking import Request, ScoreKind


@dataclass(frozen=True)
class DuoT5Judge:
    """P(first beats second) = P(true), the probability being shared between the two target words only.

    Documents that are too long together lose the same number of tokens each; the query and the ending lose none. The
    target words are ``yes`` and ``no`` under ``[answer]`` of the prompt.

    Raises:
        CapabilityMissing: the backend gives no probabilities of target words.
        InvalidModel: a target word is not one token of the model.
        PromptError: the prompt asks something else, or is for a chat model.
    """

    backend: TargetScorer
    prompt: PromptTemplate = field(default_factory=lambda: load_prompt("duot5", "pairwise"))

    def __post_init__(self) -> None:
        require(self.backend, TargetScorer, by="duoT5")
        if self.prompt.question != "compare" or not self.prompt.text:
            raise PromptError(
                f"prompt {self.prompt.name!r} is no plain text that compares; duoT5 reads one",
                hint='Take duot5, or a file with question = "compare" and one text.',
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
        }

    @property
    def score_kind(self) -> ScoreKind:
        return ScoreKind.PROBABILITY

    @property
    def concurrency(self) -> int:
        return self.backend.concurrency

    @property
    def _targets(self) -> tuple[int, ...]:
        return self.backend.target_tokens([self.prompt.answers("yes"), self.prompt.answers("no")])

    def largest(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[Asked[Compare]]) -> Iterable[Call[float]]:
        rows = [dict(zip(("query", "first", "second"), texts_of(item), strict=True)) for item in asked]
        return calls_of(self.backend.fill(self.prompt.text, rows), self._log_odds)

    def _log_odds(self, batch: PairBatch) -> list[float]:
        return [yes - no for yes, no in self.backend.score_targets(batch, self._targets)]
