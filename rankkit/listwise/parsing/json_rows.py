"""Rankings written as JSON: lists of identifiers, of objects with a rank or a score, and scores by identifier.

Where there are ranks or scores they give the order, never the order of writing, which is mostly the prompt's. What
cannot be sorted by them, or could mean ranks as well as scores, is no ranking.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import isfinite

from rankkit.listwise.parsing.identifiers import Alphabet
from rankkit.listwise.parsing.rows import Row

_SCORE = re.compile(
    "score|relevan|confidence|probabilit|rating|similarit|grade|value|weight|points|utility|match|level|importance",
    re.IGNORECASE,
)
#: Lists of what the answer does not rank: the question, or the passages at the other end.
_NOT_RANKED = re.compile("worst|least|exclu|irrelevant|input|reject|discard|remov|unrelated|original", re.IGNORECASE)
_RANK = re.compile(r"(?:final|new)?(?:rank|ranking|position|place|rankposition)", re.IGNORECASE)
_IDENTIFIER_KEYS = (
    *(
        "id",
        "identifier",
        "passageid",
        "documentid",
        "docid",
        "pid",
        "candidateid",
        "itemid",
        "textid",
        "index",
    ),
    *("passageindex", "docindex", "documentindex", "passagenumber", "documentnumber", "number", "passage", "document"),
    *("doc", "candidate", "item", "text", "label"),
)
_RANKED_KEY = re.compile("rank|order|sort", re.IGNORECASE)
_BEGINS = re.compile(r"\[\s*\{|\{\s*\"")
#: An object with an identifier and a score, in text that is no JSON as a whole (cut off, a comma too many).
_SCORED = re.compile(
    r"\{(?:[^{}\[\]]|\[\w{1,9}\]){0,200}?\"[^\"\n]{0,30}(?:score|relevance|confidence|probability|rating)[^\"\n]{0,30}\"\s{0,4}:"
    r"\s{0,4}\"?-?[0-9]",
    re.IGNORECASE,
)
_FIRST_SCORE = re.compile(r"\{\s{0,8}\"(?P<key>[^\"\n]{1,30})\"\s{0,4}:\s{0,4}\"?-?[0-9]")
_DEEPEST = 4


class _Number(str):
    """A number as it was written, so that "3" and 3 stay apart."""

    __slots__ = ()


class Scored:
    """JSON with ranks or scores that give no order: nothing else in the answer is to be read as one."""


def json_row(text: str, alphabet: Alphabet) -> Row | Scored | None:
    """The ranking in an answer that is JSON, alone or between words; ``None`` where there is none."""
    stripped = text.strip()
    value = _loaded(stripped)
    prose = False
    if value is None and (begun := _BEGINS.search(stripped)):
        prose, value = True, _embedded(stripped, begun.start())
    if value is None:
        first = _FIRST_SCORE.match(stripped)
        cut = first is not None and alphabet.pattern.fullmatch(first["key"].strip()) is not None
        return Scored() if cut or _SCORED.search(stripped) else None
    found = _row_of(value, alphabet, "", _DEEPEST)
    if isinstance(found, Row):
        return Row(found.positions, prose=prose, uniform=found.uniform)
    return found


def _loaded(text: str) -> object:
    if text[:1] + text[-1:] not in ("[]", "{}"):
        return None
    try:
        return json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except (ValueError, RecursionError):
        lines = [line.strip().rstrip(",") for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line[0] + line[-1:] == "{}" for line in lines):
            return None
        rows = [_loaded(line) for line in lines]  # JSON lines
        return None if None in rows else rows


def _embedded(text: str, start: int) -> object:
    try:
        decoder = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number)
        value: object
        value, _ = decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return value


def _row_of(value: object, alphabet: Alphabet, key: str, depth: int) -> Row | Scored | None:
    if depth == 0:
        return None
    if isinstance(value, list):
        return _of_list(value, alphabet, key)
    return _of_object(value, alphabet, depth) if isinstance(value, dict) else None


def _of_list(entries: Sequence[object], alphabet: Alphabet, key: str) -> Row | Scored | None:
    if entries and all(isinstance(entry, dict) for entry in entries):
        return _of_objects([entry for entry in entries if isinstance(entry, dict)], alphabet)
    if _SCORE.search(key):
        return _of_scores(entries, alphabet)
    labels = [entry[0] if isinstance(entry, list) and len(entry) == 1 else entry for entry in entries]
    return _row(labels, alphabet)


def _of_objects(entries: Sequence[Mapping[str, object]], alphabet: Alphabet) -> Row | Scored | None:
    """Sorted by rank, or by score, where all have one; else as written, unless scores in words go with the prompt."""
    if all(len(entry) == 1 for entry in entries) and (single := _one_each(entries, alphabet)):
        return single
    row = _row([_identifier(entry) for entry in entries], alphabet)
    ranks = [_field(entry, _is_rank) for entry in entries]
    scores = [_field(entry, lambda key: _SCORE.search(key) is not None) for entry in entries]
    if row is None:
        return Scored() if any(value is not None for value in (*ranks, *scores)) else None
    for values, sign in ((ranks, 1.0), (scores, -1.0)):
        if all(value is None for value in values):
            continue
        numbers = [_number(value) for value in values]
        if None not in numbers:
            return _sorted(row, [sign * (number or 0.0) for number in numbers])
        if _in_prompt_order(row) or any(number is not None for number in numbers):
            return Scored()
    # Numbers of whatever name beside identifiers in the prompt's order: they are what orders them, if anything does.
    if len(entries) > 1 and _in_prompt_order(row) and any(map(_numbered, entries)):
        return Scored()
    return row


def _numbered(entry: Mapping[str, object]) -> bool:
    rest = (value for key, value in entry.items() if _plain(key) not in _IDENTIFIER_KEYS or _plain(key) == "label")
    named = "label" in map(_plain, entry) and sum(_plain(key) in _IDENTIFIER_KEYS for key in entry) == 1
    return not named and any(isinstance(value, dict) or _number(value) is not None for value in rest)


def _one_each(entries: Sequence[Mapping[str, object]], alphabet: Alphabet) -> Row | Scored | None:
    """``[{"3": 0.9}, {"1": 0.2}]``: an object for each score."""
    merged = {key: value for entry in entries for key, value in entry.items()}
    if len(merged) < len(entries) or len(merged) < 2:
        return None
    return _by_identifier(merged, alphabet)


def _of_object(held: Mapping[str, object], alphabet: Alphabet, depth: int) -> Row | Scored | None:
    found = _by_identifier(held, alphabet)
    if found is not None:
        return found
    if _identifier(held) is not None and any(_SCORE.search(key) or _is_rank(key) for key in held):
        return _of_objects([held], alphabet)  # one line of JSON lines, or a list of one
    rows: list[Row] = []
    unsortable = False
    scores = next((value for key, value in held.items() if _SCORE.search(key) and isinstance(value, list)), None)
    for key, value in held.items():
        if _NOT_RANKED.search(key):
            unsortable = True
            continue
        if value is scores and len([1 for other in held.values() if isinstance(other, list | dict)]) > 1:
            continue
        row = _row_of(value, alphabet, key, depth - 1)
        unsortable |= isinstance(row, Scored)
        if isinstance(row, Row):
            rows.append(row if value is scores else _beside(row, scores, ranked=_RANKED_KEY.search(key) is not None))
    best = max(rows, key=lambda row: row.weight, default=None)
    if best is not None and _in_prompt_order(best) and _has_numbers_beside(held, best):
        return Scored()
    return best or (Scored() if unsortable else None)


def _has_numbers_beside(held: Mapping[str, object], row: Row) -> bool:
    """Whether a list of numbers, as long as the ranking and no ranking itself, stands beside it under another name."""
    lists = [value for value in held.values() if isinstance(value, list) and len(value) == len(row.positions) > 1]
    return len(lists) > 1 and all(None not in map(_number, value) for value in lists[1:])


def _beside(row: Row, scores: Sequence[object] | None, *, ranked: bool) -> Row:
    """A list of identifiers with a list of their scores beside it."""
    numbers = [_number(value) for value in scores or ()]
    if len(numbers) != len(row.positions) or None in numbers or (ranked and not _in_prompt_order(row)):
        return row
    return _sorted(row, [-(number or 0.0) for number in numbers])


def _by_identifier(held: Mapping[str, object], alphabet: Alphabet) -> Row | Scored | None:
    """``{"3": 0.9, "1": 0.2}``: scores; and ``{"1": "[3]", "2": "[1]"}``: places. ``None``: other keys.

    Values 1 to n in whole numbers may be places as well as scores. Where the writing follows them, it is the order.
    """
    row = _row(list(held), alphabet)
    if row is None or not held:
        return None
    values = list(held.values())
    numbers = [_number(value) for value in values]
    if None in numbers:
        places = list(held) == [str(place) for place in range(1, len(held) + 1)]
        marked = all(isinstance(value, str) and not value.strip().isalnum() for value in values)
        inner = _row(values, alphabet) if places and marked else None
        return inner or Scored()
    known = [number for number in numbers if number is not None]
    if len(known) > 1 and sorted(known) == [float(place) for place in range(1, len(known) + 1)]:
        steps = {after > before for before, after in pairwise(known)}
        return row if len(steps) == 1 and not _in_prompt_order(row) else Scored()
    return _sorted(row, [-number for number in known])


def _of_scores(entries: Sequence[object], alphabet: Alphabet) -> Row | Scored | None:
    """Scores along the prompt's passages, one for each."""
    known = [number for number in map(_number, entries) if number is not None]
    places = [float(place) for place in range(1, len(known) + 1)]
    if len(known) != len(entries) or len(known) != len(alphabet.labels) or sorted(known) == places:
        return Scored() if entries else None
    return _sorted(Row(tuple(range(len(known))), prose=False, uniform=True), [-number for number in known])


