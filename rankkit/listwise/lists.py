"""Lists of identifiers with words between: lines that each begin with one, and arrows that lead to one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rankkit.listwise.identifiers import Identifier, Strength, starts_line

ARROWS = ">→⇒➔›»≻≥＞=~≈"
#: What may stand between an arrow and the identifier that it leads to.
_BEFORE_MARK = " \t*_`\"'("
_LEAVES_OUT = re.compile(r"\n|\.\.|…")


def listed(text: str, found: Sequence[Identifier]) -> Iterator[list[Identifier]]:
    """Lists: lines that begin with an identifier and go on in words."""
    leading = [
        mark
        for index, mark in enumerate(found)
        if starts_line(text[found[index - 1].end if index else 0 : mark.lead], first=index == 0)
    ]
    if any(mark.strength >= Strength.NAMED for mark in leading):
        leading = [mark for mark in leading if mark.strength >= Strength.NAMED]
    elif any(text[mark.end : mark.end + 2].lstrip()[:1] not in {".", ")", ":", "-", "–"} for mark in leading):
        return  # sentences that begin with a number
    elif all(
        after.position == before.position + 1 for before, after in pairwise(leading) if before.position is not None
    ):
        return  # numbers of a list of something else
    starts = [index for index, (before, after) in enumerate(pairwise(leading), 1) if restarts(before, after)]
    for first, last in pairwise([0, *starts, len(leading)]):
        members = leading[first:last]
        if len(members) > 1 and not (in_prompt_order(members) and all(mark.ordinal is None for mark in members)):
            yield members


def led(text: str, found: Sequence[Identifier]) -> Iterator[list[Identifier]]:
    """Marked identifiers that arrows lead to, with remarks between: ``[3] (a close match) > [1] (less so)``."""
    members: list[Identifier] = []
    between = ""
    for index, mark in enumerate(found):
        between += text[found[index - 1].end if index else 0 : mark.lead]
        if mark.strength < Strength.NAMED:
            between += "#"
            continue
        led = between.rstrip(_BEFORE_MARK).endswith(tuple(ARROWS))
        if members and (not led or _LEAVES_OUT.search(between)):
            yield members if len(members) > 1 else []
            members = []
        members.append(mark)
        between = ""
    yield members if len(members) > 1 else []


def in_prompt_order(members: Sequence[Identifier]) -> bool:
    positions = list(dict.fromkeys(mark.position for mark in members))
    return positions == list(range(len(positions)))


def restarts(before: Identifier, mark: Identifier) -> bool:
    return mark.ordinal == "1" and before.ordinal not in (None, "1")
