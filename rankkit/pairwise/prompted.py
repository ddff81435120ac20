"""A language model asked "A or B?" (Qin et al. 2023, "Large Language Models are Effective Text Rankers with Pairwise
Ranking Prompting", arXiv 2306.17563).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rankkit.backends.protocols import ContinuationScorer, TextGenerator, require
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Compare, Outcome
from rankkit.core.ranking import Request
from rankkit.errors import ConfigError, PromptError
from rankkit.judging.fitting import Fit, fit
from rankkit.judging.language_model import LanguageModel, call_of
from rankkit.judging.on_backend import LanguageModelJudge
from rankkit.pairwise.verdict import read_verdict

#: An answer is one letter; some models cannot help putting a few words around it.
_ANSWER_TOKENS = 16


@dataclass(frozen=True)
class PromptedJudge(LanguageModelJudge):
    """P(first beats second), in the order shown.

    With ``by="log-probabilities"`` it is the share of the first label in the probability of both; with ``by="text"``
    the label that was written, 1 or 0. Strategies ask both orders and average: a model that wins both has 1, one that
    answers by position has 0.5. Comparisons with the same first document go out one after the other, so that a
    backend which keeps the beginning of a prompt (GGUF) computes instructions, query and first document once.
    """

    passage_tokens: int = 300
    by_text: bool = False

    method = "prompted"
    score_kind = None

    def __post_init__(self) -> None:
        require(
            self.backend,
            self.capability,
            by="a pairwise prompt read " + ("as text" if self.by_text else "by log-probabilities"),
        )
        if self.template.question != "compare":
            raise PromptError(f"prompt {self.template.name!r} puts a {self.template.question} question, not compare")
        if self.passage_tokens < 1:
            raise ConfigError(f"passage_tokens is {self.passage_tokens}", hint="Give 1 or more.")
        self.template.answers("first"), self.template.answers("second")

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {
            "model": f"{self.backend.name}@{self.backend.fingerprint}",
            "prompt": f"{self.template.name}@{self.template.fingerprint}",
            "method": "text" if self.by_text else "log-probabilities",
            "passage_tokens": str(self.passage_tokens),
        }

    @property
    def capability(self) -> type:
        """What the backend must be able to do."""
        return TextGenerator if self.by_text else ContinuationScorer

    def max_group_size(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[BoundQuestion[Compare]]) -> Iterable[Call[float]]:
        # In the order in which requests and their first documents come up, which is the same in every process.
        requests = {id(item.request): place for place, item in reversed(list(enumerate(asked)))}
        slots = sorted(
            range(len(asked)), key=lambda slot: (requests[id(asked[slot].request)], asked[slot].question.first)
        )
        for slot in slots:
            fitted = self._fit(asked[slot])
            bound = self.bound_of_call(fitted.tokens, _ANSWER_TOKENS)
            yield call_of(self.backend, self.capability, bound, partial(self._ask, fitted), slot)

    def _fit(self, item: BoundQuestion[Compare]) -> Fit:
        query = item.request.query
        said = self.template.said_of(query.text, query.instruction)
        return fit(
            self.backend,
            lambda shown: self.template.render({**said, "first": shown[0], "second": shown[1]}),
            [self.template.neutral(item.request.candidates[index].content) for index in item.question.indices],
            answer_tokens=_ANSWER_TOKENS,
            passage_tokens=self.passage_tokens,
        )

    async def _ask(self, fitted: Fit, model: LanguageModel) -> Reply[float]:
        notes = ("passage shortened",) * fitted.shortened
        labels = (self.template.answers("first"), self.template.answers("second"))
        if self.by_text:
            generated = await model.generate_async(fitted.prompt, max_tokens=_ANSWER_TOKENS)
            answer = read_verdict(generated.text, labels, generated.finish)
            return Reply(answer, generated.usage, notes, said=generated.text)
        scored = await model.score_continuations_async(fitted.prompt, labels)
        if scored.refused:
            return Reply(Answer(None, Outcome.REFUSED, ("refused",)), scored.usage, notes)
        return Reply(_share(scored.log_probabilities), scored.usage, (*notes, *scored.notes))


def _share(log_probabilities: Sequence[float | None]) -> Answer[float]:
    """e^a / (e^a + e^b). A label that is not shown is less likely than all that are; without either, nothing was
    learned.
    """
    first, second = log_probabilities
    if first is None and second is None:
        return Answer(None, Outcome.UNREADABLE, ("unseen",))
    if first is None or second is None:
        return Answer(0.0 if first is None else 1.0, Outcome.REPAIRED, ("unseen",))
    difference = second - first
    if difference > 700:
        return Answer(0.0)
    return Answer(1.0 / (1.0 + math.exp(difference)))
