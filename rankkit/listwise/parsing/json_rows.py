"""Rankings written as JSON: lists of identifiers, of objects with a rank or a score, and scores by identifier.

Where there are ranks or scores they give the order, never the order of writing, which is mostly the prompt's. What
cannot be sorted by them, or could mean ranks as well as scores, is no ranking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rankkit.listwise.parsing.entries import entries_row
from rankkit.listwise.parsing.fields import (
    Scored,
    identified,
    in_prompt_order,
    is_rank,
    is_score,
    number,
    plain_key,
    row_of,
    sorted_by,
)
from rankkit.listwise.parsing.identifiers import Alphabet
from rankkit.listwise.parsing.json_text import broken_scores, json_in
from rankkit.listwise.parsing.lists import ORDINALS
from rankkit.listwise.parsing.rows import Row

#: Lists of what the answer does not rank: the question, the passages at the other end, numbers that are small for good.
_NOT_RANKED = re.compile(
    "worst|least|exclu|irrelev|input|reject|discard|remov|unrelated|original|distan|dissim|penalt", re.IGNORECASE
)
_RANKED_KEY = re.compile("rank|order|sort", re.IGNORECASE)
#: Keys that count places: "rank1", "1st", "place_2". "1" alone may be a passage.
_PLACE = re.compile(r"(?:rank|place|position|top|no)(\d{1,3})|(\d{1,3})(?:st|nd|rd|th)(?:place)?")
_DEEPEST = 4


def json_row(text: str, alphabet: Alphabet) -> Row | Scored | None:
    """The ranking in an answer that is JSON, alone or between words; ``None`` where there is none."""
    stripped = text.strip()
    value, prose = json_in(stripped)
    if value is None:
        return Scored() if broken_scores(stripped, alphabet) else None
    found = _row_of(value, alphabet, "", _DEEPEST)
    if isinstance(found, Row):
        return Row(found.positions, prose=prose, uniform=found.uniform)
    return found


def _row_of(value: object, alphabet: Alphabet, key: str, depth: int) -> Row | Scored | None:
    if depth == 0:
        return None
    if isinstance(value, list):
        return _of_list(value, alphabet, key)
    return _of_object(value, alphabet, depth) if isinstance(value, dict) else None


def _of_list(entries: Sequence[object], alphabet: Alphabet, key: str) -> Row | Scored | None:
    if entries and all(isinstance(entry, dict) for entry in entries):
        objects = [entry for entry in entries if isinstance(entry, dict)]
        return _one_each(objects, alphabet) or entries_row(objects, alphabet)
    if is_score(key):
        return _of_scores(entries, alphabet)
    if entries and all(isinstance(entry, list) and len(entry) == 2 for entry in entries):
        return _of_pairs([entry for entry in entries if isinstance(entry, list)], alphabet)
    labels = [entry[0] if isinstance(entry, list) and len(entry) == 1 else entry for entry in entries]
    return row_of(labels, alphabet)


def _of_pairs(pairs: Sequence[Sequence[object]], alphabet: Alphabet) -> Row | Scored | None:
    """``[["3", 0.9], ["1", 0.2]]``: a passage and its score each. Places, or ties of passages, are not told apart."""
    row = row_of([first for first, _ in pairs], alphabet)
    known = [value for _, second in pairs if (value := number(second)) is not None]
    if row is None or row.weight < len(row.positions) or not known:
        return Scored() if known else None
    if len(known) < len(pairs) or _may_be_places(known):
        return Scored()
    return sorted_by(row, [-value for value in known])


def _one_each(entries: Sequence[Mapping[str, object]], alphabet: Alphabet) -> Row | Scored | None:
    """``[{"3": 0.9}, {"1": 0.2}]``: an object for each score."""
    merged = {key: value for entry in entries for key, value in entry.items()}
    if any(len(entry) != 1 for entry in entries) or len(merged) < max(2, len(entries)):
        return None
    return _by_identifier(merged, alphabet)


def _of_object(held: Mapping[str, object], alphabet: Alphabet, depth: int) -> Row | Scored | None:
    found = _by_place(held, alphabet) or _by_identifier(held, alphabet)
    if found is not None:
        return found
    if identified([held], alphabet) is not None and any(is_score(key) or is_rank(key) for key in held):
        return entries_row([held], alphabet)  # one line of JSON lines, or a list of one
    rows: list[Row] = []
    unsortable = False
    scores = next((value for key, value in held.items() if is_score(key) and isinstance(value, list)), None)
    for key, value in held.items():
        if _NOT_RANKED.search(key):
            unsortable = True
            continue
        if value is scores and len([1 for other in held.values() if isinstance(other, list | dict)]) > 1:
            continue
        row = _row_of(value, alphabet, key, depth - 1)
        unsortable |= isinstance(row, Scored)
        beside = _beside(row, scores, key) if isinstance(row, Row) and value is not scores else row
        unsortable |= isinstance(beside, Scored)
        rows += [beside] if isinstance(beside, Row) else []
    best = max(rows, key=lambda row: row.weight, default=None)
    if best is not None and in_prompt_order(best) and _has_numbers_beside(held, best):
        return Scored()
    return best or (Scored() if unsortable else None)


def _has_numbers_beside(held: Mapping[str, object], row: Row) -> bool:
    """Whether a list of numbers, as long as the ranking and no ranking itself, stands beside it under another name."""
    lists = [value for value in held.values() if isinstance(value, list) and len(value) == len(row.positions) > 1]
    return len(lists) > 1 and all(None not in map(number, value) for value in lists[1:])


def _beside(row: Row, scores: Sequence[object] | None, key: str) -> Row | Scored:
    """A list of identifiers with a list of their scores beside it."""
    known = [value for value in map(number, scores or ()) if value is not None]
    ranked = _RANKED_KEY.search(key) is not None and not in_prompt_order(row)
    if not known or len(known) != len(row.positions) or len(known) != len(scores or ()) or ranked:
        return row
    return sorted_by(row, [-value for value in known])


def _by_identifier(held: Mapping[str, object], alphabet: Alphabet) -> Row | Scored | None:
    """``{"3": 0.9, "1": 0.2}``: scores; and ``{"1": "[3]", "2": "[1]"}``: places. ``None``: other keys.

    Values 1 to n in whole numbers may be places as well as scores. Where the writing follows them, it is the order.
    """
    row = row_of(list(held), alphabet)
    if row is None or not held:
        return None
    values = list(held.values())
    if all(isinstance(value, dict) for value in values):
        return entries_row([{**value, "id": key} for key, value in held.items() if isinstance(value, dict)], alphabet)
    known = [found for found in map(number, values) if found is not None]
    if len(known) < len(values):
        places = list(held) == [str(place) for place in range(1, len(held) + 1)]
        marked = all(isinstance(value, str) and not value.strip().isalnum() for value in values) and not known
        inner = row_of(values, alphabet) if places and marked else None
        return inner or Scored()
    if len(known) > 1 and _may_be_places(known):
        steps = {after > before for before, after in pairwise(known)}
        return row if len(steps) == 1 and not in_prompt_order(row) else Scored()
    return sorted_by(row, [-value for value in known])


def _by_place(held: Mapping[str, object], alphabet: Alphabet) -> Row | Scored | None:
    """``{"rank1": "[3]", "rank2": "[1]"}``, ``{"first": 3, "second": 1}``. ``None``: other keys, or places left out."""
    places = [_place(plain_key(key)) for key in held]
    row = row_of(list(held.values()), alphabet) if sorted(places) == list(range(1, len(held) + 1)) else None
    return sorted_by(row, [float(place) for place in places]) if row is not None and len(held) > 1 else None


def _place(key: str) -> int:
    found = _PLACE.fullmatch(key)
    if found is not None:
        return int(found[1] or found[2])
    return ORDINALS.index(key) + 1 if key in ORDINALS else 0


def _of_scores(entries: Sequence[object], alphabet: Alphabet) -> Row | Scored | None:
    """Scores along the prompt's passages, one for each."""
    known = [found for found in map(number, entries) if found is not None]
    if len(known) != len(entries) or len(known) != len(alphabet.labels) or _may_be_places(known):
        return Scored() if entries else None
    return sorted_by(Row(tuple(range(len(known))), prose=False, uniform=True), [-value for value in known])


def _may_be_places(numbers: Sequence[float]) -> bool:
    return sorted(numbers) == [float(place) for place in range(1, len(numbers) + 1)]