def _sorted(row: Row, keys: Sequence[float]) -> Row:
    order = sorted(range(len(keys)), key=lambda place: keys[place])
    return Row(tuple(row.positions[place] for place in order), prose=False, uniform=row.uniform)


def _row(labels: Sequence[object], alphabet: Alphabet) -> Row | None:
    """What a list names; nothing when one of its entries is no identifier."""
    found: list[int | None] = []
    for label in labels:
        match = alphabet.pattern.fullmatch(label.strip()) if isinstance(label, str) else None
        if match is None:
            return None
        found.append(alphabet.position(match["label"]))
    return Row(tuple(found), prose=False, uniform=True) if found else None


def _identifier(entry: Mapping[str, object]) -> object:
    keys = {_plain(key): value for key, value in entry.items()}
    return next((keys[key] for key in _IDENTIFIER_KEYS if key in keys), None)


def _field(entry: Mapping[str, object], is_it: Callable[[str], bool]) -> object:
    return next((value for key, value in entry.items() if is_it(key)), None)


def _is_rank(key: str) -> bool:
    return _RANK.fullmatch(_plain(key)) is not None


def _plain(key: str) -> str:
    return re.sub(r"[\W_]+", "", key).lower()


def _number(value: object) -> float | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _in_prompt_order(row: Row) -> bool:
    return list(row.positions) == sorted(row.positions, key=lambda position: -1 if position is None else position)
