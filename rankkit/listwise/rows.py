"""Finding the ranking in an answer: rows of identifiers, weighed by the evidence that ``rankkit.listwise.reply`` lists.

Linear in the text: rows are cut from one pass over the identifiers, and what a sentence says is looked up within a
bounded distance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from rankkit.listwise.identifiers import MARKS, Alphabet, Identifier, Strength, find_identifiers, starts_line

_ARROWS = ">→⇒➔›»≻≥＞=~≈"
_COMMAS = ",;|/&+、，；"
_JOINED = re.compile(
    rf"(?:[{MARKS}{_ARROWS}{_COMMAS}]|\.[ \t]{{0,4}}\n|\b(?:and|then|followed[ ]by)\b)*+", re.IGNORECASE
)
_HAS_ARROW = re.compile(f"[{_ARROWS}]")
_HAS_COMMA = re.compile(rf"[{_COMMAS}]|\w")
_HAS_DASH = re.compile(r"[-–—]")
_BESIDE = re.compile(rf"[{MARKS},.:;]*+")
_SENTENCE_END = re.compile(r"[.!?\n。！？]")
_SPEAKS_OF_RANK = re.compile(r"\b(?:most|best|top|highest|rank\w*|order\w*(?!\s+to\b))\b|最|排", re.IGNORECASE)
_DENIES = re.compile(r"\b(?:not|no|none|neither|nor|cannot|least|less|irrelevant)\b|n't\b|不", re.IGNORECASE)
#: What may stand between an arrow and the identifier that it leads to.
_BEFORE_MARK = " \t*_`\"'("
_LEAVES_OUT = re.compile(r"\n|\.\.|…")
#: How far to look for the sentence around an identifier, in characters.
_REACH = 200
#: (joint, list number, first mark) of the plain styles; the joint of a bullet list stands before its first item too.
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

    ``prose``: there are words beside it. ``uniform``: it is in one plain style throughout.
    """

    positions: tuple[int | None, ...]
    prose: bool
    uniform: bool

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
    found = find_identifiers(text, alphabet)
    if found and found[-1].strength < Strength.BRACKETED and found[-1].end == len(text) and text[-1] != ")":
        last = found[-1]
        if (truncated or text[: last.start].endswith("[")) and alphabet.may_go_on(last.label):
            text = text[: last.lead]
            found.pop()
    standing: list[list[Identifier]] = []
    said: list[Identifier] = []
    for chain in _chains(text, found):
        members = list(found[chain.first : chain.last + 1])
        if _stands(text, found, chain):
            standing.append(members)
        elif _said(text, found, chain):
            said += members
    readings = [(0, said), *((1, members) for members in (*_listed(text, found), *_led(text, found)))]
    readings += ((2, members) for members in standing)
    kind, members = max(reversed(readings), key=lambda reading: _evidence(*reading))
    if not members:
        return None
    if kind < 2:
        return Row(tuple(mark.position for mark in members), prose=True, uniform=True)
    return _row(text, members, alphabet, truncated=truncated)


def _evidence(kind: int, members: Sequence[Identifier]) -> tuple[bool, int, int]:
    """What a reading is chosen by; ``max`` over the reversed readings takes the last of equals."""
    weight = len({mark.position for mark in members if mark.position is not None})
    return bool(members) and not (kind == 1 and _in_prompt_order(members)), weight, kind


def _chains(text: str, found: Sequence[Identifier]) -> Iterator[_Chain]:
    """Runs joined without words. A run with arrows goes on past another joint unless that begins a second try."""
    chain: _Chain | None = None
    seen: set[int | None] = set()
    for run, joint in _runs(text, found):
        ids: set[int | None] = {mark.position for mark in found[run.first : run.last + 1] if mark.position is not None}
        second_try = found[run.first].ordinal is None and 2 * len(ids & seen) >= len(ids) and _Joint.ARROW in run.joints
        if chain is not None and joint is not None and not second_try:
            chain = _Chain(chain.first, run.last, chain.joints | run.joints | {joint})
            seen |= ids
            continue
        if chain is not None:
            yield chain
        chain, seen = run, ids
    if chain is not None:
        yield chain


def _runs(text: str, found: Sequence[Identifier]) -> Iterator[tuple[_Chain, _Joint | None]]:
    """Identifiers joined in one way, arrows or not, each run with the joint before it (``None``: words)."""
    first, opened, joints = 0, None, set[_Joint]()
    for index in range(1, len(found) + 1):
        joint = None
        if index < len(found) and not found[index].spaced and not _restarts(found[index - 1], found[index]):
            joint = _joint(text[found[index - 1].end : found[index].lead])
        if joint is not None and (not joints or (joint is _Joint.ARROW) == (_Joint.ARROW in joints)):
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


def _restarts(before: Identifier, mark: Identifier) -> bool:
    return mark.ordinal == "1" and before.ordinal not in (None, "1")


