"""One HTTP request to an OpenAI-compatible server: who is asked, with which key, how often, and what came back.

Retries are the SDK's: connection errors, timeouts, 408, 409, 429 and 5xx are tried again at most ``retries`` times,
after the server's ``Retry-After`` where it is at most 120 seconds (60 with older SDKs), else after half a second,
doubled each time up to 8. So a call ends after at most ``(retries + 1) * timeout + retries * 120`` seconds of silence.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.openai.errors import Secret, translated
from rankkit.core.extras import require_extra
from rankkit.errors import (
    ConfigError,
    EndpointError,
    InvalidReply,
    ModelNotServed,
    RequestRefused,
    ServerFailed,
    nearest,
)

with require_extra("openai", "an OpenAI-compatible endpoint"):
    import openai

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
#: Sent where no key is needed: the SDK insists on one, and would take the environment's if it were given none.
NO_KEY = "none"

#: Fields of a model's row that tell its context: vLLM, OpenRouter and LM Studio, Groq.
CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window")
#: Seconds without a byte of the list of models, which is asked for before any deadline runs.
LISTING_TIMEOUT = 5.0

Route = Literal["chat", "completion"]
PATHS: Mapping[Route, str] = {"chat": "/chat/completions", "completion": "/completions"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reply's JSON object and how long it took, retries and their waits included."""

    body: Mapping[str, object]
    seconds: float


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
    if not os.environ.get(name):
        raise ConfigError(
            f"the environment variable {name} is not set, and no api_key is given",
            hint="Set it, give api_key, or give the base_url of a server that needs none.",
        )
    return Secret(os.environ[name])


def check_url(base_url: str) -> str:
    """The address as it is kept and shown.

    Raises:
        ConfigError: it is no HTTP address, or holds a user, password or query: those would show up in messages.
    """
    parts = urlsplit(base_url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"the base_url for {parts.hostname} holds more than scheme, host, port and path",
            hint="Give a key as api_key; a base_url is shown in messages.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"{base_url!r} is no address of a server", hint="Give a base_url like http://127.0.0.1:8000/v1."
        )
    return base_url.rstrip("/")


def check_numbers(model: str, *, timeout: float, retries: int, concurrency: int, thinking_tokens: int) -> None:
    """Refuse what no request can be made with.

    Raises:
        ConfigError: it names the values.
    """
    if not model:
        raise ConfigError("no model is named", hint="Give the name under which the server serves it.")
    if not timeout > 0 or retries < 0 or concurrency < 1 or thinking_tokens < 0:
        raise ConfigError(
            f"timeout={timeout:g}, retries={retries}, concurrency={concurrency}, thinking_tokens={thinking_tokens} "
            "is not possible",
            hint="timeout and concurrency are above 0, retries and thinking_tokens 0 or more.",
        )


