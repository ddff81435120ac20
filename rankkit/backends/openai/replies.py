"""What an OpenAI-compatible server's reply says, taken out of its JSON with every shape checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

from rankkit.backends.language.thinking import split_thinking
from rankkit.errors import InvalidReply

#: Servers write a number like this for a token that is outside what they show.
NOT_SHOWN = -9999.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer of one reply. ``shown`` are the natural-log probabilities of the first token's alternatives, ``None``
    where the reply has none.
    """

    text: str
    finish: Literal["stop", "length", "refused"]
    thinking: str
    shown: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The server's own count of tokens."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int


def read_choice(body: Mapping[str, object]) -> Choice:
    """Read the first choice of a chat or a plain completion.

    Raises:
        InvalidReply: there is no choice, or no text in it.
    """
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        raise _invalid(f"no choice in it (fields: {', '.join(map(str, body)) or 'none'})")
    inner = first.get("message")
    message = inner if isinstance(inner, dict) else first  # a plain completion has its text in the choice itself
    content, refusal = message.get("content", message.get("text")), message.get("refusal")
    apart = next((message[key] for key in ("reasoning_content", "reasoning") if message.get(key)), "")
    finish = _finish(first.get("finish_reason"), refused=bool(refusal))
    if content is None and (refusal or apart or finish != "stop"):
        content = refusal or ""
    if not isinstance(content, str):
        raise _invalid(f"its choice has no text (finish reason {first.get('finish_reason')!r})")
    thought = split_thinking(content)
    thinking = "\n".join(part for part in (str(apart).strip(), thought.thinking) if part)
    return Choice(thought.answer, finish, thinking, _first_token(first.get("logprobs")))


def _finish(reason: object, *, refused: bool) -> Literal["stop", "length", "refused"]:
    if refused or reason == "content_filter":
        return "refused"
    return "length" if reason in ("length", "max_tokens") else "stop"


def _first_token(logprobs: object) -> Mapping[str, float] | None:
    """The alternatives of the first token: a chat's list of objects, or a plain completion's mapping."""
    if not isinstance(logprobs, dict):
        return None
    shown: dict[str, float] = {}
    content, top = logprobs.get("content"), logprobs.get("top_logprobs")
    if isinstance(content, list) and content and isinstance(content[0], dict):
        rows = content[0].get("top_logprobs")
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict):
                _keep(shown, row.get("token"), row.get("logprob"))
    elif isinstance(top, list) and top and isinstance(top[0], dict):
        for token, value in top[0].items():
            _keep(shown, token, value)
    return shown or None


def _keep(shown: dict[str, float], token: object, value: object) -> None:
    if not isinstance(token, str) or isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f"{value!r} is no log-probability of a token")
    # Some tokenizers mark a leading space; a token without text is a control token.
    text = token.replace("▁", " ").replace("Ġ", " ")
    if text and math.isfinite(value) and value > NOT_SHOWN:
        shown[text] = max(value, shown.get(text, -math.inf))


def first_differing(continuations: Sequence[str], shown: Mapping[str, float]) -> tuple[float | None, ...]:
    """What the first token tells about each continuation: the log-probability of the shown token that it starts with.

    That is exact for a continuation of one token. For a longer one it is the probability of its first token, an upper
    bound, and given only if no *other* continuation starts with that token: where they part later, as "[1]" and
    "[12]" may, the first token cannot tell them apart and both get ``None``.
    """
    return tuple(_first_of(continuation, continuations, shown) for continuation in continuations)


def _first_of(continuation: str, continuations: Sequence[str], shown: Mapping[str, float]) -> float | None:
    if continuation in shown:
        return shown[continuation]
    others = [other for other in continuations if other != continuation]
    starts = [
        token
        for token in shown
        if continuation.startswith(token) and not any(other.startswith(token) for other in others)
    ]
    return max((shown[token] for token in starts), default=None)


def read_usage(body: Mapping[str, object]) -> Counted | None:
    """The server's count of tokens, ``None`` where it gives none or one that cannot be."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    given, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (_is_count(given) and _is_count(written)):
        return None
    return Counted(given, written, min(cached, given) if _is_count(cached) else 0)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _invalid(seen: str) -> InvalidReply:
    return InvalidReply(
        f"the server's reply is not what the protocol promises: {seen}",
        hint="Look at the server's log; a proxy between may have changed the reply.",
    )
