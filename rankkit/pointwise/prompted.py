"""A language model asked about one passage: yes or no, a grade, or whatever words a prompt file gives values to.

The score is the value that the model expects: each label's value, weighted by the label's share of the probability of
all labels (Zhuang et al. 2024, "Beyond Yes and No", arXiv 2310.14122; with Yes and No it is the probability of Yes).
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from rankkit.backends.protocols import ContinuationScorer, TextGenerator, require
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Outcome, Score
from rankkit.core.ranking import Request, ScoreKind
from rankkit.errors import ConfigError, PromptError
from rankkit.judging.answer_text import refuses, without_thinking
from rankkit.judging.fitting import Fit, fit
from rankkit.judging.language_model import LanguageModel, call_of
from rankkit.judging.on_backend import LanguageModelJudge
from rankkit.prompting.template import PromptTemplate

#: An answer is one word; some models cannot help putting a few around it.
_ANSWER_TOKENS = 16


@dataclass(frozen=True)
class PassageJudge(LanguageModelJudge):
    """Shows a query and one passage. Where the query comes first in the prompt, a backend that keeps the beginning of a
    prompt (GGUF) computes it once for all passages of a request.
    """

    passage_tokens: int = 300

    capability: ClassVar[type]

    def __post_init__(self) -> None:
        require(self.backend, self.capability, by=f"the {self.method} method")
        if self.template.question != "score":
            raise PromptError(f"prompt {self.template.name!r} puts a {self.template.question} question, not score")
        if self.passage_tokens < 1:
            raise ConfigError(f"passage_tokens is {self.passage_tokens}", hint="Give 1 or more.")

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {
            "model": f"{self.backend.name}@{self.backend.fingerprint}",
            "prompt": f"{self.template.name}@{self.template.fingerprint}",
            "method": self.method,
            "passage_tokens": str(self.passage_tokens),
        }

    def max_group_size(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[BoundQuestion[Score]]) -> Iterable[Call[float]]:
        for slot, item in enumerate(asked):
            room = self.answer_tokens(item.request)
            fitted = self._fit(item, room)
            bound = self.bound_of_call(*self.tokens_of(fitted, room))
            yield call_of(self.backend, self.capability, bound, partial(self.ask, item, fitted), slot)

    def _fit(self, item: BoundQuestion[Score], room: int) -> Fit:
        query = item.request.query
        said = self.template.said_of(query.text, query.instruction)
        return fit(
            self.backend,
            lambda shown: self.template.render({**said, "passage": shown[0]}),
            [self.template.neutral(item.request.candidates[item.question.index].content)],
            answer_tokens=room,
            passage_tokens=self.passage_tokens,
        )

    def answer_tokens(self, request: Request) -> int:
        """The room behind the prompt that is needed."""
        return _ANSWER_TOKENS

    def tokens_of(self, fitted: Fit, room: int) -> tuple[int, int]:
        """Input and output tokens of a call, at most."""
        return fitted.tokens, room

    @abstractmethod
    async def ask(self, item: BoundQuestion[Score], fitted: Fit, model: LanguageModel) -> Reply[float]:
        """Make the call and read the answer. It waits for the model and nothing else."""


@dataclass(frozen=True)
class Scale:
    """What a model may answer, and what each answer is worth: ``labels`` and ``values`` under ``[answer]``."""

    labels: tuple[str, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, template: PromptTemplate) -> Scale:
        """Raises:
        PromptError: a value without a label, a label twice, or a value that is no number.
        """
        labels, values = template.answers("labels").split(), template.answers("values").split()
        if len(labels) < 2 or len(set(labels)) < len(labels) or len(labels) != len(values):
            raise PromptError(
                f"prompt {template.name!r}: labels and values under [answer] are {labels} and {values}",
                hint="Give two labels or more, each once, and a value for each.",
            )
        try:
            numbers = tuple(map(float, values))
        except ValueError as error:
            raise PromptError(f"prompt {template.name!r}: values under [answer] are {values}, no numbers") from error
        if not all(map(math.isfinite, numbers)):
            raise PromptError(f"prompt {template.name!r}: values under [answer] are {values}, which are not finite")
        return cls(tuple(labels), numbers)

    @property
    def kind(self) -> ScoreKind:
        """Of a yes that is worth 1 and a no that is worth 0, the expected value is a probability."""
        return ScoreKind.PROBABILITY if sorted(self.values) == [0.0, 1.0] else ScoreKind.RELEVANCE

    def expected(self, log_probabilities: Sequence[float | None]) -> Answer[float]:
        """The mean value, weighted by probability. A label that is not shown is less likely than all that are; without
        any, nothing was learned.
        """
        shown = [share for share in log_probabilities if share is not None]
        if not shown:
            return Answer(None, Outcome.UNREADABLE, ("unseen",))
        most = max(shown)
        weights = [0.0 if share is None else math.exp(share - most) for share in log_probabilities]
        mean = sum(weight * value for weight, value in zip(weights, self.values, strict=True)) / sum(weights)
        complete = len(shown) == len(self.labels)
        return Answer(mean, Outcome.OK if complete else Outcome.REPAIRED, () if complete else ("unseen",))

    def read(self, text: str) -> Answer[float]:
        """The value of the one label that an answer begins with, alone or before a reason that names no other."""
        said, unended = without_thinking(text)
        named = [found[0].casefold() for found in re.finditer(r"\w+", said)]
        known = {label.casefold(): value for label, value in zip(self.labels, self.values, strict=True)}
        lead = next((word for word in named if word not in _LEADS), "")
        if unended or lead not in known or {word for word in named if word in known} != {lead}:
            refused = not any(word in known for word in named) and refuses(said)
            return Answer(None, Outcome.REFUSED if refused else Outcome.UNREADABLE, ("prose",) if named else ("empty",))
        return Answer(known[lead])


#: What may stand before the answer proper: "The answer is: Yes", "Relevance: 3".
_LEADS = frozenset({"the", "answer", "is", "relevance", "score", "grade", "rating", "final"})


@dataclass(frozen=True)
class PromptedScoreJudge(PassageJudge):
    """By the probabilities of the labels, or, ``by_text``, by the label that is written."""

    by_text: bool = False
    scale: Scale = field(init=False, repr=False, compare=False)

    method = "prompted"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "scale", Scale.of(self.template))

    @property
    def capability(self) -> type:  # type: ignore[override]
        """What the backend must be able to do."""
        return TextGenerator if self.by_text else ContinuationScorer

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {**super().fingerprints, "method": "text" if self.by_text else "log-probabilities"}

    @property
    def score_kind(self) -> ScoreKind:
        return self.scale.kind

    async def ask(self, item: BoundQuestion[Score], fitted: Fit, model: LanguageModel) -> Reply[float]:
        notes = ("passage shortened",) * fitted.shortened
        if self.by_text:
            generated = await model.generate_async(fitted.prompt, max_tokens=_ANSWER_TOKENS)
            return Reply(self.scale.read(generated.text), generated.usage, notes, said=generated.text)
        scored = await model.score_continuations_async(fitted.prompt, self.scale.labels)
        if scored.refused:
            return Reply(Answer(None, Outcome.REFUSED, ("refused",)), scored.usage, notes)
        return Reply(self.scale.expected(scored.log_probabilities), scored.usage, (*notes, *scored.notes))
