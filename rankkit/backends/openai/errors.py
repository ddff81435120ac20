"""Errors of the OpenAI SDK become rankkit's, in one place, with the key masked; no other error is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from rankkit.core.extras import require_extra
from rankkit.errors import (
    AuthenticationFailed,
    ConfigError,
    ConnectionFailed,
    EndpointError,
    EndpointTimeout,
    ModelNotServed,
    RateLimited,
    RequestRefused,
    ServerFailed,
)

with require_extra("openai", "an OpenAI-compatible endpoint"):
    import openai

T = TypeVar("T")

#: A server's own words are cut here: some send whole HTML pages.
LONGEST_QUOTE = 300
#: A shorter key ("EMPTY", "none") is a stand-in for no key, and masking it would blot out ordinary words.
SHORTEST_SECRET = 6

_HINTS: dict[type[EndpointError], str] = {
    AuthenticationFailed: "Give the key as api_key, or name its environment variable in key_env.",
    ModelNotServed: "Check the model's name, and that base_url ends where the API begins (often in /v1).",
    RateLimited: "Lower concurrency, or raise retries.",
    ServerFailed: "The server's log says why; raise retries if it recovers by itself.",
    RequestRefused: "The server's words above name the cause; a prompt that is too long is the usual one.",
    EndpointTimeout: "Raise timeout, or lower concurrency if the server is slow because it is busy.",
    ConnectionFailed: "Check base_url, and that the server is running.",
}


class Secret:
    """A key that shows itself to nobody who does not ask: not in reprs, not in pickles."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value or not all("!" <= character <= "~" for character in value):
            raise ConfigError(
                "the key is empty, or holds a character that no HTTP header may hold",
                hint="Often a line break at its end: strip it.",
            )
        self._value = value

    def reveal(self) -> str:
        return self._value

    def mask(self, text: str) -> str:
        """The text with each appearance of the key replaced by stars."""
        return text if len(self._value) < SHORTEST_SECRET else text.replace(self._value, "***")

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never written into a file or sent to another process")


def translated(call: Callable[[], T], *, where: str, secret: Secret) -> T:
    """Run ``call`` and give its value; an error of the SDK becomes an ``EndpointError`` that names ``where``.

    The new error is raised outside the ``except`` block on purpose, and is no context manager for the same reason:
    this way the SDK's exception, which holds the request with its key, is not chained to it, and no traceback shows it.
    """
    try:
        return call()
    except openai.APIError as error:
        failure = _translate(error, where, secret)
    raise failure


def _translate(error: openai.APIError, where: str, secret: Secret) -> EndpointError:
    if isinstance(error, openai.APITimeoutError):
        return _failure(EndpointTimeout, f"{where}: no answer in time")
    if isinstance(error, openai.APIConnectionError):
        # The SDK's own words are "Connection error."; what really happened stands in its cause.
        cause = secret.mask(str(error.__cause__ or error))
        return _failure(ConnectionFailed, f"{where}: no connection ({_quote(cause)})")
    if isinstance(error, openai.APIStatusError):
        kind = _kind_of_status(error)
        # The SDK puts the status in front of the server's words; it is told once, before them.
        said = secret.mask(error.message.removeprefix(f"Error code: {error.status_code} - "))
        hint = ""
        wait = error.response.headers.get("retry-after")
        if kind is RateLimited and wait:
            hint = f"The server asks to wait {_quote(secret.mask(wait))} seconds or until then. {_HINTS[RateLimited]}"
        return _failure(kind, f"{where}: the server answered {error.status_code} ({_quote(said)})", hint)
    return _failure(ServerFailed, f"{where}: {_quote(secret.mask(str(error)))}")


def _kind_of_status(error: openai.APIStatusError) -> type[EndpointError]:
    status = error.status_code
    if status in (401, 403):
        return AuthenticationFailed
    if status == 404 or error.code in ("model_not_found", "model_not_exist"):
        return ModelNotServed
    if status in (408, 504):
        return EndpointTimeout
    if status == 429:
        return RateLimited
    return ServerFailed if status >= 500 else RequestRefused


def _failure(kind: type[EndpointError], message: str, hint: str = "") -> EndpointError:
    return kind(message, hint=hint or _HINTS[kind])


def _quote(said: str) -> str:
    flat = " ".join(said.split())
    return flat if len(flat) <= LONGEST_QUOTE else flat[: LONGEST_QUOTE - 1] + "…"
