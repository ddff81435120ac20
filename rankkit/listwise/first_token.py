"""Order by the log-probability of each identifier as the first thing said; nothing is decoded.

Reddy et al., "FIRST: Faster Improved Listwise Reranking with Single Token Decoding", arXiv 2406.15657.
"""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.backends.protocols import ContinuationScorer
from rankkit.core.judge import BoundQuestion, Reply
from rankkit.core.questions import Answer, Order, Outcome
from rankkit.judging.language_model import LanguageModel
from rankkit.judging.window import Fitted
from rankkit.judging.windowed import WindowJudge, completed, outcome_of, refused_reply, shortened_notes


@dataclass(frozen=True)
class FirstTokenJudge(WindowJudge[Order, tuple[int, ...]]):
    """Identifiers of several tokens count with all of them, and "1" without the cases in which "10" is meant.

    Those that the backend does not show follow in their old order, a counted defect; if it shows none, nothing was
    learned. An endpoint shows the top few first tokens only: where its model writes 10 as 1 and 0, neither "1" nor "10"
    is seen. Over one, use a prompt with letters and a window of 20 at most.
    """

    method = "first-token"
    capability = ContinuationScorer

    def answer_tokens(self, count: int) -> int:
        # Nothing is said, but identifiers of several tokens are computed beyond the prompt.
        return 4 * count

    async def ask(self, item: BoundQuestion[Order], fitted: Fitted, model: LanguageModel) -> Reply[tuple[int, ...]]:
        opening = self.template.answers("opening", "")
        scored = await model.score_continuations_async(fitted.prompt, [opening + label for label in fitted.labels])
        if scored.refused:
            return refused_reply(scored.usage, fitted)
        values = dict(enumerate(scored.log_probabilities))
        seen = {place: value for place, value in values.items() if value is not None}
        named = sorted(seen, key=lambda place: -seen[place])
        defects = ("unseen",) if len(seen) < len(values) else ()
        if not seen:
            answer: Answer[tuple[int, ...]] = Answer(None, Outcome.UNREADABLE, defects)
        else:
            answer = Answer(completed(named, item.question.indices), outcome_of(defects), defects)
        said = " > ".join(fitted.labels[place] for place in named)
        return Reply(answer, scored.usage, (*shortened_notes(fitted), *scored.notes), said=said)
