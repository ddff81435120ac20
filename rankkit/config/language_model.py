"""The language model that a pairwise or listwise spec names: a GGUF file here, or an OpenAI-compatible endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from rankkit.backends.endpoint.requests import Style
from rankkit.config.spec import ModelSpec, display_name
from rankkit.models import store

if TYPE_CHECKING:
    from rankkit.backends.gguf import GgufModel
    from rankkit.backends.openai_compatible import Endpoint

DEFAULT_MODEL = "smollm2-135m-instruct"


class LanguageModelSpec(ModelSpec):
    """``model`` is a catalogue name or a path; with ``endpoint`` (a base URL), what the server calls it.

    A key is never written into a spec: ``key_env`` names the environment variable that holds it.
    """

    model: str = DEFAULT_MODEL
    endpoint: str | None = None
    key_env: str | None = None
    passage_tokens: int = Field(default=300, ge=1)

    context: int | None = Field(default=None, ge=1)
    threads: int | None = Field(default=None, ge=1)
    template: str | None = None

    timeout: float = Field(default=60.0, gt=0)
    retries: int = Field(default=2, ge=0)
    concurrency: int = Field(default=8, ge=1)
    style: Style = Field(default="auto", description="completion: for a base model behind a server, no chat template")
    thinking_tokens: int = Field(default=0, ge=0)
    extra_body: dict[str, Any] = Field(default_factory=dict, description="further fields of each request to the server")
    price_input: float | None = Field(default=None, ge=0, description="money for a million input tokens")
    price_output: float | None = Field(default=None, ge=0, description="money for a million output tokens")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.endpoint is None and self.key_env is not None:
            raise ValueError("key_env goes with an endpoint, and none is given")
        if self.endpoint is not None and "model" not in self.model_fields_set:
            raise ValueError("an endpoint needs the model's name as the server calls it")
        return self

    def backend(self) -> GgufModel | Endpoint:
        """Open the model: here the extra that it needs is asked for, and a server may be."""
        if self.endpoint is not None:
            return self._endpoint(self.endpoint)
        from rankkit.backends.gguf import GgufModel

        return GgufModel(
            store.locate(self.model),
            context=self.context,
            threads=self.threads,
            template=self.template,
            name=display_name(self.model),
        )

    def _endpoint(self, base_url: str) -> Endpoint:
        from rankkit.backends.endpoint.pricing import Prices
        from rankkit.backends.openai_compatible import Endpoint

        priced = self.price_input is not None or self.price_output is not None
        return Endpoint(
            self.model,
            base_url=base_url,
            key_env=self.key_env,
            timeout=self.timeout,
            retries=self.retries,
            concurrency=self.concurrency,
            context_length=self.context,
            thinking_tokens=self.thinking_tokens,
            style=self.style,
            extra_body=self.extra_body,
            prices=Prices(self.price_input or 0.0, self.price_output or 0.0) if priced else None,
        )
