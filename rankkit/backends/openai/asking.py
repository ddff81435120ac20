"""The questions that an endpoint puts to its server, as coroutines on the client's loop, and what they cost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.http.client import Delivery, HttpClient, Limits, ReplyForm
from rankkit.backends.http.credentials import all_headers, find_key
from rankkit.backends.language.pricing import estimate_order_tokens, estimate_prompt_tokens, estimate_tokens
from rankkit.backends.openai.listing import Listing
from rankkit.backends.openai.log_probabilities import first_differing
from rankkit.backends.openai.probe import Capabilities, CapabilityProbe
from rankkit.backends.openai.replies import Choice, hidden_status, read_choice, read_usage
from rankkit.backends.openai.requests import PATHS, Dialect, Route, log_probability_fields, with_dialects, worded
from rankkit.backends.openai.settings import NO_KEY, OPENAI_KEY, OPENAI_URL, EndpointSettings
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


class Asking:
    """One endpoint's client and what was learned of its server: in which dialect it is asked, what it can do, how much
    its model reads.
    """

    def __init__(self, settings: EndpointSettings, api_key: str | None) -> None:
        self.settings = settings
        # A key in the environment is for OpenAI itself.
        key = find_key(api_key, settings.key_env, (OPENAI_KEY,) if settings.base_url is None else ())
        sent, secrets = all_headers(
            key, settings.key_header, settings.headers, settings.headers_env, without_key=NO_KEY
        )
        self.client = HttpClient(
            OPENAI_URL if settings.base_url is None else settings.base_url,
            headers=sent,
            query=settings.query,
            secrets=secrets,
            limits=Limits(settings.timeout, settings.retries, settings.total_timeout),
            gate=Gate(settings.concurrency),
            circuit=settings.circuit or Circuit(),
            form=ReplyForm(hidden_status),
        )
        self.capabilities = CapabilityProbe(self._ask, settings.capabilities)
        self._listing = Listing(self.client)
        self._context: int | None = settings.context_length
        self._context_is_final = settings.context_length is not None
        self._dialects: dict[Route, Dialect] = {}

    def __repr__(self) -> str:
        return f"Endpoint({self.settings.model!r}, base_url={self.client.base_url!r})"

    def context_length(self) -> int | None:
        """As given, or as the server's list of models tells, which is asked until it has answered once."""
        if not self._context_is_final:
            # Not at the gate: who prepares a call must not wait for those that run.
            self._context, self._context_is_final = self.client.run(self._find_context, gated=False)
            if self._context is None:
                self.capabilities.report(_UNKNOWN_CONTEXT)
            else:
                self.capabilities.withdraw(_UNKNOWN_CONTEXT)
        return self._context

    async def _find_context(self) -> tuple[int | None, bool]:
        return await self._listing.context_length(self.settings.model)

    async def probe(self) -> Capabilities:
        route: Route = "completion" if self.settings.style == "completion" else "chat"
        alternatives = await self.capabilities.log_probabilities(route)
        structure = await self.capabilities.structure(route)
        return Capabilities(alternatives, structure, self.capabilities.fallbacks)

    async def generate(self, prompt: Prompt, max_tokens: int, stop: tuple[str, ...]) -> Generated:
        route, body = worded(prompt, self.settings.style)
        if stop and not self.settings.thinking_tokens:
            body["stop"] = list(stop)
        choice, usage = await self._answered(prompt, route, body, max_tokens)
        text = choice.text
        for mark in stop:
            text = text.partition(mark)[0]
        return Generated(text, choice.finish, choice.thinking, usage)

    async def score(self, prompt: Prompt, continuations: tuple[str, ...]) -> Continuations:
        route, body = worded(prompt, self.settings.style)
        count = await self.capabilities.log_probabilities(route)
        if not count:
            raise CapabilityMissing(
                f"{self!r} shows no log-probabilities: {'; '.join(self.capabilities.fallbacks) or 'declared so'}",
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

    async def permute(self, prompt: Prompt, constraint: OrderConstraint) -> Permuted:
        route, body = worded(prompt, self.settings.style)
        form = await self.capabilities.structure(route)
        if form is None:
            raise CapabilityMissing(
                f"{self!r} takes no constraint: {'; '.join(self.capabilities.fallbacks) or 'declared so'}",
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
        full = {"model": self.settings.model, "temperature": 0, "seed": 0, **body}

        async def send(shaped: Mapping[str, object]) -> Delivery:
            return await self.client.post(PATHS[route], {**shaped, **self.settings.extra_body}, trial=trial)

        first = self._dialects.get(route, Dialect())
        try:
            delivery, dialect = await with_dialects(send, first, full, max_tokens + self.settings.thinking_tokens)
        except ModelNotServed as error:
            await self._name_what_is_served(error)
            raise
        self._dialects[route] = dialect  # Calls that find it at the same time find the same.
        for fallback in dialect.fallbacks():
            self.capabilities.report(fallback)
        return delivery

    async def _name_what_is_served(self, error: ModelNotServed) -> None:
        served = await self._listing.served()
        if served and self.settings.model not in served:
            error.hint = f"{nearest(self.settings.model, served)} {error.hint}"

    def _bill(self, prompt: Prompt, choice: Choice, body: Mapping[str, object], seconds: float) -> Usage:
        counted = read_usage(body)
        if counted is None:
            self.capabilities.report("the server counts no tokens: the bill holds upper estimates")
            given, cached = estimate_prompt_tokens(prompt), 0
            written = estimate_tokens(choice.thinking) + estimate_tokens(choice.text)
        else:
            given, written, cached = counted.input_tokens, counted.output_tokens, counted.cached_tokens
        cost = None
        if self.settings.prices is not None:
            cost = self.settings.prices.cost(input_tokens=given, output_tokens=written, cached_tokens=cached)
        return Usage(1, given, written, cached, seconds, cost)


def constraint_of(labels: Sequence[str], top: int, opening: str, separator: str) -> OrderConstraint:
    if len({label.strip() for label in labels}) < len(labels):
        raise ContractViolation(f"labels must differ: {list(labels)!r}")
    return OrderConstraint(tuple(labels), max(0, min(top, len(labels))), opening, separator)
