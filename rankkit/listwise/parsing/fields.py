"""Fields of what an answer says about a passage: which names it, which is its rank, its score, and their numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isfinite

from rankkit.listwise.parsing.identifiers import Alphabet
from rankkit.listwise.parsing.rows import Row

_SCORE = re.compile(
    "score|relevan|confidence|probabilit|rating|similarit|grade|value|weight|points|utility|match|level|importance",
    re.IGNORECASE,
)
#: Numbers that are small where a passage is good.
_REVERSED = re.compile("irrelev|unrel|distan|dissim|mismatch|penalt|loss|error", re.IGNORECASE)
_RANK = re.compile(
    r"(?:final|new|relevance|relevancy|overall|predicted|sorted)?(?:rank|ranking|position|place|order)"
    r"(?:position|order|number|index)?"
)
_IDENTIFIER_KEYS = (
    *("id", "identifier", "passageid", "documentid", "docid", "pid", "candidateid", "itemid", "textid", "index"),
    *("passageindex", "docindex", "documentindex", "passagenumber", "documentnumber", "passageno", "documentno"),
    *("passagelabel", "documentlabel", "number", "passage", "document", "doc", "candidate", "item", "text", "label"),
)
_FRACTION = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?) ?(?:%|(?:/|out of) ?(\d{1,9}(?:\.\d{1,9})?)|points?|st|nd|rd|th)\.?")
_JOINT = re.compile(r"(?<=[A-Za-z])[ ]?[_\-:=#.] ?(?=\d)")


class Scored:
    """Ranks or scores that give no order: nothing else in the answer is to be read as one."""


def row_of(labels: Sequence[object], alphabet: Alphabet) -> Row | None:
    """What a list names; nothing when one of its entries is no identifier."""
    found: list[int | None] = []
    for label in labels:
        text = _JOINT.sub(" ", label.strip()) if isinstance(label, str) and len(label) < 80 else ""
        match = alphabet.pattern.fullmatch(text)
        if match is None:
            return None
        found.append(alphabet.position(match["label"]))
    return Row(tuple(found), prose=False, uniform=True) if found else None


def identified(entries: Sequence[Mapping[str, object]], alphabet: Alphabet) -> Row | None:
    """The passages that entries are about, by the first key of a name for identifiers that holds one in each."""
    keyed = [{plain_key(key): value for key, value in entry.items()} for entry in entries]
    if not all(keyed):
        return None
    for key in _IDENTIFIER_KEYS:
        if key in keyed[0] and (row := row_of([entry.get(key) for entry in keyed], alphabet)):
            return row
    # Each by a key of its own.
    return row_of([next((one[key] for key in _IDENTIFIER_KEYS if key in one), None) for one in keyed], alphabet)


def sorted_by(row: Row, keys: Sequence[float], *, written: bool = False) -> Row | Scored:
    """The passages by their keys, the smallest first. Where all keys are equal nothing is said, unless the passages are
    not in the prompt's order, or ``written`` in a list, which is an order of its own.
    """
    if len(set(keys)) == 1 < len(keys) and in_prompt_order(row) and not written:
        return Scored()
    order = sorted(range(len(keys)), key=lambda place: keys[place])
    return Row(tuple(row.positions[place] for place in order), prose=False, uniform=row.uniform)


def in_prompt_order(row: Row) -> bool:
    return list(row.positions) == sorted(row.positions, key=lambda position: -1 if position is None else position)


def field(entry: Mapping[str, object], is_it: Callable[[str], bool]) -> object:
    return next((value for key, value in entry.items() if is_it(key)), None)


def is_rank(key: str) -> bool:
    return _RANK.fullmatch(plain_key(key)) is not None


def is_score(key: str) -> bool:
    return _SCORE.search(key) is not None and not is_rank(key) and not is_reversed(key)


def is_reversed(key: str) -> bool:
    return _REVERSED.search(key) is not None


def is_identifier(key: str) -> bool:
    return plain_key(key) in _IDENTIFIER_KEYS


def plain_key(key: str) -> str:
    return re.sub(r"[\W_]+", "", key).lower()


def number(value: object) -> float | None:
    """A finite number, also as "0.9", "90 %", "9/10" or "1st"."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    if (found := _FRACTION.fullmatch(value.strip())) is not None:
        whole = float(found[2] or 1)
        return float(found[1]) / whole if whole else None
    try:
        known = float(value)
    except ValueError:
        return None
    return known if isfinite(known) else None
