"""How probable a language model finds the query behind a passage (Ponte and Croft 1998; with language models of today
Sachan et al. 2022, "Improving Passage Retrieval with Zero-Shot Question Generation", arXiv 2204.07496).
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

from rankkit.backends.protocols import ContinuationScorer
from rankkit.core.judge import BoundQuestion, Reply
from rankkit.core.questions import Answer, Outcome, Score
from rankkit.core.ranking import Request, ScoreKind
from rankkit.judging.fitting import Fit
from rankkit.judging.language_model import LanguageModel
from rankkit.pointwise.prompted import PassageJudge


@dataclass(frozen=True)
class QueryLikelihoodJudge(PassageJudge):
    """log P(query | passage), summed over the query's tokens. Only within one query do the scores compare: a long query
    is less probable than a short one behind any passage.

    ``continuation`` under ``[answer]`` of the prompt is what is scored, with ``$query`` in it. Nothing has to follow
    instructions, so a base model does as well as a chat model.
    """

    method = "likelihood"
    capability = ContinuationScorer
    score_kind = ScoreKind.LOG_LIKELIHOOD

    def __post_init__(self) -> None:
        super().__post_init__()
        self.template.answers("continuation")

    def _continuation(self, request: Request) -> str:
        said = self.template.said_of(request.query.text, request.query.instruction)
        return Template(self.template.answers("continuation")).substitute(said)

    def answer_tokens(self, request: Request) -> int:
        return self.backend.count_tokens(self._continuation(request)) + 1

    def tokens_of(self, fitted: Fit, room: int) -> tuple[int, int]:
        return fitted.tokens + room, 0  # read, not written

    async def ask(self, item: BoundQuestion[Score], fitted: Fit, model: LanguageModel) -> Reply[float]:
        notes = ("passage shortened",) * fitted.shortened
        scored = await model.score_continuations_async(fitted.prompt, [self._continuation(item.request)])
        if scored.refused:
            return Reply(Answer(None, Outcome.REFUSED, ("refused",)), scored.usage, notes)
        [found] = scored.log_probabilities
        answer: Answer[float] = Answer(None, Outcome.UNREADABLE, ("unseen",)) if found is None else Answer(found)
        return Reply(answer, scored.usage, (*notes, *scored.notes))
