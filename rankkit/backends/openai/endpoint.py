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
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from types import TracebackType

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.language.pricing import Prices, estimate_prompt_tokens
from rankkit.backends.openai.asking import Asking, constraint_of
from rankkit.backends.openai.probe import Capabilities
from rankkit.backends.openai.requests import Style
from rankkit.backends.openai.settings import EndpointSettings
from rankkit.backends.protocols import Continuations, Generated, Permuted, Prompt
from rankkit.core.limits import Gate


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
        self._literal_key = api_key is not None
        self._settings = EndpointSettings(
            model=model,
            base_url=base_url,
            key_env=key_env,
            key_header=key_header,
            headers=headers or {},
            headers_env=headers_env or {},
            query=query or {},
            timeout=timeout,
            total_timeout=total_timeout,
            retries=retries,
            concurrency=concurrency,
            context_length=context_length,
            thinking_tokens=thinking_tokens,
            prices=prices,
            extra_body=extra_body or {},
            style=style,
            capabilities=capabilities,
            circuit=circuit,
        )
        self._asking = Asking(self._settings, api_key)

    def __repr__(self) -> str:
        return repr(self._asking)

    def __reduce__(self) -> tuple[object, ...]:
        if self._literal_key:
            raise TypeError(
                "an Endpoint with a key given as api_key is not copied or sent to another process: build it where it "
                "is used, or name the key's environment variable with key_env"
            )
        return _rebuild, (self._settings,)

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back, and end what still runs. A later call makes new ones."""
        self._asking.client.close()

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
        return self._settings.model

    @property
    def base_url(self) -> str:
        return self._asking.client.base_url

    @property
    def fingerprint(self) -> str:
        """A hash of address, model and all that is sent with every request or decides on what is sent. The weights
        behind it may change unseen.
        """
        made = self._settings
        url = self._asking.client.base_url
        parts: list[object] = [url, made.model, made.style, made.thinking_tokens, made.extra_body]
        further = {name: getattr(made, name) for name in ("headers", "query", "context_length", "capabilities")}
        if any(further.values()):
            parts.append({name: value for name, value in further.items() if value})
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]

    @property
    def concurrency(self) -> int:
        return self.gate.places

    @property
    def gate(self) -> Gate:
        """Lets ``concurrency`` calls in at once."""
        return self._asking.client.gate

    @property
    def context_length(self) -> int | None:
        """As given, or as the server's list of models tells, which is asked until it has answered once.

        ``None`` where it does not tell: then nothing is shortened for it, which is one of the ``fallbacks``.
        """
        return self._asking.context_length()

    @property
    def thinking_tokens(self) -> int:
        """What to add to ``max_tokens`` for the most output tokens that a call can cost."""
        return self._settings.thinking_tokens

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """What this server refused or ignored so far, and what is done instead."""
        return self._asking.capabilities.fallbacks

    def probe(self) -> Capabilities:
        """Find out now what the server can do.

        Raises:
            EndpointError: the server does not answer an ordinary request either.
        """
        return self._asking.client.run(self._asking.probe)

    def count_tokens(self, prompt: Prompt) -> int:
        """An upper estimate (see ``pricing.estimate_tokens``): the server's own count comes only with the bill."""
        return estimate_prompt_tokens(prompt)

    def price(self, *, input_tokens: int, output_tokens: int) -> float | None:
        prices = self._settings.prices
        if prices is None:
            return None
        return prices.cost(input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=0)

    def generate(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        return self._asking.client.run(partial(self._asking.generate, prompt, max_tokens, tuple(stop)))

    async def generate_async(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        return await self._asking.client.run_async(partial(self._asking.generate, prompt, max_tokens, tuple(stop)))

    def score_continuations(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        """From the top log-probabilities of the first token alone.

        A continuation of one token gets its exact value. A longer one gets its first token's, an upper bound, if no
        other continuation starts with that token, else ``None``; so does one that is not among the shown. In a chat
        the answer starts a turn, so white space before a continuation does not count.

        Raises:
            CapabilityMissing: the server shows no log-probabilities.
        """
        return self._asking.client.run(partial(self._asking.score, prompt, tuple(continuations)))

    async def score_continuations_async(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        return await self._asking.client.run_async(partial(self._asking.score, prompt, tuple(continuations)))

    def permute(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        """One answer under the constraint that the server takes: ``top`` different labels (or all), or those before
        the first that came twice. A server that takes JSON only writes the labels as JSON, without ``opening``.

        Raises:
            CapabilityMissing: the server takes no constraint.
            InvalidReply: the server did not keep to it, or the answer was cut off.
        """
        constraint = constraint_of(labels, top, opening, separator)
        return (
            self._asking.client.run(partial(self._asking.permute, prompt, constraint))
            if constraint.top
            else Permuted(())
        )

    async def permute_async(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        constraint = constraint_of(labels, top, opening, separator)
        if not constraint.top:
            return Permuted(())
        return await self._asking.client.run_async(partial(self._asking.permute, prompt, constraint))


def _rebuild(settings: EndpointSettings) -> Endpoint:
    return Endpoint(**{field.name: getattr(settings, field.name) for field in fields(settings)})
