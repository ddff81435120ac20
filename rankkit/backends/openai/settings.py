"""What a server is asked with: the key, further headers and parameters, numbers; and what may not be among them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rankkit.backends.http.secrets import Secret
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

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Set by the client itself; another value would break the request.
_OURS = frozenset(
    "host connection content-length content-type content-encoding transfer-encoding accept-encoding te upgrade".split()
)
_KEYS = re.compile(r"auth|cookie|secret|token|password|passwd|credential|signature|(^|[-_])(api[-_]?)?key$", re.I)
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


def find_key(api_key: str | None, key_env: str | None, base_url: str | None) -> Secret | None:
    """The key to send: the one given, or the named environment variable's.

    ``OPENAI_API_KEY`` is read without being named only where ``base_url`` is left out, that is, for OpenAI itself: a
    key in the environment never goes to a server that it was not meant for.

    Raises:
        ConfigError: both ways are used, or the variable is not set.
    """
    if api_key is not None:
        if key_env is not None:
            raise ConfigError("both api_key and key_env are given", hint="Give one of them.")
        return Secret(api_key)
    name = key_env or (OPENAI_KEY if base_url is None else None)
    if name is None:
        return None
    return _from_environment(name, "and no api_key is given", "Set it, give api_key, or the base_url of a server")


def _from_environment(name: str, seen: str, hint: str) -> Secret:
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"the environment variable {name} is not set, {seen}", hint=f"{hint} that needs none.")
    return Secret(value)


def all_headers(
    key: Secret | None, key_header: str | None, headers: Mapping[str, str], headers_env: Mapping[str, str]
) -> tuple[dict[str, str], tuple[Secret, ...]]:
    """What is sent with each request, and the secrets in it.

    Raises:
        ConfigError: a name or a value that no header can have, or a key that stands in ``headers``.
    """
    for name, value in headers.items():
        _check_header(name)
        if _KEYS.search(name):
            raise ConfigError(
                f"the header {name} may hold a key, which would be shown with the configuration",
                hint=f"Name the environment variable that holds it: headers_env = {{{name!r}: 'VARIABLE'}}.",
            )
        if not value.isascii() or not value.isprintable():
            raise ConfigError(f"the header {name} holds a character that no HTTP header may hold")
    for name in (*headers_env, *([key_header] if key_header else [])):
        _check_header(name)
    secrets = {
        name: _from_environment(variable, f"which is to hold the header {name}", "Set it, or ask a server")
        for name, variable in headers_env.items()
    }
    if key_header is None:
        sent = {"authorization": f"Bearer {NO_KEY if key is None else key.reveal()}"}
    else:
        sent = {} if key is None else {key_header.lower(): key.reveal()}
    for name, value in headers.items():
        sent[name.lower()] = value
    for name, secret in secrets.items():
        sent[name.lower()] = secret.reveal()
    return sent, (*([key] if key else []), *secrets.values())


def _check_header(name: str) -> None:
    if not _NAME.fullmatch(name) or name.lower() in _OURS:
        raise ConfigError(f"{name!r} is no header that can be set", hint="Leave it out, or correct its name.")


def check_query(query: Mapping[str, str]) -> Mapping[str, str]:
    """Raises:
    ConfigError: a parameter that looks like a key: addresses are written into logs on their way.
    """
    for name in query:
        if _KEYS.search(name):
            raise ConfigError(
                f"the query parameter {name} looks like a key, and addresses are logged on their way",
                hint="Send a key as a header: key_env, with key_header where it is not Authorization.",
            )
    return dict(query)


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
