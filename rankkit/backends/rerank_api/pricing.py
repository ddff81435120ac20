"""What a call of a rerank API costs, at most and in the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from rankkit.backends.protocols import DocumentBatch
from rankkit.backends.rerank_api.dialects import Dialect
from rankkit.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RerankPrices:
    """In any one currency: of a million tokens that are read, and of one unit that the service bills (Cohere: a search
    unit). ``None``: that is not what is paid for.
    """

    per_million_tokens: float | None = None
    per_unit: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            price = getattr(self, field.name)
            if price is not None and not (price >= 0 and math.isfinite(price)):
                raise ConfigError(f"{field.name} is {price!r}", hint="A price is a number of 0 or more.")

    def cost(self, *, tokens: int, units: float | None) -> float | None:
        """``None`` where nothing is priced, or what is priced is not known."""
        if self.per_unit is not None and units is None:
            return None
        parts = (
            None if self.per_million_tokens is None else tokens * self.per_million_tokens / 1_000_000,
            None if self.per_unit is None or units is None else units * self.per_unit,
        )
        known = [part for part in parts if part is not None]
        return sum(known) if known else None


def most_units(dialect: Dialect, batch: DocumentBatch) -> float | None:
    """The most that the service bills for a call, ``None`` where it bills tokens only."""
    if not dialect.unit:
        return None
    length = dialect.unit_tokens
    parts = [1 if length is None else max(1, math.ceil((batch.query_tokens + own) / length)) for own in batch.tokens]
    return float(math.ceil(sum(parts) / dialect.unit_documents))
