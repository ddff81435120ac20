"""Permutation generation: the model writes the order, and the writing is read (RankGPT, Sun et al. 2023, arXiv
2304.09542).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from string import Template
from typing import Literal

from rankkit.backends.protocols import Generated, Prompt, TextGenerator
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Order, Outcome
from rankkit.core.ranking import clip
from rankkit.errors import ContextTooSmall, InvalidOutput, PromptError
from rankkit.judging.language_model import LanguageModel
from rankkit.judging.window import Fitted
from rankkit.judging.windowed import WindowJudge, completed, shortened_notes
from rankkit.listwise.parsing.reply import read_reply
from rankkit.prompting.template import Message

Policy = Literal["repair", "retry", "raise", "keep_order"]

_STRICT = (
    "Your last answer could not be used. Reply with one line that names every passage once, the most relevant "
    "first, in the form asked for, and nothing else."
)


@dataclass(frozen=True)
class GenerateJudge(WindowJudge[Order, tuple[int, ...]]):
    """Any text becomes an order or a typed outcome, never a crash (``read_reply``). What then happens is the policy:

    - ``repair``: what the model did rank goes first, the rest follows in its old order, the defects are counted;
    - ``retry``: an answer with defects is asked for once more in stricter words; where neither taught anything, then
      for the first half of the window alone. The first good answer stands, or else the first one repaired;
    - ``raise``: any defect is an error;
    - ``keep_order``: an answer with defects changes nothing.
    """

    policy: Policy = "repair"

    method = "generate"
    capability = TextGenerator

    def __post_init__(self) -> None:
        super().__post_init__()
        words = Template(self.template.answers("strict", _STRICT))
        if not words.is_valid() or not set(words.get_identifiers()) <= {"query", "count", "last"}:
            raise PromptError(
                f"prompt {self.template.name!r}: strict = {words.template!r} cannot be filled in",
                hint="It may say $query, $count and $last; write $$ for a dollar sign.",
            )

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {**super().fingerprints, "policy": self.policy}

    async def ask(self, item: BoundQuestion[Order], fitted: Fitted, model: LanguageModel) -> Reply[tuple[int, ...]]:
        generated = await self._generated(fitted, model)
        answer = self._read(item.question, fitted, generated)
        retry = self.policy == "retry" and answer.outcome is not Outcome.OK
        again = (self._stricter(item, fitted, answer) or self._halved(item, answer)) if retry else None
        return Reply(answer, generated.usage, shortened_notes(fitted), again, said=generated.text)

    async def _generated(self, fitted: Fitted, model: LanguageModel) -> Generated:
        return await model.generate_async(fitted.prompt, max_tokens=self.answer_tokens(len(fitted.labels)))

    def _read(self, question: Order, fitted: Fitted, generated: Generated) -> Answer[tuple[int, ...]]:
        answer = read_answer(
            question, generated.text, labels=fitted.labels, finish=generated.finish, thinking=bool(generated.thinking)
        )
        if answer.outcome is Outcome.OK or self.policy in ("repair", "retry"):
            return answer
        if self.policy == "keep_order":
            kept = answer.outcome if answer.value is None else Outcome.UNREADABLE
            return Answer(None, kept, answer.defects)
        raise InvalidOutput(
            f"{self.backend.name} gave no clean order ({', '.join(answer.defects)}): {clip(generated.text, 80)!r}",
            hint="Choose the policy repair, retry or keep_order to go on, or the constrained method.",
        )

    def _stricter(
        self, item: BoundQuestion[Order], fitted: Fitted, before: Answer[tuple[int, ...]]
    ) -> Call[tuple[int, ...]] | None:
        """The same window in stricter words, for which passages give way; ``None`` where not even that makes room."""
        values = {
            "query": self.template.neutral(item.request.query.text),
            "count": str(len(fitted.labels)),
            "last": fitted.labels[-1],
        }
        words = Template(self.template.answers("strict", _STRICT)).substitute(values)
        room = self.answer_tokens(len(fitted.labels)) + self.backend.count_tokens(f"\n\n{words}")
        try:
            shown = self.window.fit(item.request, item.question.indices, room)
        except ContextTooSmall:
            return None
        prompt = _with_words(shown.prompt, words)
        anew = max(0, shown.shortened - fitted.shortened)  # of the others the first prompt's notes tell
        stricter = Fitted(prompt, self.backend.count_tokens(prompt), shown.labels, anew)
        return self.call(self.bound(stricter), partial(self._ask_stricter, item, stricter, before))

    async def _ask_stricter(
        self, item: BoundQuestion[Order], fitted: Fitted, before: Answer[tuple[int, ...]], model: LanguageModel
    ) -> Reply[tuple[int, ...]]:
        generated = await self._generated(fitted, model)
        answer = self._read(item.question, fitted, generated)
        if answer.outcome is not Outcome.OK and before.value is not None:
            answer = before
        again = self._halved(item, answer)
        return Reply(answer, generated.usage, shortened_notes(fitted), again, said=generated.text)

    def _halved(self, item: BoundQuestion[Order], before: Answer[tuple[int, ...]]) -> Call[tuple[int, ...]] | None:
        """The first half of the window, where there is nothing to keep."""
        half = item.question.indices[: len(item.question.indices) // 2]
        if before.value is not None or len(half) < 2:
            return None
        smaller = self.window.fit(item.request, half, self.answer_tokens(len(half)))
        return self.call(self.bound(smaller), partial(self._ask_half, item, Order(half), smaller))

    async def _ask_half(
        self, item: BoundQuestion[Order], half: Order, fitted: Fitted, model: LanguageModel
    ) -> Reply[tuple[int, ...]]:
        generated = await self._generated(fitted, model)
        answer = self._read(half, fitted, generated)
        if answer.value is not None:
            whole = (*answer.value, *item.question.indices[len(half.indices) :])
            answer = Answer(whole, Outcome.REPAIRED, (*answer.defects, "smaller-window"))
        return Reply(answer, generated.usage, said=generated.text)


def read_answer(
    question: Order,
    text: str,
    *,
    labels: tuple[str, ...],
    finish: str = "stop",
    thinking: bool = False,
) -> Answer[tuple[int, ...]]:
    """A model's words as an answer: a permutation of the question's candidates, or why there is none."""
    reply = read_reply(
        text,
        len(question.indices),
        labels=labels,
        truncated=finish == "length",
        refused=finish == "refused",
        top=question.top,
    )
    if reply.outcome not in (Outcome.OK, Outcome.REPAIRED):
        return Answer(None, reply.outcome, reply.defects)
    return Answer(completed(reply.named, question.indices), reply.outcome, reply.defects)


def _with_words(prompt: Prompt, words: str) -> Prompt:
    if isinstance(prompt, str):
        return f"{prompt}\n{words}"
    last = prompt[-1]
    return (*prompt[:-1], Message(last.role, f"{last.content}\n\n{words}"))
