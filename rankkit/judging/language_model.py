"""Calls of a language model, written once for threads and event loops.

A judge writes what it asks as a coroutine over a ``LanguageModel``. On an event loop that is the backend itself, if it
can be awaited; on a thread it is ``Blocking``, whose coroutines never wait.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from rankkit.backends.protocols import (
    AsyncContinuationScorer,
    AsyncPermutationDecoder,
    AsyncTextGenerator,
    Continuations,
    ContinuationScorer,
    Generated,
    PermutationDecoder,
    Permuted,
    Prompt,
    TextBackend,
    TextGenerator,
)
from rankkit.core.judge import Call, Reply
from rankkit.core.usage import Usage
from rankkit.core.workers import drive

A = TypeVar("A")

_ASYNC: dict[type, type] = {
    TextGenerator: AsyncTextGenerator,
    ContinuationScorer: AsyncContinuationScorer,
    PermutationDecoder: AsyncPermutationDecoder,
}


class LanguageModel(Protocol):
    """What a judge may await. A backend has those that its capability promises."""

    async def generate_async(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated: ...

    async def score_continuations_async(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations: ...

    async def permute_async(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted: ...


@dataclass(frozen=True, slots=True)
class Blocking:
    """A backend on a thread of its own: its coroutines end without having waited."""

    backend: Any

    async def generate_async(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        generated: Generated = self.backend.generate(prompt, max_tokens=max_tokens, stop=stop)
        return generated

    async def score_continuations_async(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        scored: Continuations = self.backend.score_continuations(prompt, continuations)
        return scored

    async def permute_async(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        permuted: Permuted = self.backend.permute(prompt, labels, top=top, opening=opening, separator=separator)
        return permuted


#: What a call does: ask the model, and read what it says.
Ask = Callable[[LanguageModel], Coroutine[Any, Any, Reply[A]]]


def call_of(backend: TextBackend, capability: type, bound: Usage, ask: Ask[A], slot: int = 0) -> Call[A]:
    """The call that answers the question at ``slot``; it can be awaited if the backend's ``capability`` can."""
    can_wait = isinstance(backend, _ASYNC[capability])
    return Call((slot,), bound, partial(_run, backend, ask), partial(_await, backend, ask) if can_wait else None)


def _run(backend: TextBackend, ask: Ask[A]) -> list[Reply[A]]:
    return [drive(ask(Blocking(backend)))]


async def _await(backend: Any, ask: Ask[A]) -> list[Reply[A]]:
    return [await ask(backend)]
