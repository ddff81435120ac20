"""What every reader of a language model's answer does first: thinking blocks and control tokens are no part of it."""

from __future__ import annotations

import re

_TAGS = re.compile(
    r"(?P<opens>(?:<|\[|◁)(?:seed:)?(?:think|thinking|thought|reasoning)(?:>|\]|▷)|<\|channel\|>analysis<\|message\|>)"
    r"|(?P<closes>(?:<|\[|◁)/(?:seed:)?(?:think|thinking|thought|reasoning)(?:>|\]|▷)|<\|channel\|>final<\|message\|>"
    r"|<answer>)",
    re.IGNORECASE,
)
#: Not the model's words: control tokens that a server left in, and the end of a trained format.
_CONTROL = re.compile(r"<\|[a-z_]{1,30}\|>|</s>|</answer>", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|(?:i|we)(?:\s+am|'m|\s+are|'re)?\s+(?:unable|not\s+able|cannot|can't|can\s+not|won't"
    r"|will\s+not|must\s+decline))\b|抱歉|对不起|无法",
    re.IGNORECASE,
)
#: How much of an answer's beginning can refuse, in characters.
_REACH = 300


def without_thinking(text: str) -> tuple[str, bool]:
    """The answer proper, and whether a thinking block never ended. A closing tag alone was opened by the prompt."""
    parts: list[str] = []
    start, inside = 0, False
    for tag in _TAGS.finditer(text):
        if tag["closes"]:
            if not inside:
                parts.clear()
            start, inside = tag.end(), False
        elif not inside:
            parts.append(text[start : tag.start()])
            inside = True
    return _CONTROL.sub("", "".join(parts if inside else [*parts, text[start:]])), inside


def refuses(answer: str) -> bool:
    """Whether an answer begins with the words of a refusal. Ask only of one that says nothing else."""
    return _REFUSAL.search(answer, 0, _REACH) is not None
