"""Finding the ranking in an answer: rows of identifiers, weighed by the evidence that ``reply.py`` lists.

Linear in the text: rows are cut from one pass over the identifiers, and what a sentence says is looked up within a
bounded distance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from rankkit.listwise.parsing.identifiers import MARKS, Alphabet, Identifier, Strength, find_identifiers, starts_line
from rankkit.listwise.parsing.lists import ARROWS, in_prompt_order, led, listed, placed, restarts

_COMMAS = ",;|/&+、，；"
_JOINED = re.compile(
    rf"(?:[{MARKS}{ARROWS}{_COMMAS}]|\.[ \t]{{0,4}}\n|\b(?:and|then|followed[ ]by|finally|lastly)\b)*+", re.IGNORECASE
)
_HAS_ARROW = re.compile(f"[{ARROWS}]")
_HAS_COMMA = re.compile(rf"[{_COMMAS}]|\w")
_HAS_DASH = re.compile(r"[-–—]")
_BESIDE = re.compile(rf"[{MARKS},.:;]*+")
_SENTENCE_END = re.compile(r"[.!?\n。！？]")
_SPEAKS_OF_RANK = re.compile(r"\b(?:most|best|top|highest|rank\w*|order\w*(?!\s+to\b))\b|最|排", re.IGNORECASE)
_DENIES = re.compile(r"\b(?:not|no|none|neither|nor|cannot|least|less|worst|irrelevant)\b|n't\b|不", re.IGNORECASE)
#: A list number at the very end, with nothing behind it.
_NEXT_NUMBER = re.compile(r"[0-9]{1,4}[.):]?[ \t]{0,4}[\[(]?\Z")
#: The end of a row that stands alone: of the line, of a sentence, or a remark in brackets begins.
_ENDS = re.compile(r"[ \t*_\"'`)\]}|;,]*+(?:[.!?。(\n]|\Z)")
#: What a sentence that ranks goes on with: "[2] is the best, then [1]".
_GOES_ON = re.compile(r"[,;][ \t]{0,4}(?:and[ \t]{1,4})?(?:then|next|followed by)[ \t]{0,4}\Z", re.IGNORECASE)
#: ... or in a sentence of its own: "[2] is the best. Then [1]".
_GOES_ON_ANEW = re.compile(r"\.[ \t\n]{1,4}(?:and[ \t]{1,4})?(?:then|next|followed by)[ \t,:]{0,4}\Z", re.IGNORECASE)
_RANGE = re.compile(r"[ \t]{0,2}(?:to|through|-|–)[ \t]{0,2}[\[0-9]")
#: How far to look for the sentence around an identifier, in characters.
_REACH = 200
#: What joins, and what counts, in the plain styles; a bullet stands before the first item too.
_PLAIN_JOINTS = {">", ","}
_PLAIN_BULLETS = {"", "-", "*", "•"}
_PLAIN_NUMBERS = {"", "#.", "#)", "#:"}


class _Joint(IntEnum):
    """What stands between two identifiers of a row."""

    SPACE = 0  # white space, line ends, bullets
    DASH = 1
    COMMA = 2
    ARROW = 3


@dataclass(frozen=True, slots=True)
class Row:
    """A ranking as the answer gave it: ``None`` is an identifier that was not shown; repeats are kept.

    ``prose``: there are words beside it. ``uniform``: it is in one plain style throughout. ``from_zero``: it counts
    from 0, and the prompt did not.
    """

    positions: tuple[int | None, ...]
    prose: bool
    uniform: bool
    from_zero: bool = False

    @property
    def weight(self) -> int:
        """How many passages it ranks."""
        return len({position for position in self.positions if position is not None})


@dataclass(frozen=True, slots=True)
class _Chain:
    """Identifiers ``first`` to ``last`` (inclusive) of the answer, joined without words between."""

    first: int
    last: int
    joints: frozenset[_Joint]


def find_row(text: str, alphabet: Alphabet, *, truncated: bool) -> Row | None:
    """The best ranking in ``text``, or ``None``. An identifier that a cut may have shortened is left out."""
    text, found = _whole(text, find_identifiers(text, alphabet), alphabet, truncated=truncated)
    apart: list[list[Identifier]] = []
    said: list[Identifier] = []
    for chain in _chains(text, found):
        members = list(found[chain.first : chain.last + 1])
        if _stands_apart(text, found, chain):
            apart.append(members)
        elif _said(text, found, chain) or (said and _goes_on(text, found, chain, said[-1])):
            said += members
    lists = (*listed(text, found), *led(text, found), *placed(text, found))
    readings = [(0, said), *((1, members) for members in lists)]
    readings += ((2, members) for members in apart)
    kind, members = max(reversed(readings), key=lambda reading: _evidence(*reading))
    if not members:
        return None
    if kind < 2:
        return Row(tuple(mark.position for mark in members), prose=True, uniform=True)
    row = _row(text, members, alphabet, truncated=truncated)
    gaps = [text[a.end if a else 0 : b.lead if b else len(text)] for a, b in pairwise([None, *found, None])]
    if len(members) == len(found) or any(mark.spaced for mark in found) or None in map(_joint, gaps):
        return row
    # Nothing but identifiers: what the other tries name comes behind, so that nothing is lost.
    chosen = {mark.start for mark in members}
    others = tuple(mark.position for mark in found if mark.start not in chosen)
    return Row((*row.positions, *others), prose=False, uniform=False)


def _whole(
    text: str, found: Sequence[Identifier], alphabet: Alphabet, *, truncated: bool
) -> tuple[str, Sequence[Identifier]]:
    """Without what a cut left at the end: the beginning of an identifier, a list number with nothing behind it."""
    last = found[-1] if found else None
    if last is None or (last.end == len(text) and (last.strength is Strength.BRACKETED or text[-1] == ")")):
        return text, found
    if last.end < len(text) and last.ordinal is not None:
        return text[: last.end] + _NEXT_NUMBER.sub("", text[last.end :]), found
    if last.end == len(text) and (truncated or text[: last.start].endswith("[")) and alphabet.may_go_on(last.label):
        return text[: last.lead], found[:-1]
    return text, found


def _evidence(kind: int, members: Sequence[Identifier]) -> tuple[bool, int, int]:
    """What a reading is chosen by; ``max`` over the reversed readings takes the last of equals."""
    weight = len({mark.position for mark in members if mark.position is not None})
    return bool(members) and not (kind < 2 and in_prompt_order(members)), weight, kind


def _chains(text: str, found: Sequence[Identifier]) -> Iterator[_Chain]:
    """Runs joined without words. A row goes on past another kind of joint unless a second try begins there."""
    chain: _Chain | None = None
    seen: set[int | None] = set()
    for run, joint in _runs(text, found):
        ids: set[int | None] = {mark.position for mark in found[run.first : run.last + 1] if mark.position is not None}
        second_try = found[run.first].ordinal is None and 2 * len(ids & seen) >= len(ids)
        if chain is not None and joint is not None and ids and not second_try:
            chain = _Chain(chain.first, run.last, chain.joints | run.joints | {joint})
            seen |= ids
            continue
        if chain is not None:
            yield chain
        chain, seen = run, ids
    if chain is not None:
        yield chain


def _runs(text: str, found: Sequence[Identifier]) -> Iterator[tuple[_Chain, _Joint | None]]:
    """Identifiers joined in one way, each run with the joint before it (``None``: words)."""
    first, opened, joints = 0, None, set[_Joint]()
    for index in range(1, len(found) + 1):
        joint = None
        if index < len(found) and not found[index].spaced and not restarts(found[index - 1], found[index]):
            joint = _joint(text[found[index - 1].end : found[index].lead])
            if joint is _Joint.SPACE and joints - {joint} and found[index].strength < found[index - 1].strength:
                joint = None  # "[2], [1] (5 passages)"
        if joint is not None and joints <= {joint}:
            joints.add(joint)
        else:
            yield _Chain(first, index - 1, frozenset(joints)), opened
            first, opened, joints = index, joint, set()


def _joint(gap: str) -> _Joint | None:
    if not _JOINED.fullmatch(gap):
        return None
    if _HAS_ARROW.search(gap):
        return _Joint.ARROW
    if _HAS_COMMA.search(gap):
        return _Joint.COMMA
    return _Joint.DASH if _HAS_DASH.search(gap) and "\n" not in gap else _Joint.SPACE


def _stands_apart(text: str, found: Sequence[Identifier], chain: _Chain) -> bool:
    """Whether a chain needs no sentence to say that it ranks."""
    start, end = found[chain.first].lead, found[chain.last].end
    if _Joint.ARROW in chain.joints:
        return True
    if found[chain.first].spaced or (chain.last - chain.first == 1 and chain.joints == {_Joint.DASH}):
        return False  # "[1] - [20]" is a range
    before = text[found[chain.first - 1].end if chain.first else 0 : start]
    after = text[end : found[chain.last + 1].lead if chain.last + 1 < len(found) else len(text)]
    introduced = before.rstrip(" \t\n*_[{(\"'`").endswith((":", "：", "!"))
    starts = starts_line(before, first=chain.first == 0) or introduced
    ends = _ENDS.match(after if chain.last + 1 == len(found) else f"{after}#") is not None
    if chain.first == chain.last:  # alone in the answer, not only on its line
        return len(found) == 1 and _BESIDE.fullmatch(before) is not None and _BESIDE.fullmatch(after) is not None
    return starts and ends


def _said(text: str, found: Sequence[Identifier], chain: _Chain) -> bool:
    """Whether the sentence around a chain says that it ranks, and the chain is the first that it names."""
    start, end = found[chain.first].lead, found[chain.last].end
    boxed = (
        text[max(start - 4, 0) : start].rstrip(" \"'").endswith("[") and text[end : end + 4].strip(" \"'")[:1] == "]"
    )
    if not boxed and all(mark.strength < Strength.NAMED for mark in found[chain.first : chain.last + 1]):
        return False
    before, after = text[max(start - _REACH, 0) : start], _SENTENCE_END.split(text[end : end + _REACH])[0]
    introduced = before.rstrip(" \t\n*_#").endswith((":", "："))
    before = _SENTENCE_END.split(before.rstrip() if introduced else before)[-1]
    if (chain.first and found[chain.first - 1].end > start - len(before)) or _RANGE.match(after):
        return False
    # "Answer: [3]" and "Second: [1]" need no word of rank.
    answers = introduced and _BESIDE.fullmatch(after) is not None
    sentence = f"{before} {after}"
    return (answers or _SPEAKS_OF_RANK.search(sentence) is not None) and _DENIES.search(sentence) is None


def _goes_on(text: str, found: Sequence[Identifier], chain: _Chain, last: Identifier) -> bool:
    """Whether a chain follows, in the same sentence, in the place after the ``last`` one that a sentence ranked."""
    between = text[last.end : found[chain.first].lead]
    end = found[chain.last].end
    after = _SENTENCE_END.split(text[end : end + _REACH])[0]
    anew = _GOES_ON_ANEW.search(between)
    if anew is not None and _BESIDE.fullmatch(after):
        between = between[: anew.start()] + ", then "
    return (
        chain.first > 0
        and found[chain.first - 1] is last
        and any(mark.strength >= Strength.NAMED for mark in found[chain.first : chain.last + 1])
        and _GOES_ON.search(between) is not None
        and _SENTENCE_END.search(between) is None
        and _RANGE.match(after) is None
        and _DENIES.search(f"{between} {after}") is None
    )


def _row(text: str, members: Sequence[Identifier], alphabet: Alphabet, *, truncated: bool) -> Row:
    """A chain as a row, with what its surroundings and its style say about it."""
    head, tail = text[: members[0].lead], text[members[-1].end :]
    prose = not (_BESIDE.fullmatch(head) and _BESIDE.fullmatch(tail))
    joints = {_squeezed(text[before.end : after.lead]) for before, after in pairwise(members)}
    numbers = {_squeezed(text[mark.lead : mark.start].replace(mark.ordinal or "#", "#", 1)) for mark in members}
    forms = {text[mark.start : mark.end].rpartition(mark.label)[::2] for mark in members}
    joint, number = next(iter(joints), ""), next(iter(numbers))
    uniform = (
        max(len(joints), len(numbers), len(forms)) <= 1
        and all(mark.label in alphabet.labels for mark in members)
        and ((joint in _PLAIN_JOINTS and not number) or (joint in _PLAIN_BULLETS and number in _PLAIN_NUMBERS))
        and (prose or _squeezed(head) == (joint if joint in _PLAIN_BULLETS else ""))
        and (prose or truncated or not tail.strip())
    )
    return Row(tuple(mark.position for mark in members), prose=prose, uniform=uniform)


def _squeezed(text: str) -> str:
    return "".join(text.split())
