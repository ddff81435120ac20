"""Passages into a prompt that fits: shortened evenly, by tokens of the model in use; never the instructions or the
query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rankkit.backends.protocols import Prompt, TextBackend
from rankkit.errors import ConfigError, ContextTooSmall
from rankkit.prompt import PromptTemplate, neutralise
from rankkit.ranking import Request

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

    def largest(self, request: Request, answer_tokens: Callable[[int], int]) -> int | None:
        """How many of the request's candidates fit into one prompt, each with enough of its words to be ranked by.

        ``answer_tokens`` gives the room that the answer about so many passages needs. At least 2, if only for ``fit``
        to say what does not fit.
        """
        context = self.backend.context_length
        if context is None:
            return None
        fixed = self._count(request, [""] * 2)
        each = min(_LEAST_TOKENS, self.passage_tokens) + _FRAME_TOKENS
        count = len(request)
        while count > 2 and fixed + count * each + answer_tokens(count) > context:
            count -= 1
        return max(2, count)

    def fit(self, request: Request, indices: Sequence[int], answer_tokens: int) -> Fitted:
        """Show the candidates at ``indices``, in this order.

        Raises:
            ContextTooSmall: not even the instructions and a few words of each passage fit. Decided at once, from the
                counts; nothing is tried over and over.
        """
        texts = [neutralise(" ".join(request.candidates[index].content.split())) for index in indices]
        lengths = [self.backend.count_tokens(text) for text in texts]
        room = self._room(request, len(texts), answer_tokens)
        limit = self.passage_tokens if room is None else min(self.passage_tokens, _even_limit(lengths, room))
        if limit < 1:
            self._refuse(request, len(texts), answer_tokens)
        shown = [self._cut(text, length, limit) for text, length in zip(texts, lengths, strict=True)]
        prompt = self._render(request, shown)
        labels = tuple(self.template.label(position) for position in range(len(texts)))
        shortened = sum(1 for text, cut in zip(texts, shown, strict=True) if cut != text)
        return Fitted(prompt, self.backend.count_tokens(prompt), labels, shortened)

    def _room(self, request: Request, count: int, answer_tokens: int) -> int | None:
        """Tokens that are left for all passages together; ``None`` for no limit."""
        context = self.backend.context_length
        if context is None:
            return None
        # Two tokens a passage of slack: words may split differently beside their neighbours than alone.
        return context - answer_tokens - self._count(request, [""] * count) - 2 * count

    def _refuse(self, request: Request, count: int, answer_tokens: int) -> None:
        fixed = self._count(request, [""] * count)
        raise ContextTooSmall(
            f"a window of {count} passages needs {fixed} tokens of prompt and {answer_tokens} of answer before any "
            f"passage; {self.backend.name} has {self.backend.context_length} in all",
            hint="Use a smaller window, a shorter query, or a model with a longer context.",
        )

    def _count(self, request: Request, passages: Sequence[str]) -> int:
        return self.backend.count_tokens(self._render(request, passages))

    def _render(self, request: Request, passages: Sequence[str]) -> Prompt:
        return self.template.render({"query": neutralise(request.query.text)}, passages)

    def _cut(self, text: str, length: int, limit: int) -> str:
        """The beginning of a text, at most ``limit`` tokens, ending with a whole word where words have spaces."""
        while length > limit:
            keep = min(len(text) - 1, len(text) * limit // length)
            whole = text.rfind(" ", 0, keep + 1)
            text = text[: whole if whole > keep * 0.8 else keep].rstrip()
            length = self.backend.count_tokens(text) if text else 0
        return text


def _even_limit(lengths: Sequence[int], room: int) -> int:
    """The largest limit such that lengths cut to it need no more than ``room``: short ones give to long ones."""
    left = len(lengths)
    for length in sorted(lengths):
        if length * left > room:
            return max(0, room // left)
        room -= length
        left -= 1
    return max(lengths, default=0)
