"""How a prompt becomes the JSON of a request, in the dialect that the server takes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from rankkit.backends.protocols import Prompt
from rankkit.core.tries import current
from rankkit.errors import ContentRefused, EndpointError, ModelNotServed, RequestRefused, ServerFailed
from rankkit.prompting.template import without_template

if TYPE_CHECKING:  # a spec names the styles without the extra that calling takes
    from rankkit.backends.http.client import Delivery

Style = Literal["auto", "chat", "completion"]
Route = Literal["chat", "completion"]
PATHS: Mapping[Route, str] = {"chat": "/chat/completions", "completion": "/completions"}

#: A refusal by words like these is about the field itself, not about how much of it there is.
_UNKNOWN_FIELD = re.compile(
    r"support|unrecogni[sz]ed|unknown|not permitted|unexpected|deprecated|not allowed|forbidden|extra inputs|"
    r"invalid (?:param|arg|field|request param)|\buse\b.{0,20}max_completion_tokens|cannot be used|no longer",
    re.IGNORECASE,
)
_UNKNOWN_CODES = frozenset({"unsupported_parameter", "unsupported_value", "extra_forbidden", "unknown_parameter"})
_TOO_LONG = re.compile(r"context (?:length|window|size)|prompt is too long|too many tokens|input.{0,20}too long", re.I)
_FIELDS: Mapping[str, re.Pattern[str]] = {
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
    "seed": re.compile(r"(?<![\w-])seed\b", re.IGNORECASE),
    # An English word too: it must stand as a field's name.
    "stop": re.compile(
        r"[`'\"‘“.]stop[`'\"’”:]|\bbody\.stop\b|\bstop (?:sequences?|words?|tokens?|param|field|is not)|"
        r"(?:param(?:eter)?s?|argument|field|name):? [`'\"]?stop\b",
        re.IGNORECASE,
    ),
}
_SYSTEM = re.compile(
    r"\bsystem[ _-]?(?:role|prompt|instruction|message)|\brole\W{0,8}system\b|\bsystem\b.{0,60}\brole|"
    r"\brole.{0,60}\bsystem\b|developer instruction|roles? must alternate|only\W+user\b.{0,60}\brole|"
    r"[`'\"]system[`'\"].{0,40}(?:not one of|expected)|variant.{0,5}system|\brole\b.{0,60}['\"`]user['\"`]|"
    r"(?:first message|messages?).{0,30}(?:from|start with|begin with).{0,10}\buser\b",
    re.IGNORECASE | re.DOTALL,
)


def worded(prompt: Prompt, style: Style) -> tuple[Route, dict[str, object]]:
    """Where a prompt goes and as what; ``style`` as ``Endpoint`` explains it."""
    if style == "completion" or (style == "auto" and isinstance(prompt, str)):
        return "completion", {"prompt": prompt if isinstance(prompt, str) else without_template(prompt)}
    if isinstance(prompt, str):
        return "chat", {"messages": [{"role": "user", "content": prompt}]}
    return "chat", {"messages": [{"role": message.role, "content": message.content} for message in prompt]}


def log_probability_fields(route: Route, count: int) -> Mapping[str, object]:
    return {"logprobs": True, "top_logprobs": count} if route == "chat" else {"logprobs": count}


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which of the common request fields a server takes. Reasoning models refuse some of them, and some models know no
    system role.
    """

    limit: str = "max_tokens"
    dropped: frozenset[str] = frozenset()
    folds_system: bool = False

    def shape(self, body: Mapping[str, object], max_tokens: int) -> dict[str, object]:
        kept = {name: value for name, value in body.items() if name not in self.dropped}
        messages = kept.get("messages")
        if self.folds_system and isinstance(messages, list):
            kept["messages"] = _folded(messages)
        return {**kept, self.limit: max_tokens}

    def after(self, refusal: EndpointError, sent: Mapping[str, object]) -> Dialect | None:
        """The next dialect to try after a refusal; ``None`` when it is about something else."""
        said, codes = refusal.said or refusal.message, set(refusal.codes)
        unknown = bool(_UNKNOWN_FIELD.search(said)) or bool(codes & _UNKNOWN_CODES)
        limit_named = "max_tokens" in codes or bool(re.search(r"\bmax_(?:completion_)?tokens\b", said))
        if (
            self.limit == "max_tokens"
            and limit_named
            and (unknown or "max_completion_tokens" in said)
            and not _TOO_LONG.search(said)
        ):
            return replace(self, limit="max_completion_tokens")
        named = (name for name, words in _FIELDS.items() if name in sent and (name in codes or words.search(said)))
        name = None if _TOO_LONG.search(said) else next(named, None)
        if name is not None:
            return replace(self, dropped=self.dropped | {name})
        if not self.folds_system and _has_system(sent) and _SYSTEM.search(said):
            return replace(self, folds_system=True)
        return None

    def fallbacks(self) -> tuple[str, ...]:
        limit = () if self.limit == "max_tokens" else (f"max_tokens is refused: {self.limit} is sent instead",)
        meanings = {
            "temperature": "the server's own is used, and answers may vary from call to call",
            "seed": "answers may vary from call to call",
            "stop": "the answer is cut on this side",
        }
        folded = ("the system role is refused: its text begins the user's message",) if self.folds_system else ()
        return (*limit, *(f"{name} is refused: {meanings[name]}" for name in sorted(self.dropped)), *folded)


def _has_system(sent: Mapping[str, object]) -> bool:
    messages = sent.get("messages")
    return isinstance(messages, list) and any(message["role"] == "system" for message in messages)


def _folded(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """What the system says stands before the next words of the user."""
    folded: list[dict[str, str]] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "system":
            waiting.append(message["content"])
        elif message["role"] == "user":
            folded.append({"role": "user", "content": "\n\n".join([*waiting, message["content"]])})
            waiting = []
        else:
            folded.append(dict(message))
    return [*folded, {"role": "user", "content": "\n\n".join(waiting)}] if waiting else folded


async def with_dialects(
    send: Callable[[Mapping[str, object]], Awaitable[Delivery]],
    first: Dialect,
    body: Mapping[str, object],
    max_tokens: int,
) -> tuple[Delivery, Dialect]:
    """Send, and again in another dialect as long as the server names something that it does not take: at most five
    more times, since each dialect gives one thing up.

    Raises:
        EndpointError: what ``send`` raises, where no dialect helps.
    """
    dialect = first
    while True:
        shaped = dialect.shape(body, max_tokens)
        try:
            return await send(shaped), dialect
        except ContentRefused:
            raise
        except (RequestRefused, ServerFailed, ModelNotServed) as error:
            # A template that breaks over a role is a failure of the server; some call an unknown field not found.
            following = dialect.after(error, shaped)
            if following is None or current().may_go_again():
                raise
            dialect = following