def _stands(text: str, found: Sequence[Identifier], chain: _Chain) -> bool:
    """Whether a chain needs no sentence to say that it ranks."""
    start, end = found[chain.first].lead, found[chain.last].end
    if _Joint.ARROW in chain.joints:
        return True
    if found[chain.first].spaced or (chain.last - chain.first == 1 and chain.joints == {_Joint.DASH}):
        return False  # "[1] - [20]" is a range
    before = text[found[chain.first - 1].end if chain.first else 0 : start]
    after = text[end : found[chain.last + 1].lead if chain.last + 1 < len(found) else len(text)]
    introduced = before.rstrip(" \t\n*_[{(\"'`").endswith((":", "："))
    alone = starts_line(before, first=chain.first == 0) or introduced
    ends = _BESIDE.fullmatch(after.partition("\n")[0]) is not None and ("\n" in after or chain.last + 1 == len(found))
    if chain.first == chain.last and found[chain.first].strength < Strength.NAMED:
        return _BESIDE.fullmatch(before) is not None and _BESIDE.fullmatch(after) is not None and len(found) == 1
    return alone and ends


def _said(text: str, found: Sequence[Identifier], chain: _Chain) -> bool:
    """Whether the sentence around a chain says that it ranks, and the chain is the first that it names."""
    start, end = found[chain.first].lead, found[chain.last].end
    boxed = (
        text[max(start - 4, 0) : start].rstrip(" \"'").endswith("[") and text[end : end + 4].strip(" \"'")[:1] == "]"
    )
    if not boxed and all(mark.strength < Strength.NAMED for mark in found[chain.first : chain.last + 1]):
        return False
    before = _SENTENCE_END.split(text[max(start - _REACH, 0) : start])[-1]
    after = _SENTENCE_END.split(text[end : end + _REACH])[0]
    if chain.first and found[chain.first - 1].end > start - len(before):
        return False
    sentence = f"{before} {after}"
    return _SPEAKS_OF_RANK.search(sentence) is not None and _DENIES.search(sentence) is None


def _listed(text: str, found: Sequence[Identifier]) -> Iterator[list[Identifier]]:
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
    starts = [index for index, (before, after) in enumerate(pairwise(leading), 1) if _restarts(before, after)]
    for first, last in pairwise([0, *starts, len(leading)]):
        members = leading[first:last]
        if len(members) > 1 and not (_in_prompt_order(members) and all(mark.ordinal is None for mark in members)):
            yield members


def _led(text: str, found: Sequence[Identifier]) -> Iterator[list[Identifier]]:
    """Marked identifiers that arrows lead to, with remarks between: ``[3] (a close match) > [1] (less so)``."""
    members: list[Identifier] = []
    between = ""
    for index, mark in enumerate(found):
        between += text[found[index - 1].end if index else 0 : mark.lead]
        if mark.strength < Strength.NAMED:
            between += "#"
            continue
        led = between.rstrip(_BEFORE_MARK).endswith(tuple(_ARROWS))
        if members and (not led or _LEAVES_OUT.search(between)):
            yield members if len(members) > 1 else []
            members = []
        members.append(mark)
        between = ""
    yield members if len(members) > 1 else []


def _in_prompt_order(members: Sequence[Identifier]) -> bool:
    positions = list(dict.fromkeys(mark.position for mark in members))
    return positions == list(range(len(positions)))


def _row(text: str, members: Sequence[Identifier], alphabet: Alphabet, *, truncated: bool) -> Row:
    """A chain as a row, with what its surroundings and its style say about it."""
    head, tail = text[: members[0].lead], text[members[-1].end :]
    if members[-1].ordinal is not None:
        tail = tail.rstrip("0123456789")  # the next list number, with nothing behind it
    prose = not (_BESIDE.fullmatch(head) and _BESIDE.fullmatch(tail))
    joints = {_squeezed(text[before.end : after.lead]) for before, after in pairwise(members)}
    numbers = {_squeezed(text[mark.lead : mark.start].replace(mark.ordinal or "#", "#", 1)) for mark in members}
    forms = {text[mark.start : mark.end].replace(mark.label, "#", 1) for mark in members}
    joint, number = next(iter(joints), ""), next(iter(numbers))
    uniform = (
        max(len(joints), len(numbers), len(forms)) <= 1
        and all(mark.label in alphabet.labels for mark in members)
        and ((joint in _PLAIN_JOINTS and not number) or (joint in _PLAIN_BULLETS and number in _PLAIN_NUMBERS))
        and (prose or _squeezed(head) == (joint if joint in _PLAIN_BULLETS else ""))
        and (prose or truncated or not text[members[-1].end :].strip())
    )
    return Row(tuple(mark.position for mark in members), prose=prose, uniform=uniform)


def _squeezed(text: str) -> str:
    return "".join(text.split())
