"""Finding passage identifiers in a model's answer: which characters name a passage, and how plainly they do.

This is the lexer under ``reply.py``; it decides nothing about orders. It knows four strengths of a mark
(``[3]``, ``Passage 3``, ``(3)``, ``3``) and tells a list's own numbering from identifiers: in ``1. [7]`` the 1 counts
places. Every pattern here is linear: possessive or bounded repeats, and each slice of the text is looked at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import zip_longest

from rankkit.errors import ContractViolation

#: Marks that may stand around an identifier without saying anything: bullets, quotes, emphasis, brackets.
MARKS = r"\s\-*_#>|\"'`()\[\]{}•·–—"

_NOUN = (
    r"(?:passages?|documents?|docs?|texts?|paragraphs?|snippets?|candidates?|articles?|identifiers?|ids?"
    r"|段落|文段|文章|文档|文書|パッセージ|[pd](?=[0-9]))"
)
_PATTERN = r"""
    (?: (?P<place> (?<![A-Za-z]) (?:rank|place|position|top) [ \t]{{0,2}} \#? )
      | (?P<noun> (?<![A-Za-z]) (?:{noun} [ \t]{{0,2}}){{1,2}} \#? )
      | (?P<count> (?<![A-Za-z]) (?:item|result|number|no\.|\#) [ \t]{{0,2}} \#? )
      | (?<![A-Za-z0-9$]) (?<![0-9]\.)
    )
    (?P<open> \[ [ \t]{{0,2}} (?:{noun} [ \t]{{0,2}} \#?)? )?
    (?P<label> {label} ) (?![A-Za-z0-9%]) (?!\.[0-9])
    (?(open) [ \t]{{0,2}} \] )
"""

#: What stands between a list's number and its item: "1. ", "1) ", "1 | **", "1: ".
_AFTER_NUMBER = re.compile(r"[ \t]{0,4}[.):|\-–][\s.)|\-–*_\"'`\[(]{0,8}|[ \t]{1,4}")
#: Signs of order as HTML and LaTeX write them.
_SIGN = re.compile(r"&gt;|\\(?:succ|gt|rightarrow|to|Rightarrow)(?![A-Za-z])")
_LOOKS_NUMBERED = re.compile(r"[.):][ \t]{1,4}\S")
_ROW_GOES_ON = re.compile(f"[{MARKS},;]*+")
_BULLETS = re.compile(f"[{MARKS}]*+")


class Strength(IntEnum):
    """How plainly a mark names a passage."""

    PLACE = 0  # "rank 3", "top 5": counts places, never a passage
    BARE = 1  # "3"
    COUNTED = 2  # "(3)", "#3", "item 3"
    NAMED = 3  # "Passage 3"
    BRACKETED = 4  # "[3]"


@dataclass(frozen=True, slots=True)
class Identifier:
    """One mention. ``start:end`` is its text, ``lead`` where its list number begins (``start`` without one).

    ``position`` is ``None`` for one that the prompt did not show; ``spaced`` says that words stand between the list
    number and the identifier.
    """

    start: int
    end: int
    lead: int
    label: str
    position: int | None
    strength: Strength
    ordinal: str | None = None
    spaced: bool = False


class Alphabet:
    """The labels that a prompt showed, position by position.

    Raises:
        ContractViolation: two labels read the same (case and leading zeros do not count).
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._positions = {_key(label): position for position, label in enumerate(labels)}
        if len(self._positions) != len(labels):
            raise ContractViolation(f"labels must differ, case and leading zeros aside; seen: {', '.join(labels)}")
        self.labels = frozenset(labels)
        self.numeric = all(label.isascii() and label.isdecimal() for label in labels)
        if self.numeric:
            label = "[0-9]++"
        elif all(label.isascii() and label.isalpha() for label in labels):
            label = f"[A-Za-z]{{1,{max(map(len, labels))}}}+"
        else:
            label = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
        if not self.numeric:
            label = f"[0-9]++|{label}"  # numbers count places there
        self.pattern = re.compile(_PATTERN.format(noun=_NOUN, label=label), re.VERBOSE | re.IGNORECASE)

    def position(self, label: str) -> int | None:
        return self._positions.get(_key(label))

    def may_go_on(self, label: str) -> bool:
        """Whether a label of the prompt begins with this one, so that a cut may have shortened it."""
        key = _key(label)
        return any(shown != key and shown.startswith(key) for shown in self._positions)


def letters(n: int) -> tuple[str, ...]:
    """The labels of alphabetical prompts: A to Z, then AA, AB, ..."""

    def letter(number: int) -> str:
        return (letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)

    return tuple(letter(number) for number in range(n))


def find_identifiers(text: str, alphabet: Alphabet) -> list[Identifier]:
    """All mentions in reading order, list numbers absorbed into the identifier that they count."""
    kept: list[Identifier] = []
    number: Identifier | None = None
    count, end = 0, 0
    mentions = list(_mentions(text, alphabet))
    for mention, following in zip_longest(mentions, mentions[1:]):
        before, end = text[end : mention.start], mention.end
        if number is None and following is not None and _counts(text, before, mention, following, count):
            number, count = mention, _value(mention)
        elif number is not None:
            between = text[number.end : mention.start]
            spaced = _AFTER_NUMBER.fullmatch(between) is None
            kept.append(replace(mention, lead=number.lead, ordinal=number.label, spaced=spaced))
            number = None
        elif mention.strength > Strength.PLACE and not _counts_nothing(mention, kept, count):
            kept.append(mention)
    return kept


def starts_line(before: str, *, first: bool) -> bool:
    """Whether what follows ``before`` is the first thing on its line, bullets aside. ``first``: nothing precedes."""
    _, newline, line = before.rpartition("\n")
    return bool(first or newline) and _BULLETS.fullmatch(line) is not None


def plain(text: str) -> str:
    """Digits, letters and brackets of other shapes as ASCII: full-width, superscript, circled (①, read as [1])."""
    if text.isascii():
        return _SIGN.sub(">", text)
    return _SIGN.sub(">", text.translate({ord(character): _plain(character) for character in set(text)}))


def _plain(character: str) -> str:
    if character in "【〔［":
        return "["
    if character in "】〕］":
        return "]"
    if character in "\ufe0f\u20e3\u200b\u200c\u200d\ufeff":  # a keycap's frame, and what has no width
        return ""
    if character in "’‘":
        return "'"
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    shape = unicodedata.normalize("NFKC", character)
    if shape.isascii() and shape.isalnum():
        return f"[{shape}]" if unicodedata.decomposition(character).startswith("<circle>") else shape
    return character


def _mentions(text: str, alphabet: Alphabet) -> Iterator[Identifier]:
    for match in alphabet.pattern.finditer(text):
        label, position = match["label"], alphabet.position(match["label"])
        start, end = match.span()
        if match["open"]:
            strength = Strength.BRACKETED
        elif match["place"]:
            strength = Strength.PLACE
        elif match["noun"]:
            strength = Strength.NAMED
        elif match["count"]:
            strength = Strength.COUNTED
        elif text[max(start - 1, 0) : start] == "(" and text[end : end + 1] == ")":
            strength, start, end = Strength.COUNTED, start - 1, end + 1
        else:
            strength = Strength.BARE
        # What was not shown: a number is out of range, a number among letters counts places, a short word is a word.
        if position is None and not alphabet.numeric and strength is not Strength.BRACKETED:
            strength = Strength.PLACE
        if strength > Strength.PLACE or label.isdecimal():
            yield Identifier(start, end, start, label, position, strength)


def _counts(text: str, before: str, mention: Identifier, following: Identifier, count: int) -> bool:
    """Whether ``mention`` is the list number of ``following`` rather than an identifier itself.

    ``before`` is the text since the mention before it, ``count`` the list number before it (0: none yet).
    """
    value, between = _value(mention), text[mention.end : following.start]
    leading = starts_line(before, first=len(before) == mention.start)
    touching = _AFTER_NUMBER.fullmatch(between) is not None and (leading or "\n" not in between)
    # In "... in 1947. [3] is" the number ends a sentence: within a line, a list goes on from mark to mark.
    within = _ROW_GOES_ON.fullmatch(before) is not None or value == 1 or mention.strength is Strength.PLACE
    if not mention.label.isdecimal():
        return False
    if mention.strength < following.strength:
        return (touching and (leading or within)) or (leading and between[:1] in (".", ")") and "\n" not in between)
    # "1. 4": numbers alone, so the first must count on from the one before, and the second must not look like it.
    expected = (value == count + 1 and count > 0) or (leading and value == 1)
    numbered = mention.strength is Strength.BARE and between.strip()[:1] in (".", ")", ":", "|") and "\n" not in between
    return touching and expected and numbered and _LOOKS_NUMBERED.match(text, following.end) is None


def _counts_nothing(mention: Identifier, kept: Sequence[Identifier], count: int) -> bool:
    """Whether this is the next list number of an answer that ends before the item: ``1. [4] > 2. [7] > 3``."""
    return (
        mention.strength is Strength.BARE
        and bool(kept)
        and kept[-1].ordinal is not None
        and kept[-1].strength >= Strength.NAMED
        and _value(mention) == count + 1
    )


def _key(label: str) -> str:
    return label.casefold().lstrip("0") or "0"


def _value(mention: Identifier) -> int:
    # Python refuses to read numbers of thousands of digits; none of them counts a list.
    return int(mention.label) if mention.label.isdecimal() and len(mention.label) < 6 else -1
