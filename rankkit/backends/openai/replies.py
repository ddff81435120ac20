"""What an OpenAI-compatible server's reply says, taken out of its JSON with every shape checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard

from rankkit.backends.http.hidden import status_of, tells_of_failure
from rankkit.backends.language.thinking import split_thinking
from rankkit.backends.openai.log_probabilities import Shown, read_shown
from rankkit.errors import InvalidReply


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer of one reply. ``shown`` are the first token's alternatives, ``None`` where the reply has none."""

    text: str
    finish: Literal["stop", "length", "refused"]
    thinking: str
    shown: Shown | None


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
        if _blocked(body):
            return Choice("", "refused", "", None)
        raise _invalid(f"no choice in it (fields: {', '.join(map(str, body)) or 'none'})")
    inner = first.get("message")
    message = inner if isinstance(inner, dict) else first  # a plain completion has its text in the choice itself
    content = _content(message.get("content", message.get("text")))
    refusal = message.get("refusal") or content.refusal
    apart = next((said for field in _APART if (said := prose(message.get(field)))), "")
    finish = _finish(first.get("finish_reason"), refused=bool(refusal))
    text = content.text
    if text is None and (refusal or apart or content.thinking or finish != "stop"):
        text = prose(refusal)
    if text is None:
        raise _invalid(f"its choice has no text (finish reason {first.get('finish_reason')!r})")
    thought = split_thinking(text)
    thinking = "\n".join(part for part in (apart.strip(), content.thinking.strip(), thought.thinking) if part)
    return Choice(thought.answer, finish, thinking, read_shown(first.get("logprobs")))


def hidden_status(body: Mapping[str, object]) -> int | None:
    """The status of an error that a server sends as a success, as gateways do when the server behind them fails; one
    that names no status is taken for a failure of the server, unless it says that the request is wrong.
    """
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    error = body.get("error") or body.get("errors")
    if isinstance(first, dict):
        if first.get("finish_reason") != "error" and not first.get("error"):
            return None
        error = first.get("error") or error
    elif not error and body.get("object") != "error" and not _tells_of_failure(body):
        return None
    return status_of(error, body.get("base_resp"), body)


def _tells_of_failure(body: Mapping[str, object]) -> bool:
    """Whether a reply without a choice is an error under another name."""
    if "choices" in body or _blocked(body):
        return False
    return tells_of_failure(body)


#: Where servers put the thinking apart.
_APART = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
#: How they call a kind of part that is thinking, and the fields that text stands in.
_THINKING = re.compile(r"think|reason|summary")
_TEXT = ("text", "thinking", "reasoning", "content", "summary", "value", "refusal")


@dataclass(frozen=True, slots=True)
class _Content:
    text: str | None
    thinking: str = ""
    refusal: str = ""


def _content(content: object) -> _Content:
    """A text, or a list of parts: text, thinking, a refusal; parts of other kinds are left out."""
    if content is None or isinstance(content, str):
        return _Content(content)
    parts = content if isinstance(content, list) else [content]
    parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts if part is not None]
    if not all(isinstance(part, dict) for part in parts):
        raise _invalid(f"its choice has no text but {str(content)[:80]!r}")
    said: dict[str, list[str]] = {"text": [], "thinking": [], "refusal": []}
    for part in parts:
        assert isinstance(part, dict)
        kind = str(part.get("type") or "text").lower()
        if kind == "refusal":
            said["refusal"].append(prose(part))
        elif _THINKING.search(kind):
            said["thinking"].append(prose(part))
        elif kind in ("text", "output_text", "input_text"):
            said["text"].append(prose(part))
    text = "".join(said["text"]) if said["text"] else None
    return _Content(text, "\n".join(said["thinking"]), "\n".join(said["refusal"]))


def prose(value: object, depth: int = 0) -> str:
    """The text in a value that is a text, a part, or a list of them."""
    if isinstance(value, str):
        return value
    if depth > 4:
        return ""
    if isinstance(value, list):
        return "".join(prose(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return next((said for name in _TEXT if (said := prose(value.get(name), depth + 1))), "")
    return ""


def _blocked(body: Mapping[str, object]) -> bool:
    """Google's way of not answering: no choice, and a reason why the prompt was blocked."""
    feedback = body.get("promptFeedback") or body.get("prompt_feedback")
    return isinstance(feedback, dict) and bool(feedback.get("blockReason") or feedback.get("block_reason"))


def _finish(reason: object, *, refused: bool) -> Literal["stop", "length", "refused"]:
    named = reason.lower() if isinstance(reason, str) else ""
    if refused or named.startswith(_REFUSING):
        return "refused"
    return "length" if named in ("length", "max_tokens", "max_output_tokens", "model_length") else "stop"


_REFUSING = (
    *("content_filter", "content-filter", "contentfilter", "safety", "prohibited_content", "blocklist", "recitation"),
    *("refusal", "guardrail", "spii", "sensitive"),
)


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