class EndpointClient:
    """Sends requests, at most ``concurrency`` at once. Safe to share between threads."""

    def __init__(
        self,
        base_url: str | None,
        secret: Secret | None,
        *,
        timeout: float,
        retries: int,
        concurrency: int,
        circuit: Circuit,
    ) -> None:
        self.base_url = check_url(OPENAI_URL if base_url is None else base_url)
        self._secret = secret or Secret(NO_KEY)
        self._circuit = circuit
        self._slots = threading.BoundedSemaphore(concurrency)
        self._listing_timeout = min(timeout, LISTING_TIMEOUT)
        self._openai = openai.OpenAI(
            api_key=self._secret.reveal(),
            base_url=self.base_url,
            organization=None if base_url is None else "",
            project=None if base_url is None else "",
            timeout=openai.Timeout(timeout, connect=min(timeout, 10.0)),
            max_retries=retries,
            default_headers=None if base_url is None else _without_ambient_headers(self._secret),
        )
        if base_url is not None:
            # "" above kept the SDK from reading them from the environment; None keeps it from sending them.
            self._openai.organization = self._openai.project = None

    def close(self) -> None:
        self._openai.close()

    def post(self, route: Route, body: Mapping[str, object], *, trial: bool = False) -> Delivery:
        """Send one request and give its JSON object. That a server breaks over a ``trial`` is not held against it.

        Raises:
            EndpointError: one of its kinds; ``InvalidReply`` where the reply is not a JSON object.
        """
        given = {key: value for key, value in body.items() if key not in ("model", "messages", "prompt")}
        model = cast(str, body["model"])

        def send() -> str:
            if route == "chat":
                chat = self._openai.chat.completions.with_raw_response
                return chat.create(model=model, messages=cast(Any, body["messages"]), extra_body=given).text
            plain = self._openai.completions.with_raw_response
            return plain.create(model=model, prompt=cast(str, body["prompt"]), extra_body=given).text

        where = f"POST {self.base_url}{PATHS[route]}"
        try:
            return self._counted(send, where, trial=trial)
        except ModelNotServed as error:
            served = self._served_or_none()
            if not served or model in served:
                raise
            raise ModelNotServed(error.message, hint=f"{nearest(model, served)} {error.hint}") from None

    def models(self) -> Mapping[str, Mapping[str, object]]:
        """What the server says about each model that it serves, by name. The circuit knows nothing of it: a server may
        answer without having such a list. It is not tried again.
        """
        where = f"GET {self.base_url}/models"
        options: openai.RequestOptions = {"max_retries": 0, "timeout": self._listing_timeout}

        def send() -> str:
            return self._openai.get("/models", cast_to=str, options=options)

        with self._slots:
            listing = self._read(translated(send, where=where, secret=self._secret), where)
        rows = listing.get("data")
        known = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return {row["id"]: row for row in known if isinstance(row.get("id"), str)}

    def context_length(self, model: str) -> int | None:
        """What the server's list of models says of this one, in tokens; ``None`` where it says nothing, or has none."""
        served = self._served_or_none()
        row = served.get(model) if served else None
        told = (row.get(field) for field in CONTEXT_FIELDS) if row else ()
        return next((value for value in told if isinstance(value, int) and value > 0), None)

    def _served_or_none(self) -> Mapping[str, Mapping[str, object]] | None:
        try:
            return self.models()
        except EndpointError:
            return None  # A server need not have a list; one that is down is told by the call that we look it up for.

    def _counted(self, send: Callable[[], str], where: str, *, trial: bool = False) -> Delivery:
        with self._slots:
            self._circuit.before_call()
            started = time.perf_counter()
            try:
                body = self._read(translated(send, where=where, secret=self._secret), where)
            except (RequestRefused, ModelNotServed):
                self._circuit.succeeded()  # It is there and answers.
                raise
            except EndpointError as error:
                if not (trial and isinstance(error, ServerFailed)):
                    self._circuit.failed(error.message)
                raise
            self._circuit.succeeded()
            return Delivery(body, time.perf_counter() - started)

    def _read(self, text: str, where: str) -> Mapping[str, object]:
        # A server that echoes the key must not get it into an answer, and so into a saved record.
        text = self._secret.mask(text)
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            seen = " ".join(text[:80].split()) or "nothing"
            raise InvalidReply(
                f"{where}: the reply is not a JSON object, it begins with: {seen}",
                hint="Check that base_url is the address of the API (often ending in /v1), not of a web page.",
            )
        return body


def _without_ambient_headers(secret: Secret) -> Mapping[str, str]:
    # What OPENAI_CUSTOM_HEADERS holds (a key, perhaps) is meant for OpenAI, and the SDK sends it to everybody.
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    names = [line.partition(":")[0].strip() for line in lines if ":" in line]
    omitted = {name: cast(str, openai.Omit()) for name in names if name.lower() != "authorization"}
    return {**omitted, "Authorization": f"Bearer {secret.reveal()}"} if names else {}
