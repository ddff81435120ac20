"""A window of candidates as a prompt: labelled as the prompt file says, shortened so that it fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rankkit.backends.protocols import Prompt, TextBackend
from rankkit.core.ranking import Candidate, Request
from rankkit.errors import ConfigError, PromptError
from rankkit.judging.fitting import fit
from rankkit.prompting.template import PromptTemplate

#: A passage of fewer tokens says too little to be ranked by: sooner fewer passages in a window than shorter ones.
_LEAST_TOKENS = 48

#: What a passage costs beside its own tokens: its mark, a line break, or the turns of a chat around it.
_FRAME_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt with the number of its tokens, the labels of its passages, and how many of them were shortened."""

    prompt: Prompt
    tokens: int
    labels: tuple[str, ...]
    shortened: int


@dataclass(frozen=True, slots=True)
class Window:
    """Renders a prompt over some candidates. ``passage_tokens`` is the most of each passage that is shown."""

    backend: TextBackend
    template: PromptTemplate
    passage_tokens: int = 300

    def __post_init__(self) -> None:
        if self.passage_tokens < 1:
            raise ConfigError(f"passage_tokens is {self.passage_tokens}", hint="Give 1 or more.")

    def max_group_size(self, request: Request, answer_tokens: Callable[[int], int]) -> int | None:
        """How many of the request's candidates fit into one prompt, each with enough of its words to be ranked by.

        ``answer_tokens`` gives the room that the answer about so many passages needs; a model that thinks first has
        that room too. At least 2, if only for ``fit`` to say what does not fit.
        """
        context = self.backend.context_length
        if context is None:
            return None
        fixed = self.backend.count_tokens(self._render(request, (0, 1), [""] * 2))
        each = min(_LEAST_TOKENS, self.passage_tokens) + _FRAME_TOKENS
        count = len(request)
        while count > 2 and fixed + count * each + answer_tokens(count) + self.backend.thinking_tokens > context:
            count -= 1
        return max(2, count)

    def fit(self, request: Request, indices: Sequence[int], answer_tokens: int) -> Fitted:
        """Show the candidates at ``indices``, in this order.

        Raises:
            ContextTooSmall: not even the instructions and a few words of each passage fit.
        """
        fitted = fit(
            self.backend,
            lambda passages: self._render(request, indices, passages),
            [self.template.neutral(request.candidates[index].content) for index in indices],
            answer_tokens=answer_tokens,
            passage_tokens=self.passage_tokens,
        )
        labels = tuple(self.template.label(position) for position in range(len(indices)))
        return Fitted(fitted.prompt, fitted.tokens, labels, fitted.shortened)

    def _render(self, request: Request, indices: Sequence[int], passages: Sequence[str]) -> Prompt:
        scores = [self._score(request.candidates[index]) for index in indices] if self.template.shows_scores else []
        said = self.template.said_of(request.query.text, request.query.instruction)
        return self.template.render(said, passages, scores)

    def _score(self, candidate: Candidate) -> str:
        if candidate.score is None:
            raise PromptError(
                f"prompt {self.template.name!r} shows first-stage scores, and document {candidate.id!r} has none",
                hint="Give each document a score, or take a prompt without $score.",
            )
        return f"{candidate.score:.3f}"
