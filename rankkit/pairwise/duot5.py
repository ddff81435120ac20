"""duoT5: "true" or "false", is Document0 more relevant than Document1 (Pradeep et al., 2021, arXiv 2101.05667)?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rankkit.backends.protocols import PairBatch
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Compare
from rankkit.core.ranking import ScoreKind
from rankkit.judging.batched import FirstWordJudge, logistic
from rankkit.pairwise.texts import texts_of
from rankkit.prompting.loading import load_prompt
from rankkit.prompting.template import PromptTemplate


@dataclass(frozen=True)
class DuoT5Judge(FirstWordJudge[Compare]):
    """P(first beats second) = P(true). Documents that are too long together lose the same number of tokens each; the
    query and the ending lose none.
    """

    prompt: PromptTemplate = field(default_factory=lambda: load_prompt("duot5", "pairwise"))

    needed_by = "duoT5"
    asks, asks_for = "compare", "compares"

    score_kind = ScoreKind.PROBABILITY

    def batches(self, asked: Sequence[BoundQuestion[Compare]]) -> Iterable[PairBatch]:
        rows = [dict(zip(("query", "first", "second"), texts_of(item), strict=True)) for item in asked]
        return self.backend.fill(self.prompt.text, rows)

    def numbers(self, batch: PairBatch) -> Sequence[float]:
        return list(map(logistic, self.log_odds(batch)))
