"""Any server that speaks the OpenAI protocol as a backend: vLLM, llama.cpp, SGLang, Ollama, LM Studio, OpenAI, ...

No tokenizer and no server of our own is needed. What a server cannot do is found out by asking it once (see
``endpoint_probe``); how often a request is tried again stands in ``endpoint_client``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import NoReturn

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.language.pricing import Prices, estimate_prompt_tokens, estimate_tokens
from rankkit.backends.openai.client import Delivery, EndpointClient, Route, check_numbers, find_key
from rankkit.backends.openai.probe import Capabilities, CapabilityProbe
from rankkit.backends.openai.replies import Choice, first_differing, read_choice, read_usage
from rankkit.backends.openai.requests import Dialect, Style, log_probability_fields, with_dialects, worded
from rankkit.backends.openai.structure import OrderConstraint, as_longest, constraint_fields, read_order
from rankkit.backends.protocols import Continuations, Generated, Permuted, Prompt
from rankkit.core.usage import Usage
from rankkit.errors import (
    CapabilityMissing,
    ContractViolation,
    InvalidReply,
)

#: Room for white space and brackets around constrained labels, in tokens.
ROOM = 32

_UNKNOWN_CONTEXT = "the server does not tell the model's context length: no prompt is shortened to fit it"


class Endpoint:
    """A model behind an OpenAI-compatible address: generates text, scores continuations, decodes permutations.

    - Key: ``api_key``, or the environment variable named by ``key_env``. Only where ``base_url`` is left out (OpenAI
      itself) is ``OPENAI_API_KEY`` read without being named. The key is in no repr, error, log or pickle.
    - ``timeout`` is in seconds without a byte from the server, for each of ``1 + retries`` tries. At most
      ``concurrency`` calls run at once; others wait. After repeated failures ``circuit`` opens.
    - ``thinking_tokens`` are added to every limit, for models that think before they answer; with them, ``stop`` is
      applied to the answer only.
    - ``style``: ``"auto"`` sends messages to ``/chat/completions`` and a plain string to ``/completions``, where the
      model sees it to the letter. ``"chat"`` wraps a string into one user message, for servers without plain
      completions; ``"completion"`` joins messages by blank lines, for base models without a template.
    - ``extra_body`` is merged into every request (``{"chat_template_kwargs": {"enable_thinking": False}}``, say).
    - ``capabilities`` are asked for when first needed unless they are declared here.

    The bill counts one call for each answer, however many tries it took (tries that failed bring no count of tokens),
    and their time in full. A call that failed counts as one too, even if no connection was made; none is counted where
    the circuit was open, since nothing was tried. Tokens are the server's own count, or a stated upper estimate where
    it gives none. The requests that find out what the server can do are in no answer's bill.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each thing that a server may differ in, all with a default
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        key_env: str | None = None,
        timeout: float = 60.0,
        retries: int = 2,
        concurrency: int = 8,
        context_length: int | None = None,
        thinking_tokens: int = 0,
        prices: Prices | None = None,
        extra_body: Mapping[str, object] | None = None,
        style: Style = "auto",
        capabilities: Capabilities | None = None,
        circuit: Circuit | None = None,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigError: a value that is not possible, a ``base_url`` that holds a password, or a key that is not there.
        """
        check_numbers(model, timeout=timeout, retries=retries, concurrency=concurrency, thinking_tokens=thinking_tokens)
        self._model = model
        self._client = EndpointClient(
            base_url,
            find_key(api_key, key_env, base_url),
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            circuit=circuit or Circuit(),
        )
        self._concurrency = concurrency
        self._given_context = context_length
        self._thinking_tokens = thinking_tokens
        self._prices = prices
        self._extra_body = dict(extra_body or {})
        self._style = style
        self._dialects: dict[Route, Dialect] = {}
        self._probe = CapabilityProbe(self._ask, capabilities)

    def __repr__(self) -> str:
        return f"Endpoint({self._model!r}, base_url={self._client.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Endpoint holds connections and perhaps a key: build it where it is used, from its config")

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    @property
    def name(self) -> str:
        return self._model

    @property
    def fingerprint(self) -> str:
        """A hash of address, model and what is sent with every request. The weights behind it may change unseen."""
        parts = [self._client.base_url, self._model, self._style, self._thinking_tokens, self._extra_body]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]

    @property
    def concurrency(self) -> int:
        return self._concurrency

    @cached_property
    def context_length(self) -> int | None:
        """As given, or as the server's list of models tells, which is asked once, when this is first needed.

        ``None`` where it does not tell: then nothing is shortened for it, which is one of the ``fallbacks``.
        """
        told = self._given_context or self._client.context_length(self._model)
        if told is None:
            self._probe.report(_UNKNOWN_CONTEXT)
        return told

    @property
    def thinking_tokens(self) -> int:
        """What to add to ``max_tokens`` for the most output tokens that a call can cost."""
        return self._thinking_tokens

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """What this server refused or ignored so far, and what is done instead."""
        return self._probe.fallbacks

    def probe(self) -> Capabilities:
        """Find out now what the server can do.

        Raises:
            EndpointError: the server does not answer an ordinary request either.
        """
        route: Route = "completion" if self._style == "completion" else "chat"
        alternatives = self._probe.log_probabilities(route)
        structure = self._probe.structure(route)
        return Capabilities(alternatives, structure, self.fallbacks)

    def count_tokens(self, prompt: Prompt) -> int:
        """An upper estimate (see ``pricing.estimate_tokens``): the server's own count comes only with the bill."""
        return estimate_prompt_tokens(prompt)

    def price(self, *, input_tokens: int, output_tokens: int) -> float | None:
        if self._prices is None:
            return None
        return self._prices.cost(input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=0)

    def generate(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        route, body = worded(prompt, self._style)
        if stop and not self._thinking_tokens:
            body["stop"] = list(stop)
        delivery = self._ask(route, body, max_tokens=max_tokens)
        choice = read_choice(delivery.body)
        text = choice.text
        for mark in stop:
            text = text.partition(mark)[0]
        return Generated(text, choice.finish, choice.thinking, self._bill(prompt, choice, delivery))

    def score_continuations(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        """From the top log-probabilities of the first token alone.

        A continuation of one token gets its exact value. A longer one gets its first token's, an upper bound, if no
        other continuation starts with that token, else ``None``; so does one that is not among the shown. In a chat
        the answer starts a turn, so white space before a continuation does not count.

        Raises:
            CapabilityMissing: the server shows no log-probabilities.
        """
        route, body = worded(prompt, self._style)
        count = self._probe.log_probabilities(route)
        if not count:
            raise CapabilityMissing(
                f"{self!r} shows no log-probabilities: {'; '.join(self.fallbacks) or 'declared so'}",
                hint="Use a judge that generates text, a GGUF model, or a server that gives top_logprobs (vLLM does).",
            )
        delivery = self._ask(route, {**body, **log_probability_fields(route, count)}, max_tokens=1)
        choice = read_choice(delivery.body)
        if choice.shown is None:
            raise InvalidReply(
                f"{self!r} left the log-probabilities out of a reply",
                hint="Servers do so for some prompts under load; if it lasts, use a judge that generates text.",
            )
        texts = [text.lstrip() for text in continuations] if route == "chat" else continuations
        return Continuations(first_differing(texts, choice.shown), self._bill(prompt, choice, delivery))

    def permute(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        """One answer under the constraint that the server takes: ``top`` different labels (or all), or those before
        the first that came twice. A server that takes JSON only writes the labels as JSON, without ``opening``.

        Raises:
            CapabilityMissing: the server takes no constraint.
            InvalidReply: the server did not keep to it, or the answer was cut off.
        """
        if len({label.strip() for label in labels}) < len(labels):
            raise ContractViolation(f"labels must differ: {list(labels)!r}")
        constraint = OrderConstraint(tuple(labels), min(top, len(labels)), opening, separator)
        if constraint.top < 1:
            return Permuted(())
        route, body = worded(prompt, self._style)
        form = self._probe.structure(route)
        if form is None:
            raise CapabilityMissing(
                f"{self!r} takes no constraint: {'; '.join(self.fallbacks) or 'declared so'}",
                hint="Use a judge that generates text, a GGUF model, or a server that can (vLLM and llama.cpp do).",
            )
        room = estimate_tokens(as_longest(constraint)) + ROOM
        delivery = self._ask(route, {**body, **constraint_fields(form, constraint)}, max_tokens=room)
        choice = read_choice(delivery.body)
        if choice.finish != "stop":
            raise InvalidReply(
                f"{self!r} gave no order: " + ("it refused" if choice.finish == "refused" else "it was cut off"),
                hint="Raise thinking_tokens if the model thinks first, or use a judge that generates text.",
            )
        return Permuted(read_order(form, constraint, choice.text), self._bill(prompt, choice, delivery))

    def _ask(self, route: Route, body: Mapping[str, object], *, max_tokens: int, trial: bool = False) -> Delivery:
        full = {"model": self._model, "temperature": 0, "seed": 0, **body}
        delivery, dialect = with_dialects(
            lambda shaped: self._client.post(route, {**shaped, **self._extra_body}, trial=trial),
            self._dialects.get(route, Dialect()),
            full,
            max_tokens + self._thinking_tokens,
        )
        self._dialects[route] = dialect  # Threads that find it at the same time find the same.
        for fallback in dialect.fallbacks():
            self._probe.report(fallback)
        return delivery

    def _bill(self, prompt: Prompt, choice: Choice, delivery: Delivery) -> Usage:
        counted = read_usage(delivery.body)
        if counted is None:
            self._probe.report("the server counts no tokens: the bill holds upper estimates")
            given, cached = self.count_tokens(prompt), 0
            written = estimate_tokens(choice.thinking) + estimate_tokens(choice.text)
        else:
            given, written, cached = counted.input_tokens, counted.output_tokens, counted.cached_tokens
        cost = None
        if self._prices is not None:
            cost = self._prices.cost(input_tokens=given, output_tokens=written, cached_tokens=cached)
        return Usage(1, given, written, cached, delivery.seconds, cost)
