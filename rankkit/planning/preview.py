"""What a judge would put to its model, caught on the way: the same windows, the same cuts, the same beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rankkit.backends.language.pricing import estimate_prompt_tokens, estimate_tokens
from rankkit.backends.protocols import Continuations, Generated, Permuted, Prompt, TextBackend
from rankkit.config.registry import methods
from rankkit.config.rows import PARADIGM_OF_QUESTION
from rankkit.core.judge import BoundQuestion, Judge
from rankkit.core.questions import Choose, Compare, Order, Question
from rankkit.core.ranking import Request
from rankkit.errors import PromptError, nearest
from rankkit.prompting.template import PromptTemplate


@dataclass
class Catcher:
    """A language model that keeps what it was asked and answers nothing.

    It counts tokens as ``model`` does; without one, by the upper estimate that endpoints have, in an endless context.
    """

    model: TextBackend | None = None
    prompt: Prompt = ""
    begun: str = ""
    compared: tuple[str, ...] = field(default=())

    fingerprint = "shown"
    concurrency = 1
    thinking_tokens = 0

    @property
    def name(self) -> str:
        return "an endpoint" if self.model is None else self.model.name

    @property
    def context_length(self) -> int | None:
        return None if self.model is None else self.model.context_length

    def count_tokens(self, prompt: Prompt) -> int:
        if self.model is not None:
            return self.model.count_tokens(prompt)
        return estimate_tokens(prompt) if isinstance(prompt, str) else estimate_prompt_tokens(prompt)

    def price(self, *, input_tokens: int, output_tokens: int) -> float | None:
        return None

    def generate(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        self.prompt = prompt
        return Generated("")

    def score_continuations(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        self.prompt, self.compared = prompt, tuple(continuations)
        return Continuations((None,) * len(continuations))

    def permute(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        self.prompt, self.begun = prompt, opening
        return Permuted(())


@dataclass(frozen=True, slots=True)
class Rendered:
    """``begun`` is the beginning of the answer that is put into the model's mouth; ``compared`` are the continuations
    whose probabilities are read instead of an answer. ``tokens`` is ``None`` where only the model's own tokenizer,
    which is not here, could tell.
    """

    prompt: Prompt
    method: str
    tokens: int | None = None
    shortened: int = 0
    begun: str = ""
    compared: tuple[str, ...] = ()


def render_prompt(
    template: PromptTemplate,
    request: Request,
    *,
    method: str | None = None,
    model: TextBackend | None = None,
    passage_tokens: int = 300,
) -> Rendered:
    """The prompt about all candidates of the request, or about the first one or two where it speaks of so many.

    Raises:
        PromptError: a method that does not put this kind of question, or a comparison of one document.
        ContextTooSmall: so many passages do not fit into the model's context.
    """
    if template.question == "score" or template.text:
        return _filled(template, request)
    paradigm = PARADIGM_OF_QUESTION[template.question]
    rows = [row for row in methods(paradigm).values() if row.question == template.question]
    possible = {row.name: row.asks for row in rows if row.asks is not None}
    # Where none is named, the one whose own prompt it is, or else what a model on this machine is asked by.
    usual = sorted(rows, key=lambda row: (row.prompt != template.name, "gguf" not in row.default_for))
    chosen = method or next(row.name for row in usual if row.name in possible)
    if chosen not in possible:
        raise PromptError(
            f"{template.name} puts the question {template.question!r}, which the method {chosen} does not",
            hint=nearest(chosen, possible),
        )
    catcher = Catcher(model)
    question = _question(template, request)
    judge: Judge[Any, Any] = possible[chosen](catcher, template, passage_tokens)
    [call] = judge.prepare([BoundQuestion(request, question)])
    [reply] = call.run()
    shortened = reply.notes.count("passage shortened")
    tokens = call.bound.input_tokens
    return Rendered(catcher.prompt, chosen, tokens, shortened, catcher.begun, catcher.compared)


def _question(template: PromptTemplate, request: Request) -> Question:
    everybody = tuple(range(len(request)))
    if template.question == "compare":
        _need_two(request)
        return Compare(0, 1)
    return Choose(everybody) if template.question == "choose" else Order(everybody)


def _filled(template: PromptTemplate, request: Request) -> Rendered:
    """A text that a trained model reads to the letter: white space aside, its documents are not touched."""
    texts = [" ".join(candidate.content.split()) for candidate in request.candidates]
    values = {"query": " ".join(request.query.text.split()), "passage": texts[0], "first": texts[0]}
    values["instruction"] = request.query.instruction
    if template.question == "compare":
        _need_two(request)
        values["second"] = texts[1]
    return Rendered(template.render(values), "to the letter")


def _need_two(request: Request) -> None:
    if len(request) < 2:
        raise PromptError("a comparison needs two documents")
