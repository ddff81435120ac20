"""The language model that a pairwise or listwise spec names: a GGUF file here, or an OpenAI-compatible endpoint."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rankkit.backends.openai.requests import Style
from rankkit.backends.openai.structure import Form
from rankkit.config.keys import check_keys, sent_variables
from rankkit.config.model_facts import display_name
from rankkit.config.model_spec import ModelSpec
from rankkit.config.registry import kinds
from rankkit.config.unused_keys import refuse_unused, users_of_keys
from rankkit.errors import (
    CapabilityMissing,
    CircuitOpen,
    ConnectionFailed,
    EndpointTimeout,
    RateLimited,
    ServerFailed,
)
from rankkit.models import store

if TYPE_CHECKING:
    from rankkit.backends.gguf.model import GgufModel
    from rankkit.backends.openai.endpoint import Endpoint

DEFAULT_MODEL = "smollm2-135m-instruct"


def _day(value: object) -> object:
    """TOML has dates of its own, JSON has strings; a date with a time of day is neither."""
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value).isoformat()
        except ValueError:
            raise ValueError("no day of the calendar; write it as in 2026-01-31") from None
    return value.isoformat() if type(value) is datetime.date else value


Day = Annotated[str, BeforeValidator(_day)]


class CapabilitiesSpec(BaseModel):
    """What a server can do, for one that need not be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    log_probabilities: int = Field(default=0, ge=0, description="alternatives to the first token that it shows")
    structure: Form | None = Field(default=None, strict=False, description="how it takes a constraint on the answer")


class CircuitSpec(BaseModel):
    """After ``failures`` failed calls in a row the server is not asked for ``cooldown`` seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    failures: int = Field(default=5, ge=1)
    cooldown: float = Field(default=30.0, ge=0, allow_inf_nan=False)


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
    batch: int | None = Field(default=None, ge=1, description="tokens that llama.cpp computes together")
    date: Day | None = Field(default=None, description="the day (2026-01-31) for chat templates that ask for the date")

    timeout: float = Field(default=60.0, gt=0)
    total_timeout: float | None = Field(default=None, gt=0, description="seconds for all tries of a call, with waits")
    retries: int = Field(default=2, ge=0)
    concurrency: int = Field(default=8, ge=1)
    style: Style = Field(default="auto", description="completion: for a base model behind a server, no chat template")
    thinking_tokens: int = Field(default=0, ge=0)
    extra_body: dict[str, Any] = Field(default_factory=dict, description="further fields of each request to the server")
    key_header: str | None = Field(default=None, description="the header that takes the key instead of Authorization")
    headers: dict[str, str] = Field(default_factory=dict, description="further headers of each request, no keys")
    headers_env: dict[str, str] = Field(
        default_factory=dict, description="headers whose values are read from the environment variables named here"
    )
    key_over_http: bool = Field(default=False, description="send keys to another machine though it is not encrypted")
    query: dict[str, str] = Field(default_factory=dict, description="query parameters of each request (api-version)")
    capabilities: CapabilitiesSpec | None = Field(default=None, description="what the server can, instead of asking it")
    circuit: CircuitSpec | None = Field(default=None, description="when a server that fails is left alone")
    price_input: float | None = Field(default=None, ge=0, description="price of a million input tokens")
    price_output: float | None = Field(default=None, ge=0, description="price of a million output tokens")
    price_cached: float | None = Field(
        default=None, ge=0, description="price of a million input tokens that the server had cached, if it is another"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        places = users_of_keys((row.place, row.keys) for row in kinds().values())
        refuse_unused(self, places, kinds()[self.assumed_kind].place)
        if self.endpoint is not None and "model" not in self.model_fields_set:
            raise ValueError("an endpoint needs the model's name as the server calls it: give model too")
        if self.price_cached is not None and self.price_input is None:
            raise ValueError("price_cached goes with price_input, the price of the input that was not cached")
        return self

    @property
    def kind(self) -> str:
        return "endpoint" if self.endpoint is not None else super().kind

    @property
    def address(self) -> str | None:
        """Where the model is asked; ``None`` for one on this machine."""
        return self.endpoint

    @property
    def sent_variables(self) -> Mapping[str, str]:
        """The variables of the environment whose values the server is sent, each with the key that names it."""
        return dict(sent_variables(self.key_env, self.headers_env))

    def check_keys(self) -> None:
        """Raises:
        ConfigError: a key that is not there, or that would go to another machine unencrypted.
        """
        if self.address is not None:
            check_keys(self.sent_variables, self.address, over_http=self.key_over_http)

    def backend(self) -> GgufModel | Endpoint:
        """Open the model: here the extra that it needs is asked for, and a server may be asked what it can.

        Raises:
            CapabilityMissing: a server that cannot do what the method needs.
        """
        backend = self._model_here() if self.endpoint is None else self._endpoint(self.endpoint)
        for what in self.method_row.needs:
            check_can(backend, what, self.chosen_method, instead=self.method_row.instead)
        return backend

    def can(self, backend: GgufModel | Endpoint, what: Literal["structure", "log_probabilities"]) -> bool | None:
        """See ``can``."""
        return can(backend, what)

    def _model_here(self) -> GgufModel:
        from rankkit.backends.gguf.model import GgufModel

        return GgufModel(
            store.locate(self.model),
            context=self.context,
            threads=self.threads,
            template=self.template or self.prompt_template().chat_template or None,
            name=display_name(self.model),
            batch=self.batch or 64,
            **({} if self.date is None else {"date": self.date}),
        )

    def _endpoint(self, base_url: str) -> Endpoint:
        from rankkit.backends.http.circuit import Circuit
        from rankkit.backends.language.pricing import Prices
        from rankkit.backends.openai.endpoint import Endpoint
        from rankkit.backends.openai.probe import Capabilities

        self.check_keys()
        priced = self.price_input is not None or self.price_output is not None
        return Endpoint(
            self.model,
            base_url=base_url,
            key_env=self.key_env,
            key_header=self.key_header,
            headers=self.headers,
            headers_env=self.headers_env,
            query=self.query,
            timeout=self.timeout,
            total_timeout=self.total_timeout,
            retries=self.retries,
            concurrency=self.concurrency,
            context_length=self.context,
            thinking_tokens=self.thinking_tokens,
            style=self.style,
            extra_body=self.extra_body,
            capabilities=None if self.capabilities is None else Capabilities(**self.capabilities.model_dump()),
            circuit=None if self.circuit is None else Circuit(**self.circuit.model_dump()),
            prices=Prices(self.price_input or 0.0, self.price_output or 0.0, self.price_cached) if priced else None,
        )


def can(backend: GgufModel | Endpoint, what: Literal["structure", "log_probabilities"]) -> bool | None:
    """What a server can do is known only from asking it, once. ``None`` where it does not answer at present: that is
    the run's trouble, for which a stage may have a policy.
    """
    probe = getattr(backend, "probe", None)
    try:
        return True if probe is None else bool(getattr(probe(), what))
    except (ConnectionFailed, EndpointTimeout, RateLimited, ServerFailed, CircuitOpen):
        return None


def check_can(
    backend: GgufModel | Endpoint, what: Literal["structure", "log_probabilities"], method: str, *, instead: str
) -> None:
    """Refuse a server that cannot do what a method needs when the reranker is built, not in the middle of a run.

    Raises:
        CapabilityMissing: names the method that every server can be asked by.
    """
    if can(backend, what) is False:
        raise CapabilityMissing(
            f"the {method} method needs {what.replace('_', '-')}, which {backend!r} does not give",
            hint=f"Use the {instead} method, which every server can, or a GGUF model on this machine.",
        )
