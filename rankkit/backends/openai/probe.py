"""Find out what an OpenAI-compatible server can do by asking it, once, and keep the answer.

Servers ignore fields that they do not know, so a reply without an error proves nothing: a constraint counts only when
the reply keeps to it. The question is made so that no model would do so by itself.
"""

from __future__ import annotations

import asyncio
import logging
import re
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rankkit.backends.http.client import Delivery
from rankkit.backends.openai.replies import Choice, read_choice
from rankkit.backends.openai.requests import Route, log_probability_fields
from rankkit.backends.openai.structure import Form, OrderConstraint, constraint_fields, read_positions
from rankkit.core.ranking import clip
from rankkit.core.tries import Tries
from rankkit.errors import EndpointError, InvalidReply, RequestRefused, ServerFailed

logger = logging.getLogger(__name__)

#: How many alternatives to ask for: the most that the protocol allows, then what older servers allow.
ALTERNATIVES = (20, 5, 1)

_SMALL_TALK: Mapping[Route, Mapping[str, object]] = {
    "chat": {"messages": [{"role": "user", "content": "Say hello."}]},
    "completion": {"prompt": "Once upon a time"},
}
_UNLIKELY = OrderConstraint(labels=("[Q7]", "[K3]"), top=2)
_UNLIKELY_TOKENS = 48
_NAMES = re.compile(r"log_?prob|response_format|json|schema|grammar|regex|guided|structured|constrain", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server can do. ``log_probabilities`` is how many alternatives to the first token it shows, 0 for none;
    ``structure`` is how it takes a constraint, ``None`` for not at all. ``fallbacks`` say what was refused or
    ignored, and what is done instead.
    """

    log_probabilities: int = 0
    structure: Form | None = None
    fallbacks: tuple[str, ...] = ()


class Ask(Protocol):
    async def __call__(
        self, route: Route, body: Mapping[str, object], *, max_tokens: int, trial: bool = False
    ) -> Delivery: ...


class CapabilityProbe:
    """The kept answers of one endpoint, for each route apart. Who needs one while it is asked for waits. What was not
    learned, since the server failed in another way, is not kept. What is asked here is in no call's bill.
    """

    def __init__(self, ask: Ask, declared: Capabilities | None) -> None:
        self._ask = ask
        self._declared = declared
        # A lock belongs to one event loop, and after a fork or ``close`` there is another.
        self._locks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()
        self._alternatives: dict[Route, int] = {}
        self._structures: dict[Route, Form | None] = {}
        self._fallbacks: dict[str, None] = {}

    @property
    def fallbacks(self) -> tuple[str, ...]:
        return tuple(self._fallbacks)

    def report(self, fallback: str) -> None:
        """Remember that something is done in another way than asked for, and log it the first time."""
        if fallback not in self._fallbacks:
            self._fallbacks[fallback] = None
            logger.warning("%s", fallback)

    def withdraw(self, fallback: str) -> None:
        """It is not done any more."""
        self._fallbacks.pop(fallback, None)

    @property
    def _lock(self) -> asyncio.Lock:
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def log_probabilities(self, route: Route) -> int:
        """How many alternatives to the first token the server shows; 0 for none."""
        if self._declared is not None:
            return self._declared.log_probabilities
        async with self._lock:
            if route not in self._alternatives:
                with Tries().active():
                    self._alternatives[route] = await self._find_alternatives(route)
            return self._alternatives[route]

    async def structure(self, route: Route) -> Form | None:
        """How the server takes a constraint; ``None`` for not at all."""
        if self._declared is not None:
            return self._declared.structure
        async with self._lock:
            if route not in self._structures:
                with Tries().active():
                    self._structures[route] = await self._find_structure(route)
            return self._structures[route]

    async def _find_alternatives(self, route: Route) -> int:
        reasons, found = [], None
        for count in ALTERNATIVES:
            found = await self._try(route, log_probability_fields(route, count), max_tokens=1)
            if _shows(found):
                break
            reasons.append(f"{route}: {count} log-probabilities a token are not given ({_reason(found)})")
            if not isinstance(found, RequestRefused):
                break  # Only a refusal may be about the number.
        await self._conclude(route, reasons, found)
        return count if _shows(found) else 0

    async def _find_structure(self, route: Route) -> Form | None:
        reasons, found, kept = [], None, None
        for form in Form:
            found = await self._try(route, constraint_fields(form, _UNLIKELY), max_tokens=_UNLIKELY_TOKENS)
            if isinstance(found, Choice) and _keeps_to(form, found.text):
                kept = form
                break
            reasons.append(f"{route}: the constraint {form} is not kept ({_reason(found)})")
        await self._conclude(route, reasons, found)
        return kept

    async def _conclude(self, route: Route, reasons: Sequence[str], last: Choice | EndpointError | None) -> None:
        """Report what was found out, unless the last word was a refusal that names none of the fields, and the server
        refuses ordinary requests too: then it is not about them.

        Raises:
            EndpointError: the server does not answer an ordinary request.
        """
        if isinstance(last, RequestRefused) and not _NAMES.search(last.said):
            await self._ask(route, _SMALL_TALK[route], max_tokens=1)
        for reason in reasons:
            self.report(reason)

    async def _try(self, route: Route, fields: Mapping[str, object], *, max_tokens: int) -> Choice | EndpointError:
        """The answer to small talk with some fields added, or the error by which the server does not take them.

        Raises:
            EndpointError: the server fails for another reason than these fields.
        """
        small_talk = _SMALL_TALK[route]
        try:
            delivery = await self._ask(route, {**small_talk, **fields}, max_tokens=max_tokens, trial=True)
            return read_choice(delivery.body)
        except RequestRefused as error:
            return error
        except (InvalidReply, ServerFailed) as error:
            # Some servers break over a field that they cannot take. If it works without, the field is to blame.
            read_choice((await self._ask(route, small_talk, max_tokens=1)).body)
            return error


def _shows(found: Choice | EndpointError | None) -> bool:
    return isinstance(found, Choice) and found.shown is not None and bool(found.shown.values)


def _reason(found: Choice | EndpointError) -> str:
    if isinstance(found, Choice):
        return str(found.shown) if found.shown else "ignored"
    return clip(found.said or found.message, 300)


def _keeps_to(form: Form, text: str) -> bool:
    try:
        return bool(read_positions(form, _UNLIKELY, text))
    except InvalidReply:
        return False
