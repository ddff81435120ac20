"""Permutation generation: the model writes the order, and the writing is read (RankGPT, Sun et al. 2023, arXiv
2304.09542).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from rankkit.backends.protocols import Generated, Prompt, TextGenerator
from rankkit.errors import InvalidOutput
from rankkit.judge import Asked, Call, Reply
from rankkit.listwise.judges import WindowJudge, completed, shortened_notes
from rankkit.listwise.reply import read_reply
from rankkit.listwise.window import Fitted
from rankkit.prompt import Message
from rankkit.questions import Answer, Order, Outcome
from rankkit.ranking import clip

Policy = Literal["repair", "retry", "raise", "keep_order"]

_STRICT = (
    "Your last answer could not be used. Reply with one line that names every passage once, the most relevant "
    "first, in the form asked for, and nothing else."
)


@dataclass(frozen=True)
class GenerateJudge(WindowJudge[Order, tuple[int, ...]]):
    """Any text becomes an order or a typed outcome, never a crash (``read_reply``). What then happens is the policy:

    - ``repair``: what the model did rank goes first, the rest follows in its old order, the defects are counted;
    - ``retry``: an answer with defects is asked for once more in stricter words, then for the first half of the window
      alone; the first good answer stands, or else the first one repaired;
    - ``raise``: any defect is an error;
    - ``keep_order``: an answer with defects changes nothing.
    """

    policy: Policy = "repair"

    method = "generate"
    capability = TextGenerator

    def ask(self, item: Asked[Order], fitted: Fitted) -> Reply[tuple[int, ...]]:
        return self._try(item, fitted, fitted.prompt, attempt=0)

    def _try(self, item: Asked[Order], fitted: Fitted, prompt: Prompt, *, attempt: int) -> Reply[tuple[int, ...]]:
        assert isinstance(self.backend, TextGenerator)
        generated = self.backend.generate(prompt, max_tokens=self.answer_tokens(len(fitted.labels)))
        answer = self._read(item.question, fitted, generated)
        retry = self.policy == "retry" and answer.outcome is not Outcome.OK
        again = self._again(item, fitted, attempt + 1) if retry else None
        return Reply(answer, generated.usage, shortened_notes(fitted), again, said=generated.text)

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

    def _again(self, item: Asked[Order], fitted: Fitted, attempt: int) -> Call[tuple[int, ...]] | None:
        """The next try: stricter words, then half the window. Each asks the budget like any other call."""
        if attempt == 1:
            stricter = _with_words(fitted.prompt, self.template.answers("strict", _STRICT))
            again = Fitted(stricter, self.backend.count_tokens(stricter), fitted.labels, 0)
            return Call((0,), self.bound(again), lambda: [self._try(item, again, stricter, attempt=1)])
        half = item.question.indices[: len(item.question.indices) // 2]
        if attempt > 2 or len(half) < 2:
            return None
        smaller = self.window.fit(item.request, half, self.answer_tokens(len(half)))
        return Call((0,), self.bound(smaller), partial(self._half, item, Order(half), smaller))

    def _half(self, item: Asked[Order], half: Order, fitted: Fitted) -> list[Reply[tuple[int, ...]]]:
        assert isinstance(self.backend, TextGenerator)
        generated = self.backend.generate(fitted.prompt, max_tokens=self.answer_tokens(len(fitted.labels)))
        answer = self._read(half, fitted, generated)
        if answer.value is not None:
            whole = (*answer.value, *item.question.indices[len(half.indices) :])
            answer = Answer(whole, Outcome.REPAIRED, (*answer.defects, "smaller-window"))
        return [Reply(answer, generated.usage, said=generated.text)]


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
