"""One HTTP request to a model's server: who is asked, with which key, how often, for how long, and what came back.

Connection errors, timeouts, 408, 409, 425, 429 and 5xx are tried again at most ``retries`` times, after what the
server's ``Retry-After`` says, or half a second, doubled each time up to 8. A try ends after ``timeout`` seconds,
whatever the server sends meanwhile, and all tries with their waits after ``total_timeout``. A reply is read up to a
limit, and no redirect is followed. Inside a ranking, a try that was sent is charged to the call that it is made for,
and no further one begins that the budget has no room for (``core.tries``).

Coroutines named here run on the client's own event loop: ``run`` and ``run_async`` take callers there.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from rankkit.backends.http import failures
from rankkit.backends.http.address import check_url
from rankkit.backends.http.circuit import Circuit
from rankkit.backends.http.library import http
from rankkit.backends.http.loop_thread import LoopThread
from rankkit.backends.http.reading import MOST_CONTAINERS, Unreadable
from rankkit.backends.http.retrying import LONGEST_WAIT, passes, wait_before_next
from rankkit.backends.http.secrets import Secret, masked, masked_value
from rankkit.backends.http.surroundings import Surroundings
from rankkit.backends.http.transport import Headers, Trace, text_of, transport_in
from rankkit.backends.http.words import Said, clean, read_error, said_in
from rankkit.core.limits import Gate
from rankkit.core.tries import current
from rankkit.errors import (
    AuthenticationFailed,
    EndpointError,
    InvalidReply,
    ModelNotServed,
    RequestRefused,
    ServerFailed,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds until a connection stands.
LONGEST_CONNECT = 10.0

#: Errors by which a server that works says that it does not take a request.
_REFUSALS = (RequestRefused, ModelNotServed, AuthenticationFailed)

#: The status of an error that a server hides in a reply of 200, ``None`` where there is none.
HiddenStatus = Callable[[Mapping[str, object]], int | None]


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """What an answer looks like: ``hidden_status`` tells errors that come as a success. Where a bare array is an
    answer, it is given as an object that has it under the name ``array_as``.
    """

    hidden_status: HiddenStatus
    array_as: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reply's JSON object, how long it took, retries and their waits included, how many tries were sent for it,
    itself included, and its headers, named in lower case.
    """

    body: Mapping[str, object]
    seconds: float
    sent: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds: ``timeout`` for one try, from its beginning to the last byte, ``total`` for all tries and the waits
    between them (``None``: as long as they may take one by one).
    """

    timeout: float
    retries: int
    total: float | None = None

    @property
    def whole(self) -> float:
        longest = (1 + self.retries) * self.timeout + self.retries * LONGEST_WAIT
        return longest if self.total is None else self.total


@dataclass(frozen=True, slots=True)
class _Answered:
    body: Mapping[str, object]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Failed:
    """A try without an answer, whether another may have one, and the reply's headers, which may say when."""

    error: EndpointError
    passes: bool
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpClient:
    """Sends requests to one address, at most ``gate.places`` at once, from any thread or event loop.

    ``headers`` and ``query`` go with each request. ``secrets`` are masked in all that comes back. Connections are made
    when first needed, kept between calls, and given back by ``close`` or the garbage collector.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        secrets: tuple[Secret, ...],
        limits: Limits,
        gate: Gate,
        circuit: Circuit,
        form: ReplyForm,
    ) -> None:
        """Raises:
        ConfigError: the address is none, or a proxy or certificate variable of the environment is of no use.
        """
        self.base_url = check_url(base_url)
        self.gate = gate
        surroundings = Surroundings.of(self.base_url)
        self._proxy = surroundings.proxy
        self._headers, self._query = Headers(headers), dict(query)
        self._secrets = (*secrets, *(self._proxy.secrets if self._proxy else ()))
        self._limits, self._circuit, self._form = limits, circuit, form
        self._thread: LoopThread[Any] = LoopThread(partial(transport_in, surroundings))

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], *, gated: bool = True) -> T:
        """Run a coroutine on the client's loop and wait for it; ``gated`` with a place at the gate.

        Raises:
            Cancelled: the current cancellation was turned; the connection is closed.
        """
        return self._thread.run(partial(self._at_gate, work) if gated else work)

    async def run_async(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The same for a task of any event loop."""
        return await self._thread.run_async(partial(self._at_gate, work))

    async def _at_gate(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with self.gate.held_async():
            return await work()

    def close(self) -> None:
        """Give the connections back. A later call makes new ones."""
        self._thread.close()

    async def post(self, path: str, body: Mapping[str, object], *, trial: bool = False) -> Delivery:
        """Send one request and give its JSON object. That a server breaks over a ``trial`` is not held against it.

        Raises:
            EndpointError: one of its kinds; ``InvalidReply`` where the reply is not a JSON object.
        """
        self._circuit.before_call()
        started = time.perf_counter()
        try:
            answered, sent = await self._tried(path, json.dumps(body, ensure_ascii=True).encode())
        except (RequestRefused, ModelNotServed):
            self._circuit.succeeded()  # It is there and answers.
            raise
        except EndpointError as error:
            if not (trial and isinstance(error, ServerFailed)):
                self._circuit.failed(error.message)
            raise
        self._circuit.succeeded()
        return Delivery(answered.body, time.perf_counter() - started, sent, answered.headers)

    async def get(self, path: str, *, timeout: float) -> Mapping[str, object]:
        """Ask once. The circuit knows nothing of it, and no call's bill does.

        Raises:
            EndpointError: as for ``post``.
        """
        outcome = await self._try("GET", path, None, min(timeout, self._limits.timeout))
        if isinstance(outcome, _Failed):
            raise outcome.error
        return outcome.body

    async def _tried(self, path: str, body: bytes) -> tuple[_Answered, int]:
        """The reply, and how many tries were sent."""
        limits, counted = self._limits, current()
        ends, tries, sent = time.monotonic() + limits.whole, 0, 0
        while True:
            tries += 1
            outcome = await self._try("POST", path, body, min(limits.timeout, max(0.0, ends - time.monotonic())))
            if not isinstance(outcome, _Failed):
                counted.ended(sent=True, answered=True)
                return outcome, sent + 1
            wait = wait_before_next(tries, outcome.headers) if outcome.passes and tries <= limits.retries else None
            again = wait is not None and time.monotonic() + wait < ends
            sent += outcome.error.sent
            # What refuses a request has answered it; what is asked the same again has not.
            answered = outcome.error.sent and not again and isinstance(outcome.error, _REFUSALS)
            counted.ended(sent=outcome.error.sent, answered=answered)
            outcome.error.sent = sent > 0
            if wait is None or not again:
                raise outcome.error
            if limit := counted.may_go_again():
                outcome.error.hint = f"Not tried again: {limit}. {outcome.error.hint}"
                raise outcome.error
            await asyncio.sleep(wait)

    async def _try(self, method: str, path: str, body: bytes | None, seconds: float) -> _Answered | _Failed:
        """Errors are raised outside the ``except`` blocks on purpose: what the library raised holds the request, with
        the key in it, and must not be chained to what the user sees.
        """
        where, trace, started = f"{method} {self.base_url}{path}", Trace(), time.perf_counter()
        status: int | None = None
        headers: Mapping[str, str] = {}
        text = ""
        failed: EndpointError | None = None
        try:
            async with asyncio.timeout(seconds):
                request = self._request(method, path, body, seconds, trace)
                response = await self._thread.resource.handle_async_request(request)
                try:
                    status = response.status_code
                    headers = {name.lower(): masked(value, self._secrets) for name, value in response.headers.items()}
                    text = await text_of(response)
                finally:
                    await response.aclose()
        except (TimeoutError, http.TimeoutException):
            failed = failures.of_timeout(where, seconds, self._proxy, reached=trace.reached)
        except Unreadable as error:
            failed = failures.of_reply(where, f"the reply was given up: {error}")
        except http.TransportError as error:
            failed = self._unconnected(where, error, trace)
        logger.debug("%s %s: %s in %.3f s", method, path, status or "no answer", time.perf_counter() - started)
        if failed is None or (status is not None and not 200 <= status < 300):
            return self._read(where, status or 0, headers, text)
        failed.sent = trace.sent
        return _Failed(failed, passes=failed.retryable and not isinstance(failed, InvalidReply))

    def _unconnected(self, where: str, error: BaseException, trace: Trace) -> EndpointError:
        words = masked(failures.root_cause(error), self._secrets)
        if self._proxy is not None and isinstance(error, http.ProxyError):
            return failures.of_tunnel(where, words, self._proxy)
        return failures.of_connection(where, words, self._proxy, reached=trace.reached)

    def _read(self, where: str, status: int, headers: Mapping[str, str], text: str) -> _Answered | _Failed:
        if 300 <= status < 400:
            return _Failed(failures.of_redirect(where, status, headers.get("location", "")), passes=False)
        if not 200 <= status < 300:
            return self._refused(where, status, read_error(text), headers)
        body = self._parsed(text)
        if self._form.array_as and isinstance(body, list):
            body = {self._form.array_as: body}
        if not isinstance(body, dict):
            seen = clean(masked(text[:2000], self._secrets))[:80] or "nothing"
            return _Failed(
                failures.of_reply(where, f"the reply is not a JSON object, it begins with: {seen}"), passes=False
            )
        hidden = self._form.hidden_status(body)
        return _Answered(body, headers) if hidden is None else self._refused(where, hidden, said_in(body), headers)

    def _refused(self, where: str, status: int, said: Said, headers: Mapping[str, str]) -> _Failed:
        said = Said(masked(said.words, self._secrets), tuple(masked(code, self._secrets) for code in said.codes))
        error = failures.of_status(where, status, said, headers, self._proxy)
        error.sent = status != 407  # which is a proxy's: the server was not asked
        return _Failed(error, passes(status, headers, said.codes), headers)

    def _parsed(self, text: str) -> object:
        if text.count("{") + text.count("[") > MOST_CONTAINERS:
            return None
        try:
            # A server that echoes the key must not get it into an answer, and so into a saved record.
            return masked_value(json.loads(text), self._secrets)
        except (ValueError, RecursionError):
            return None

    def _request(self, method: str, path: str, body: bytes | None, seconds: float, trace: Trace) -> Any:
        waits = dict.fromkeys(("read", "write", "pool"), seconds)
        return http.Request(
            method,
            f"{self.base_url}{path}",
            params=self._query or None,
            headers=self._headers.reveal() | ({} if body is None else {"content-type": "application/json"}),
            content=body,
            extensions={"timeout": {**waits, "connect": min(seconds, LONGEST_CONNECT)}, "trace": trace},
        )
