"""Find out what an OpenAI-compatible server can do by asking it, once, and keep the answer.

Servers ignore fields that they do not know, so a reply without an error proves nothing: a constraint counts only when
the reply keeps to it. The question is made so that no model would do so by itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from rankkit.backends.openai.client import Delivery, Route
from rankkit.backends.openai.replies import Choice, read_choice
from rankkit.backends.openai.requests import log_probability_fields
from rankkit.backends.openai.structure import Form, OrderConstraint, constraint_fields, read_positions
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
    def __call__(
        self, route: Route, body: Mapping[str, object], *, max_tokens: int, trial: bool = False
    ) -> Delivery: ...


class CapabilityProbe:
    """The kept answers of one endpoint, for each route apart. Threads that need one while it is asked for wait."""

    def __init__(self, ask: Ask, declared: Capabilities | None) -> None:
        self._ask = ask
        self._declared = declared
        self._lock = threading.Lock()
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

    def log_probabilities(self, route: Route) -> int:
        """How many alternatives to the first token the server shows; 0 for none."""
        if self._declared is not None:
            return self._declared.log_probabilities
        with self._lock:
            if route not in self._alternatives:
                self._alternatives[route] = self._find_alternatives(route)
            return self._alternatives[route]

    def structure(self, route: Route) -> Form | None:
        """How the server takes a constraint; ``None`` for not at all."""
        if self._declared is not None:
            return self._declared.structure
        with self._lock:
            if route not in self._structures:
                self._structures[route] = self._find_structure(route)
            return self._structures[route]

    def _find_alternatives(self, route: Route) -> int:
        for count in ALTERNATIVES:
            found = self._try(route, log_probability_fields(route, count), max_tokens=1)
            if isinstance(found, Choice) and found.shown:
                return count
            self.report(f"{route}: {count} log-probabilities a token are not given ({_reason(found)})")
            if not isinstance(found, RequestRefused):
                break  # Only a refusal may be about the number.
        return 0

    def _find_structure(self, route: Route) -> Form | None:
        for form in Form:
            found = self._try(route, constraint_fields(form, _UNLIKELY), max_tokens=_UNLIKELY_TOKENS)
            if isinstance(found, Choice) and _keeps_to(form, found.text):
                return form
            self.report(f"{route}: the constraint {form} is not kept ({_reason(found)})")
        return None

    def _try(self, route: Route, fields: Mapping[str, object], *, max_tokens: int) -> Choice | EndpointError:
        """The answer to small talk with some fields added, or the error by which the server does not take them.

        Raises:
            EndpointError: the server fails for another reason than these fields.
        """
        small_talk = _SMALL_TALK[route]
        try:
            return read_choice(self._ask(route, {**small_talk, **fields}, max_tokens=max_tokens, trial=True).body)
        except (RequestRefused, InvalidReply) as error:
            return error
        except ServerFailed as error:
            # Some servers break over a field that they cannot take. If it works without, the field is to blame.
            self._ask(route, small_talk, max_tokens=1)
            return error


def _reason(found: Choice | EndpointError) -> str:
    return found.message if isinstance(found, EndpointError) else "ignored"


def _keeps_to(form: Form, text: str) -> bool:
    try:
        return bool(read_positions(form, _UNLIKELY, text))
    except InvalidReply:
        return False
