"""Passages into a prompt that fits: shortened evenly, by tokens of the model in use; never the instructions or the
query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rankkit.backends.protocols import Prompt, TextBackend
from rankkit.errors import ContextTooSmall
from rankkit.prompting.sanitize import sanitize

Render = Callable[[Sequence[str]], Prompt]


@dataclass(frozen=True, slots=True)
class Fit:
    """A prompt that fits, the number of its tokens, and how many of its passages were shortened."""

    prompt: Prompt
    tokens: int
    shortened: int


def fit(
    backend: TextBackend, render: Render, passages: Sequence[str], *, answer_tokens: int, passage_tokens: int
) -> Fit:
    """Render a prompt over the passages, each cut to ``passage_tokens`` and all of them to what the context leaves
    beside ``answer_tokens`` and what the backend adds to them for a model that thinks first.

    Document text is data: marks and control tokens in it are made harmless first. Nothing is tried over and over: the
    room is known from counting the prompt without passages.

    Raises:
        ContextTooSmall: not even the instructions and one token of each passage fit.
    """
    texts = [sanitize(" ".join(passage.split())) for passage in passages]
    lengths = [backend.count_tokens(text) for text in texts]
    limit = passage_tokens
    if backend.context_length is not None:
        fixed = backend.count_tokens(render([""] * len(texts)))
        # Two tokens a passage of slack: words may split differently beside their neighbours than alone.
        said = answer_tokens + backend.thinking_tokens
        room = backend.context_length - said - fixed - 2 * len(texts)
        limit = min(limit, _even_limit(lengths, room))
        if limit < 1:
            raise ContextTooSmall(
                f"a prompt with {len(texts)} passages needs {fixed} tokens and {said} for the answer before "
                f"any passage; {backend.name} has {backend.context_length} in all",
                hint="Show fewer passages at a time, shorten the query, or use a model with a longer context.",
            )
    shown = [_cut(backend, text, length, limit) for text, length in zip(texts, lengths, strict=True)]
    prompt = render(shown)
    shortened = sum(1 for text, cut in zip(texts, shown, strict=True) if cut != text)
    return Fit(prompt, backend.count_tokens(prompt), shortened)


def _cut(backend: TextBackend, text: str, length: int, limit: int) -> str:
    """The beginning of a text, at most ``limit`` tokens, ending with a whole word where words have spaces."""
    while length > limit:
        keep = min(len(text) - 1, len(text) * limit // length)
        whole = text.rfind(" ", 0, keep + 1)
        text = text[: whole if whole > keep * 0.8 else keep].rstrip()
        length = backend.count_tokens(text) if text else 0
    return text


def _even_limit(lengths: Sequence[int], room: int) -> int:
    """The largest limit such that lengths cut to it need no more than ``room``: short ones give to long ones."""
    left = len(lengths)
    for length in sorted(lengths):
        if length * left > room:
            return max(0, room // left)
        room -= length
        left -= 1
    return max(lengths, default=1)
