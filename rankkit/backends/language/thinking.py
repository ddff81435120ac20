"""Reasoning models think aloud before they answer; what they thought is no part of the answer."""

from __future__ import annotations

from dataclasses import dataclass

#: How models mark their thinking: DeepSeek-R1, Qwen3 and most others; Cogito and Granite; Magistral; Seed-OSS.
MARKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
)


@dataclass(frozen=True, slots=True)
class Thought:
    """A reply taken apart. ``closed`` is false where the thinking has no end: then there is no answer."""

    thinking: str
    answer: str
    closed: bool = True


def split_thinking(text: str) -> Thought:
    """Part the blocks of thinking that a reply starts with from the answer behind them.

    Only the start counts: an answer may well mention a mark. A closing mark without an opening one ends thinking too,
    since some chat templates put the opening mark into the prompt.
    """
    thoughts: list[str] = []
    rest = text.strip()
    while True:
        mark = next((mark for mark in MARKS if rest.startswith(mark[0])), None)
        if mark is None:
            break
        thought, end, rest = rest[len(mark[0]) :].partition(mark[1])
        thoughts.append(thought.strip())
        if not end:
            return Thought("\n".join(thoughts), "", closed=False)
        rest = rest.strip()
    for opening, closing in MARKS:
        before, end, after = rest.partition(closing)
        if end and not thoughts and opening not in before:
            return Thought(before.strip(), after.strip())
    return Thought("\n".join(thoughts), rest) if thoughts else Thought("", text)
