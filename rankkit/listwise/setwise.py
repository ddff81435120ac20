"""Which one of a few passages is the best? (Zhuang et al., "A Setwise Approach", arXiv 2310.09497)"""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.backends.language.pricing import estimate_order_tokens
from rankkit.backends.protocols import ContinuationScorer, PermutationDecoder, TextGenerator
from rankkit.core.judge import BoundQuestion, Reply
from rankkit.core.questions import Answer, Choose, Order, Outcome
from rankkit.core.usage import Usage
from rankkit.judging.language_model import LanguageModel
from rankkit.judging.window import Fitted
from rankkit.judging.windowed import WindowJudge, outcome_of, refused_reply, shortened_notes
from rankkit.listwise.generate import read_answer


@dataclass(frozen=True)
class SetwiseJudge(WindowJudge[Choose, int]):
    """By the log-probabilities of the identifiers."""

    method = "setwise"
    capability = ContinuationScorer
    asks = "choose"

    def answer_tokens(self, count: int) -> int:
        return 4 * count

    async def ask(self, item: BoundQuestion[Choose], fitted: Fitted, model: LanguageModel) -> Reply[int]:
        opening = self.template.answers("opening", "")
        scored = await model.score_continuations_async(fitted.prompt, [opening + label for label in fitted.labels])
        if scored.refused:
            return refused_reply(scored.usage, fitted)
        values = {place: value for place, value in enumerate(scored.log_probabilities) if value is not None}
        notes = (*shortened_notes(fitted), *scored.notes)
        if not values:
            return Reply(Answer(None, Outcome.UNREADABLE, ("unseen",)), scored.usage, notes, said="")
        best = max(values, key=lambda place: values[place])
        defects = ("unseen",) if len(values) < len(fitted.labels) else ()
        answer = Answer(item.question.indices[best], outcome_of(defects), defects)
        return Reply(answer, scored.usage, notes, said=fitted.labels[best])


@dataclass(frozen=True)
class SetwiseConstrainedJudge(WindowJudge[Choose, int]):
    """By an answer that can only be an identifier, for backends that show no log-probabilities."""

    method = "setwise"
    variant = "by constraint"
    capability = PermutationDecoder
    asks = "choose"

    def bound(self, fitted: Fitted) -> Usage:
        opening = self.template.answers("opening", "")
        return self.bound_of(fitted, estimate_order_tokens(fitted.labels, 1, opening=opening))

    async def ask(self, item: BoundQuestion[Choose], fitted: Fitted, model: LanguageModel) -> Reply[int]:
        opening = self.template.answers("opening", "")
        permuted = await model.permute_async(fitted.prompt, fitted.labels, top=1, opening=opening)
        if permuted.refused:
            return refused_reply(permuted.usage, fitted)
        [best] = permuted.order
        answer = Answer(item.question.indices[best])
        return Reply(answer, permuted.usage, shortened_notes(fitted), said=fitted.labels[best])


@dataclass(frozen=True)
class SetwiseTextJudge(WindowJudge[Choose, int]):
    """By what the model writes, for backends that neither show log-probabilities nor take a constraint."""

    method = "setwise"
    variant = "by text"
    capability = TextGenerator
    asks = "choose"

    async def ask(self, item: BoundQuestion[Choose], fitted: Fitted, model: LanguageModel) -> Reply[int]:
        generated = await model.generate_async(fitted.prompt, max_tokens=self.answer_tokens(len(fitted.labels)))
        named = _named(generated.text, fitted.labels)
        if named is None:
            question = Order(item.question.indices, top=1)
            order = read_answer(question, generated.text, labels=fitted.labels, finish=generated.finish)
            best = None if order.value is None else order.value[0]
            answer = Answer(best, order.outcome, order.defects)
        else:
            answer = Answer(item.question.indices[named])
        return Reply(answer, generated.usage, shortened_notes(fitted), said=generated.text)


def _named(text: str, labels: tuple[str, ...]) -> int | None:
    """The label that is the whole answer, with or without marks and the word that the prompt puts before it."""
    label = text.strip().removeprefix("Passage").strip(" .[]()*:\n").upper()
    return labels.index(label) if label in labels else None
