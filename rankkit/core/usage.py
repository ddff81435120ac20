"""What a ranking cost, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rankkit.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Usage:
    """What some work has used. Values add up with ``+``; ``sum(usages, Usage())`` is that of all.

    ``calls`` counts backend calls: one micro-batch of an ONNX graph, one decoded prompt, one HTTP request.
    ``cached_tokens`` is the part of ``input_tokens`` that the backend did not have to compute again. ``seconds`` is
    time inside backend calls, so parallel calls make it larger than the time on the clock (which a ``Step`` holds).
    ``cost`` is in the currency of the price rows, ``None`` where nothing is priced. ``billed_units`` are those that a
    service bills in (Cohere's search units, Pinecone's rerank units), ``None`` where nobody says.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    billed_units: float | None = None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        if not isinstance(other, Usage):
            return NotImplemented
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            seconds=self.seconds + other.seconds,
            cost=_add_known(self.cost, other.cost),
            billed_units=_add_known(self.billed_units, other.billed_units),
        )


def _add_known(left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on the ranking of *one* request; ``None`` is no limit.

    They are hard: a call is made only if its stated bound still fits, and when the next one does not, the best order
    so far is returned and its ``Step`` says which limit stopped it. ``seconds`` runs on the request's own clock, from
    its first call (in ``rank_many``, not while it waits for those before it); a call that runs when they are over is
    ended, and stays charged with what it may have cost.
    """

    questions: int | None = None
    calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            limit = getattr(self, field.name)
            if limit is not None and not limit >= 0:
                raise ConfigError(
                    f"a budget of {limit!r} {field.name} is not possible",
                    hint="Give a number of 0 or more, or leave it out for no limit.",
                )

    @property
    def unlimited(self) -> bool:
        return all(getattr(self, field.name) is None for field in fields(self))

    def refuses(self, *, questions: int, usage: Usage, seconds: float) -> str:
        """Name the first limit that a total like this would break, or ``""``."""
        if self.questions is not None and questions > self.questions:
            return f"budget of {self.questions} questions"
        if self.calls is not None and usage.calls > self.calls:
            return f"budget of {self.calls} calls"
        if self.tokens is not None and usage.tokens > self.tokens:
            return f"budget of {self.tokens} tokens"
        if self.seconds is not None and seconds >= self.seconds:
            return f"budget of {self.seconds:g} seconds"
        if self.cost is not None and (usage.cost or 0.0) > self.cost:
            return f"budget of {self.cost:g} money"
        return ""
