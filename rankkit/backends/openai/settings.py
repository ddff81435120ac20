"""What a server is asked with: the key, further headers and parameters, numbers; and what may not be among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rankkit.backends.http.credentials import check_query
from rankkit.backends.openai.requests import Style
from rankkit.errors import ConfigError

if TYPE_CHECKING:
    from rankkit.backends.http.circuit import Circuit
    from rankkit.backends.language.pricing import Prices
    from rankkit.backends.openai.probe import Capabilities

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
#: Sent where no key is needed: some servers insist on one, whichever.
NO_KEY = "none"

#: Fields that a judge's question and its price depend on.
_OWN_FIELDS = frozenset(
    """model messages prompt stream n best_of max_tokens max_completion_tokens max_new_tokens max_output_tokens
    n_predict""".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """What an ``Endpoint`` was made with, but for a key that was given itself. It explains them.

    Raises:
        ConfigError: a value that is not possible.
    """

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
    context_length: int | None
    thinking_tokens: int
    prices: Prices | None
    extra_body: Mapping[str, object]
    style: Style
    capabilities: Capabilities | None
    circuit: Circuit | None

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError("no model is named", hint="Give the name under which the server serves it.")
        above = self.timeout > 0 and (self.total_timeout is None or self.total_timeout > 0)
        if not above or self.retries < 0 or self.concurrency < 1 or self.thinking_tokens < 0:
            raise ConfigError(
                f"timeout={self.timeout:g}, total_timeout={self.total_timeout}, retries={self.retries}, "
                f"concurrency={self.concurrency}, thinking_tokens={self.thinking_tokens} is not possible",
                hint="timeouts and concurrency are above 0, retries and thinking_tokens 0 or more.",
            )
        # Copies: nobody changes them afterwards.
        object.__setattr__(self, "headers", dict(self.headers))
        object.__setattr__(self, "query", check_query(self.query))
        object.__setattr__(self, "extra_body", check_extra_body(self.extra_body))


def check_extra_body(extra_body: Mapping[str, object]) -> dict[str, object]:
    """Raises:
    ConfigError: a field that the question or its bound depends on.
    """
    taken = sorted(_OWN_FIELDS & set(extra_body))
    if taken:
        raise ConfigError(
            f"extra_body sets {', '.join(taken)}, which each call sets itself",
            hint="Leave it out; thinking_tokens gives a model more room, the model is named by its own key.",
        )
    return dict(extra_body)
