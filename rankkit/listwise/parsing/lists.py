"""Lists of identifiers with words between: lines that begin with one, arrows that lead to one, places said of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rankkit.listwise.parsing.identifiers import Identifier, Strength, starts_line

ARROWS = ">→⇒⟶⟹➔➜➤▶►›»≻≫≥＞=~≈"
#: What may stand between an arrow and the identifier that it leads to.
_BEFORE_MARK = " \t*_`\"'("
_LEAVES_OUT = re.compile(r"\n|\.\.|…")
ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
    *("twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"),
    "twentieth",
)
_ORDINAL = rf"(?P<place>[0-9]{{1,3}}(?:st|nd|rd|th)|{'|'.join(ORDINALS)})(?![A-Za-z0-9])"
#: A place just before an identifier needs a colon or a dash ("2nd place: [1]"), one just behind it does not.
_PLACE_BEFORE = re.compile(
    rf"(?<![A-Za-z0-9]){_ORDINAL}(?:[ \t](?:place|choice))?[ \t*_]{{0,4}}[:\-–][ \t*_\"'`]{{0,4}}\Z", re.IGNORECASE
)
_PLACE_BEHIND = re.compile(rf"[ \t*_]{{0,3}}[ \t]{_ORDINAL}", re.IGNORECASE)
#: Behind a bare number that is all that is said of its place.
_ALONE = re.compile(r"[ \t*_)\]]{0,4}(?:[,;.\n]|\Z)")
#: How much of the text beside an identifier can say its place, in characters.
_REACH = 40


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


def placed(text: str, found: Sequence[Identifier]) -> Iterator[list[Identifier]]:
    """Marked identifiers with their places in words, in whichever order: ``1st: [2], 2nd: [1]``, or ``[2] first and
    [1] second``. No place may be left out.
    """
    before: list[tuple[int, Identifier]] = []
    behind: list[tuple[int, Identifier]] = []
    for last, mark, following in zip([None, *found], found, [*found[1:], None], strict=False):
        if mark.strength < Strength.BARE or (mark.strength < Strength.NAMED and not _ALONE.match(text, mark.end)):
            continue
        head = text[max(last.end if last else 0, mark.lead - _REACH) : mark.lead]
        tail = text[mark.end : min(following.lead if following else len(text), mark.end + _REACH)]
        before += [(_place(match["place"]), mark) for match in [_PLACE_BEFORE.search(head)] if match]
        if mark.strength < Strength.NAMED:
            continue  # "1st: 2, 2nd: 1" places bare numbers too, "2 first" does not
        behind += [(_place(match["place"]), mark) for match in [_PLACE_BEHIND.match(tail)] if match]
    yield from _by_place(before)
    yield from _by_place(behind)


def _place(ordinal: str) -> int:
    word = ordinal.casefold()
    return ORDINALS.index(word) + 1 if word in ORDINALS else int(word[:-2])


def _by_place(pairs: Sequence[tuple[int, Identifier]]) -> Iterator[list[Identifier]]:
    """A place that comes again begins another try."""
    tries: list[dict[int, Identifier]] = [{}]
    for place, mark in pairs:
        if place in tries[-1]:
            tries.append({})
        tries[-1][place] = mark
    for places in tries:
        if len(places) > 1 and set(places) == set(range(1, len(places) + 1)):
            yield [places[place] for place in sorted(places)]


def in_prompt_order(members: Sequence[Identifier]) -> bool:
    positions = list(dict.fromkeys(mark.position for mark in members))
    return positions == list(range(len(positions)))


def restarts(before: Identifier, mark: Identifier) -> bool:
    return mark.ordinal == "1" and before.ordinal not in (None, "1")
