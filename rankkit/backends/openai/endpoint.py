"""Any server that speaks the OpenAI protocol as a backend: vLLM, llama.cpp, SGLang, Ollama, LM Studio, OpenAI, ...

No tokenizer and no server of our own is needed. What a server cannot do is found out by asking it once (see
``probe``); connections, deadlines, limits and tries are the affair of ``backends.http.client``.

Each of the three things that it can do is one coroutine; the method without ``_async`` waits for it on the caller's
thread, the other awaits it on his event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.http.client import Delivery, HttpClient, Limits
from rankkit.backends.language.pricing import (
    Prices,
    estimate_order_tokens,
    estimate_prompt_tokens,
    estimate_tokens,
)
from rankkit.backends.openai import settings
from rankkit.backends.openai.listing import Listing
from rankkit.backends.openai.log_probabilities import first_differing
from rankkit.backends.openai.probe import Capabilities, CapabilityProbe
from rankkit.backends.openai.replies import Choice, hidden_status, read_choice, read_usage
from rankkit.backends.openai.requests import (
    PATHS,
    Dialect,
    Route,
    Style,
    log_probability_fields,
    with_dialects,
    worded,
)
from rankkit.backends.openai.structure import OrderConstraint, constraint_fields, read_order
from rankkit.backends.protocols import Continuations, Generated, Permuted, Prompt
from rankkit.core.limits import Gate
from rankkit.core.usage import Usage
from rankkit.errors import (
    CapabilityMissing,
    ContentRefused,
    ContractViolation,
    InvalidReply,
    ModelNotServed,
    nearest,
)

_UNKNOWN_CONTEXT = "the server does not tell the model's context length: no prompt is shortened to fit it"


class Endpoint:
    """A model behind an OpenAI-compatible address: generates text, scores continuations, decodes permutations.

    - Key: ``api_key``, or the environment variable named by ``key_env``. Only where ``base_url`` is left out (OpenAI
      itself) is ``OPENAI_API_KEY`` read without being named. It is sent as ``Authorization: Bearer``, or as it is in
      the header ``key_header`` (Azure: ``api-key``). The key is in no repr, error, log or pickle.
    - ``headers`` and ``query`` (Azure: ``{"api-version": ...}``) go with each request. A header that holds another
      secret is named in ``headers_env`` with the environment variable that its value is read from.
    - ``timeout`` is in seconds for each of ``1 + retries`` tries, ``total_timeout`` for all of them with the waits
      between, at most two minutes each. At most ``concurrency`` calls run at once, over all threads and event loops;
      others wait at the ``gate``. After repeated failures ``circuit`` opens.
    - ``thinking_tokens`` are added to every limit, for models that think before they answer; with them, ``stop`` is
      applied to the answer only.
    - ``style``: ``"auto"`` sends messages to ``/chat/completions`` and a plain string to ``/completions``, where the
      model sees it to the letter. ``"chat"`` wraps a string into one user message, for servers without plain
      completions; ``"completion"`` joins messages by blank lines, for base models without a template.
    - ``extra_body`` is merged into every request (``{"chat_template_kwargs": {"enable_thinking": False}}``, say).
    - ``capabilities`` are asked for when first needed unless they are declared here.

    A call ends at once when the cancellation that it works under is turned, or its task is cancelled. One that a
    content filter does not let through is ``refused``, and no error. An endpoint may be used from any thread, event
    loop and forked process; it can be pickled and copied unless its key was given as ``api_key``.

    An answer's own bill is that of the try which brought it, with the time of all. Tokens are the server's own count,
    or a stated upper estimate where it gives none. A ranking adds each try that was sent before and timed out, broke
    off or failed, at the bound of the call, and lets no further one begin that its budget has no room for: the call
    then ends with the failure that it had. A try that reached no server costs nothing. A call that failed without any
    that was sent counts as one call; none is counted where the circuit was open, since nothing was tried. The requests
    that find out what the server can do, or which fields it takes, are in no bill.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each thing that a server may differ in, all with a default
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        key_env: str | None = None,
        key_header: str | None = None,
        headers: Mapping[str, str] | None = None,
        headers_env: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        total_timeout: float | None = None,
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
            ConfigError: a value that is not possible, a ``base_url`` that holds a password, a key that is not there, or
                a proxy or certificate variable of the environment that is of no use.
        """
        arguments = dict(locals())
        del arguments["self"]
        self._arguments = {name: value for name, value in arguments.items() if name != "api_key"}
        self._literal_key = api_key is not None
        settings.check_numbers(
            model,
            timeout=timeout,
            total_timeout=total_timeout,
            retries=retries,
            concurrency=concurrency,
            thinking_tokens=thinking_tokens,
        )
        self._model = model
        self._headers, self._query = dict(headers or {}), settings.check_query(query or {})
        sent, secrets = settings.all_headers(
            settings.find_key(api_key, key_env, base_url), key_header, self._headers, headers_env or {}
        )
        self._extra_body = settings.check_extra_body(extra_body or {})
        self._client = HttpClient(
            settings.OPENAI_URL if base_url is None else base_url,
            headers=sent,
            query=self._query,
            secrets=secrets,
            limits=Limits(timeout, retries, total_timeout),
            gate=Gate(concurrency),
            circuit=circuit or Circuit(),
            hidden_status=hidden_status,
        )
        self._listing = Listing(self._client)
        self._known_context = context_length
        self._context_is_final = context_length is not None
        self._thinking_tokens = thinking_tokens
        self._prices = prices
        self._style = style
        self._dialects: dict[Route, Dialect] = {}
        self._probe = CapabilityProbe(self._ask, capabilities)

    def __repr__(self) -> str:
        return f"Endpoint({self._model!r}, base_url={self._client.base_url!r})"

    def __reduce__(self) -> tuple[object, ...]:
        if self._literal_key:
            raise TypeError(
                "an Endpoint with a key given as api_key is not copied or sent to another process: build it where it "
                "is used, or name the key's environment variable with key_env"
            )
        return _rebuild, (self._arguments,)

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back, and end what still runs. A later call makes new ones."""
        self._client.close()

    async def aclose(self) -> None:
        """``close`` for a task."""
        await asyncio.to_thread(self.close)

    async def __aenter__(self) -> Endpoint:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def name(self) -> str:
        return self._model

    @property
    def fingerprint(self) -> str:
        """A hash of address, model and all that is sent with every request or decides on what is sent. The weights
        behind it may change unseen.
        """
        parts: list[object] = [self._client.base_url, self._model, self._style, self._thinking_tokens, self._extra_body]
        further = {name: self._arguments[name] for name in ("headers", "query", "context_length", "capabilities")}
        if any(further.values()):
            parts.append({name: value for name, value in further.items() if value})
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]

    @property
    def concurrency(self) -> int:
        return self.gate.places

    @property
    def gate(self) -> Gate:
        """Lets ``concurrency`` calls in at once."""
        return self._client.gate

    @property
    def context_length(self) -> int | None:
        """As given, or as the server's list of models tells, which is asked until it has answered once.

        ``None`` where it does not tell: then nothing is shortened for it, which is one of the ``fallbacks``.
        """
        if not self._context_is_final:
            # Not at the gate: who prepares a call must not wait for those that run.
            find = partial(self._listing.context_length, self._model)
            self._known_context, self._context_is_final = self._client.run(find, gated=False)
            if self._known_context is None:
                self._probe.report(_UNKNOWN_CONTEXT)
            else:
                self._probe.withdraw(_UNKNOWN_CONTEXT)
        return self._known_context

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
        return self._client.run(self._probed)

    async def _probed(self) -> Capabilities:
        route: Route = "completion" if self._style == "completion" else "chat"
        alternatives = await self._probe.log_probabilities(route)
        structure = await self._probe.structure(route)
        return Capabilities(alternatives, structure, self.fallbacks)

    def count_tokens(self, prompt: Prompt) -> int:
        """An upper estimate (see ``pricing.estimate_tokens``): the server's own count comes only with the bill."""
        return estimate_prompt_tokens(prompt)

    def price(self, *, input_tokens: int, output_tokens: int) -> float | None:
        if self._prices is None:
            return None
        return self._prices.cost(input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=0)

    def generate(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        return self._client.run(partial(self._generate, prompt, max_tokens, tuple(stop)))

    async def generate_async(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        return await self._client.run_async(partial(self._generate, prompt, max_tokens, tuple(stop)))

    async def _generate(self, prompt: Prompt, max_tokens: int, stop: tuple[str, ...]) -> Generated:
        route, body = worded(prompt, self._style)
        if stop and not self._thinking_tokens:
            body["stop"] = list(stop)
        choice, usage = await self._answered(prompt, route, body, max_tokens)
        text = choice.text
        for mark in stop:
            text = text.partition(mark)[0]
        return Generated(text, choice.finish, choice.thinking, usage)

    def score_continuations(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        """From the top log-probabilities of the first token alone.

        A continuation of one token gets its exact value. A longer one gets its first token's, an upper bound, if no
        other continuation starts with that token, else ``None``; so does one that is not among the shown. In a chat
        the answer starts a turn, so white space before a continuation does not count.

        Raises:
            CapabilityMissing: the server shows no log-probabilities.
        """
        return self._client.run(partial(self._score, prompt, tuple(continuations)))

    async def score_continuations_async(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        return await self._client.run_async(partial(self._score, prompt, tuple(continuations)))

    async def _score(self, prompt: Prompt, continuations: tuple[str, ...]) -> Continuations:
        route, body = worded(prompt, self._style)
        count = await self._probe.log_probabilities(route)
        if not count:
            raise CapabilityMissing(
                f"{self!r} shows no log-probabilities: {'; '.join(self.fallbacks) or 'declared so'}",
                hint="Use a judge that generates text, a GGUF model, or a server that gives top_logprobs (vLLM does).",
            )
        choice, usage = await self._answered(prompt, route, {**body, **log_probability_fields(route, count)}, 1)
        if choice.finish == "refused":
            return Continuations((None,) * len(continuations), usage, refused=True)
        if choice.shown is None or not choice.shown.values:
            raise InvalidReply(
                f"{self!r} left the log-probabilities out of a reply ({choice.shown or 'it has none'})",
                hint="Servers do so for some prompts under load; if it lasts, use a judge that generates text.",
            )
        texts = [text.lstrip() for text in continuations] if route == "chat" else continuations
        return Continuations(first_differing(texts, choice.shown.values), usage, notes=choice.shown.notes)

    def permute(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        """One answer under the constraint that the server takes: ``top`` different labels (or all), or those before
        the first that came twice. A server that takes JSON only writes the labels as JSON, without ``opening``.

        Raises:
            CapabilityMissing: the server takes no constraint.
            InvalidReply: the server did not keep to it, or the answer was cut off.
        """
        constraint = _constraint(labels, top, opening, separator)
        return self._client.run(partial(self._permute, prompt, constraint)) if constraint.top else Permuted(())

    async def permute_async(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        constraint = _constraint(labels, top, opening, separator)
        if not constraint.top:
            return Permuted(())
        return await self._client.run_async(partial(self._permute, prompt, constraint))

    async def _permute(self, prompt: Prompt, constraint: OrderConstraint) -> Permuted:
        route, body = worded(prompt, self._style)
        form = await self._probe.structure(route)
        if form is None:
            raise CapabilityMissing(
                f"{self!r} takes no constraint: {'; '.join(self.fallbacks) or 'declared so'}",
                hint="Use a judge that generates text, a GGUF model, or a server that can (vLLM and llama.cpp do).",
            )
        room = estimate_order_tokens(
            constraint.labels, constraint.top, opening=constraint.opening, separator=constraint.separator
        )
        choice, usage = await self._answered(prompt, route, {**body, **constraint_fields(form, constraint)}, room)
        if choice.finish == "refused":
            return Permuted((), usage, refused=True)
        if choice.finish != "stop":
            raise InvalidReply(
                f"{self!r} gave no order: it was cut off",
                hint="Raise thinking_tokens if the model thinks first, or use a judge that generates text.",
            )
        return Permuted(read_order(form, constraint, choice.text), usage)

    async def _answered(
        self, prompt: Prompt, route: Route, body: Mapping[str, object], max_tokens: int
    ) -> tuple[Choice, Usage]:
        """The choice and its bill. What a content filter stops is a choice too: one that was refused."""
        started = time.perf_counter()
        try:
            delivery = await self._ask(route, body, max_tokens=max_tokens)
        except ContentRefused as error:
            choice = Choice(error.said, "refused", "", None)
            # Servers charge for reading such a prompt, and do not say how much.
            return choice, self._bill(prompt, Choice("", "refused", "", None), {}, time.perf_counter() - started)
        choice = read_choice(delivery.body)
        return choice, self._bill(prompt, choice, delivery.body, delivery.seconds)

    async def _ask(self, route: Route, body: Mapping[str, object], *, max_tokens: int, trial: bool = False) -> Delivery:
        full = {"model": self._model, "temperature": 0, "seed": 0, **body}

        async def send(shaped: Mapping[str, object]) -> Delivery:
            return await self._client.post(PATHS[route], {**shaped, **self._extra_body}, trial=trial)

        first = self._dialects.get(route, Dialect())
        try:
            delivery, dialect = await with_dialects(send, first, full, max_tokens + self._thinking_tokens)
        except ModelNotServed as error:
            await self._name_what_is_served(error)
            raise
        self._dialects[route] = dialect  # Calls that find it at the same time find the same.
        for fallback in dialect.fallbacks():
            self._probe.report(fallback)
        return delivery

    async def _name_what_is_served(self, error: ModelNotServed) -> None:
        served = await self._listing.served()
        if served and self._model not in served:
            error.hint = f"{nearest(self._model, served)} {error.hint}"

    def _bill(self, prompt: Prompt, choice: Choice, body: Mapping[str, object], seconds: float) -> Usage:
        counted = read_usage(body)
        if counted is None:
            self._probe.report("the server counts no tokens: the bill holds upper estimates")
            given, cached = self.count_tokens(prompt), 0
            written = estimate_tokens(choice.thinking) + estimate_tokens(choice.text)
        else:
            given, written, cached = counted.input_tokens, counted.output_tokens, counted.cached_tokens
        cost = None
        if self._prices is not None:
            cost = self._prices.cost(input_tokens=given, output_tokens=written, cached_tokens=cached)
        return Usage(1, given, written, cached, seconds, cost)


def _constraint(labels: Sequence[str], top: int, opening: str, separator: str) -> OrderConstraint:
    if len({label.strip() for label in labels}) < len(labels):
        raise ContractViolation(f"labels must differ: {list(labels)!r}")
    return OrderConstraint(tuple(labels), max(0, min(top, len(labels))), opening, separator)


def _rebuild(arguments: Mapping[str, Any]) -> Endpoint:
    return Endpoint(**arguments)
