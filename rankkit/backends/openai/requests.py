"""How a prompt becomes the JSON of a request, in the dialect that the server takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from rankkit.backends.protocols import Prompt
from rankkit.errors import RequestRefused
from rankkit.prompting.template import without_template

if TYPE_CHECKING:  # a spec names the styles without the extra that calling takes
    from rankkit.backends.openai.client import Delivery, Route

Style = Literal["auto", "chat", "completion"]


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
    """Which of the common request fields a server takes. Reasoning models refuse some of them."""

    limit: str = "max_tokens"
    dropped: frozenset[str] = frozenset()

    def shape(self, body: Mapping[str, object], max_tokens: int) -> dict[str, object]:
        kept = {name: value for name, value in body.items() if name not in self.dropped}
        return {**kept, self.limit: max_tokens}

    def after(self, refusal: str, sent: Mapping[str, object]) -> Dialect | None:
        """The next dialect to try after a refusal in these words; ``None`` when it is about something else."""
        if not re.search(r"support|unrecognized|unknown|not permitted|unexpected|deprecated", refusal, re.IGNORECASE):
            return None
        if self.limit == "max_tokens" and re.search(r"\bmax_tokens\b", refusal):
            return replace(self, limit="max_completion_tokens")
        for name in ("temperature", "seed", "stop"):
            if name in sent and re.search(rf"\b{name}\b", refusal):
                return replace(self, dropped=self.dropped | {name})
        return None

    def fallbacks(self) -> tuple[str, ...]:
        limit = () if self.limit == "max_tokens" else (f"max_tokens is refused: {self.limit} is sent instead",)
        meanings = {
            "temperature": "the server's own is used, and answers may vary from call to call",
            "seed": "answers may vary from call to call",
            "stop": "the answer is cut on this side",
        }
        return (*limit, *(f"{name} is refused: {meanings[name]}" for name in sorted(self.dropped)))


def with_dialects(
    send: Callable[[Mapping[str, object]], Delivery], first: Dialect, body: Mapping[str, object], max_tokens: int
) -> tuple[Delivery, Dialect]:
    """Send, and again in another dialect as long as the server names a field that it does not take: at most four more
    times, since each dialect gives one field up.

    Raises:
        EndpointError: what ``send`` raises; ``RequestRefused`` where no dialect helps.
    """
    dialect = first
    while True:
        shaped = dialect.shape(body, max_tokens)
        try:
            return send(shaped), dialect
        except RequestRefused as error:
            following = dialect.after(error.message, shaped)
            if following is None:
                raise
            dialect = following
