"""What judges have in common that put their questions to one backend, whichever its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Generic, TypeVar

from rankkit.backends.protocols import Backend, TextBackend
from rankkit.core.judge import Gated
from rankkit.core.limits import Gate
from rankkit.core.usage import Usage
from rankkit.prompting.template import PromptTemplate

B = TypeVar("B", bound=Backend)


@dataclass(frozen=True)
class BackendJudge(ABC, Generic[B]):
    """Named after its ``method``, where it has one, and its backend, whose limits are its own."""

    backend: B

    method: ClassVar[str] = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.backend.name}".strip()

    @property
    @abstractmethod
    def fingerprints(self) -> Mapping[str, str]:
        """What an answer depends on (``core.judge.Judge``)."""

    @property
    def concurrency(self) -> int:
        return self.backend.concurrency

    @property
    def gate(self) -> Gate:
        """The backend's, which all judges and runs share that use it; one of this judge where it has none."""
        return self.backend.gate if isinstance(self.backend, Gated) else self._own_gate

    @cached_property
    def _own_gate(self) -> Gate:
        return Gate(self.backend.concurrency)


@dataclass(frozen=True)
class LanguageModelJudge(BackendJudge[TextBackend]):
    """Its backend is a language model, which may be behind a server; ``template`` is what the model is asked with."""

    template: PromptTemplate

    @property
    def takes_instruction(self) -> bool:
        """Whether the prompt passes a request's instruction on."""
        return self.template.takes_instruction

    @property
    def waits(self) -> bool:
        """Whether calls wait for a server: a model on this machine answers one at a time."""
        return self.backend.concurrency > 1

    def warm(self) -> None:
        """Have the backend find out what ``prepare`` needs to know of it, which may take a request to a server."""
        _ = self.backend.context_length

    def bound_of_call(self, input_tokens: int, answer_tokens: int) -> Usage:
        """The most that a call can cost which sends so many tokens and asks for so many at most."""
        said = answer_tokens + self.backend.thinking_tokens
        cost = self.backend.price(input_tokens=input_tokens, output_tokens=said)
        return Usage(calls=1, input_tokens=input_tokens, output_tokens=said, cost=cost)
