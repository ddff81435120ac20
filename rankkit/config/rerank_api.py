"""A rerank API that a pointwise spec names: ``api = "cohere"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from rankkit.backends.http.credentials import own_variable
from rankkit.backends.rerank_api.address import address_of
from rankkit.backends.rerank_api.dialects import DIALECTS, ApiName
from rankkit.backends.rerank_api.pricing import RerankPrices
from rankkit.backends.rerank_api.requests import check_extra_body
from rankkit.backends.rerank_api.settings import check_prices, check_scores
from rankkit.config.keys import sent_variables
from rankkit.config.language_model import LanguageModelSpec

if TYPE_CHECKING:
    from rankkit.backends.rerank_api.client import RerankApi

KIND = "rerank-api"


class RerankApiSpec(LanguageModelSpec):
    """With ``api``, ``model`` is what the service calls it, and ``base_url`` where it is, unless that is the service's
    own address. The keys of an endpoint that go with it mean the same.
    """

    api: ApiName | None = Field(default=None, description="the rerank API that is spoken")
    base_url: str | None = Field(default=None, description="where the API is, if not at the service's own address")
    documents_per_call: int | None = Field(default=None, ge=1, description="instead of what the service takes")
    tokens_per_call: int | None = Field(default=None, ge=1, description="instead of what the service takes")
    instruction_field: str | None = Field(
        default=None, min_length=1, description="the field of a request's instruction, for a server that reads one"
    )
    price_unit: float | None = Field(default=None, ge=0, description="price of a unit that the service bills")

    @model_validator(mode="after")
    def _api_fits(self) -> Self:
        if self.api is None:
            return self
        if self.endpoint is not None:
            raise ValueError("api and endpoint are two ways to a server: give the address of a rerank API as base_url")
        if "model" not in self.model_fields_set:
            raise ValueError(f"api = {self.api!r} needs the model's name as the service calls it: give model too")
        return self

    @property
    def kind(self) -> str:
        return super().kind if self.api is None else KIND

    @property
    def assumed_kind(self) -> str:
        return super().assumed_kind if self.api is None else KIND

    @property
    def address(self) -> str | None:
        return super().address if self.api is None else address_of(DIALECTS[self.api], self.base_url)[0]

    @property
    def sent_variables(self) -> Mapping[str, str]:
        named = self.key_env
        if self.api is not None and named is None and self.base_url is None:
            named = own_variable(DIALECTS[self.api].own_variables)
        return dict(sent_variables(named, self.headers_env))

    @property
    def api_scores(self) -> str | None:
        """The form of scores that the API gives if nothing is said."""
        return None if self.api is None else next(iter(DIALECTS[self.api].scores))

    def check_api(self) -> None:
        """Raises:
        ConfigError: what this API does not give, bill or take, or no address of a server that people run themselves.
        """
        if self.api is not None:
            dialect = DIALECTS[self.api]
            _ = self.address
            said = getattr(self, "scores", None)
            check_scores(dialect, None if said == "calibrated" else said)
            check_prices(dialect, self._prices)
            check_extra_body(self.extra_body)

    @property
    def _prices(self) -> RerankPrices | None:
        priced = (self.price_input, self.price_unit) != (None, None)
        return RerankPrices(self.price_input, self.price_unit) if priced else None

    def rerank_api(self) -> RerankApi:
        """The client; nothing is sent yet.

        Raises:
            ConfigError: a key that is not there, or that would go to another machine unencrypted.
        """
        from rankkit.backends.http.circuit import Circuit
        from rankkit.backends.rerank_api.client import RerankApi

        self.check_keys()
        return RerankApi(
            str(self.api),
            self.model,
            base_url=self.base_url,
            key_env=self.key_env,
            key_header=self.key_header,
            headers=self.headers,
            headers_env=self.headers_env,
            query=self.query,
            timeout=self.timeout,
            total_timeout=self.total_timeout,
            retries=self.retries,
            concurrency=self.concurrency,
            documents_per_call=self.documents_per_call,
            tokens_per_call=self.tokens_per_call,
            scores=getattr(self, "scores", None),
            instruction_field=self.instruction_field,
            extra_body=self.extra_body,
            prices=self._prices,
            circuit=None if self.circuit is None else Circuit(**self.circuit.model_dump()),
        )
