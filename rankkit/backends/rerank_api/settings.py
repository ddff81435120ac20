"""What a ``RerankApi`` was made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rankkit.backends.http.credentials import check_query
from rankkit.backends.rerank_api.dialects import Dialect, dialect_of
from rankkit.backends.rerank_api.pricing import RerankPrices
from rankkit.backends.rerank_api.requests import CallLimits, check_extra_body
from rankkit.errors import ConfigError, nearest

if TYPE_CHECKING:
    from rankkit.backends.http.circuit import Circuit


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankSettings:
    """All but a key that was given itself. ``RerankApi`` explains them.

    Raises:
        ConfigError: a value that is not possible.
    """

    api: str
    model: str
    base_url: str | None
    key_env: str | None
    key_header: str | None
    headers: Mapping[str, str]
    headers_env: Mapping[str, str]
    query: Mapping[str, str]
    timeout: float
    total_timeout: float | None
    retries: int
    concurrency: int
    documents_per_call: int | None
    tokens_per_call: int | None
    scores: str | None
    instruction_field: str | None
    extra_body: Mapping[str, object]
    prices: RerankPrices | None
    circuit: Circuit | None

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError("no model is named", hint="Give the name under which the service has it.")
        above = self.timeout > 0 and (self.total_timeout is None or self.total_timeout > 0)
        if not above or self.retries < 0 or self.concurrency < 1:
            raise ConfigError(
                f"timeout={self.timeout:g}, total_timeout={self.total_timeout}, retries={self.retries}, "
                f"concurrency={self.concurrency} is not possible",
                hint="timeouts and concurrency are above 0, retries 0 or more.",
            )
        check_scores(self.dialect, self.scores)
        check_prices(self.dialect, self.prices)
        # Copies: nobody changes them afterwards.
        object.__setattr__(self, "headers", dict(self.headers))
        object.__setattr__(self, "query", check_query(self.query))
        object.__setattr__(self, "extra_body", check_extra_body(self.extra_body))

    @property
    def dialect(self) -> Dialect:
        return dialect_of(self.api)

    @property
    def limits(self) -> CallLimits:
        """As given, or what the service takes."""
        row = self.dialect
        tokens = row.most_tokens(self.model) if self.tokens_per_call is None else self.tokens_per_call
        documents = row.most_documents if self.documents_per_call is None else self.documents_per_call
        return CallLimits(documents, tokens, row.most_bytes)

    @property
    def score_form(self) -> str:
        return self.scores or next(iter(self.dialect.scores))

    @property
    def instruction(self) -> str:
        """The field that carries a request's instruction; ``""`` where there is none."""
        return self.instruction_field or self.dialect.instruction


def check_scores(dialect: Dialect, scores: str | None) -> None:
    """Raises:
    ConfigError: scores of a form that this API does not give.
    """
    if scores is not None and scores not in dialect.scores:
        raise ConfigError(f"scores: api = {dialect.name!r} gives no {scores!r}", hint=nearest(scores, dialect.scores))


def check_prices(dialect: Dialect, prices: RerankPrices | None) -> None:
    """Raises:
    ConfigError: a price of units that are not billed.
    """
    if prices is not None and prices.per_unit is not None and not dialect.unit:
        raise ConfigError(
            f"price_unit: api = {dialect.name!r} bills no units", hint="It bills tokens: give price_input."
        )
