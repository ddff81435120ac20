"""Rankings written as entries, one for each passage: objects of JSON, or rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, islice

from rankkit.listwise.parsing.fields import (
    Scored,
    field,
    identified,
    in_prompt_order,
    is_identifier,
    is_rank,
    is_score,
    number,
    plain_key,
    sorted_by,
)
from rankkit.listwise.parsing.identifiers import Alphabet
from rankkit.listwise.parsing.rows import Row

#: How many pairs are looked at to see whether ranks and scores go together.
_PAIRS = 1000


def entries_row(entries: Sequence[Mapping[str, object]], alphabet: Alphabet) -> Row | Scored | None:
    """Sorted by rank, or by score, where all have one; else as written, unless scores in words go with the prompt.
    Ranks that go against the scores beside them are no order.
    """
    row = identified(entries, alphabet)
    ranks = [field(entry, is_rank) for entry in entries]
    scores = [field(entry, is_score) for entry in entries]
    if row is None:
        return Scored() if any(value is not None for value in (*ranks, *scores)) else None
    if _opposed([number(value) for value in ranks], [number(value) for value in scores]):
        return Scored()
    for values, sign in ((ranks, 1.0), (scores, -1.0)):
        if all(value is None for value in values):
            continue
        known = [found for found in map(number, values) if found is not None]
        if len(known) == len(values):
            return sorted_by(row, [sign * found for found in known], written=values is scores)
        if in_prompt_order(row) or known:
            return Scored()
    # Numbers of whatever name beside identifiers in the prompt's order: they are what orders them, if anything does.
    if len(entries) > 1 and in_prompt_order(row) and any(map(_numbered, entries)):
        return Scored()
    return row


def _opposed(ranks: Sequence[float | None], scores: Sequence[float | None]) -> bool:
    both = [(rank, score) for rank, score in zip(ranks, scores, strict=True) if rank is not None and score is not None]
    signs = [(after[0] - before[0]) * (after[1] - before[1]) for before, after in islice(combinations(both, 2), _PAIRS)]
    return sum(sign > 0 for sign in signs) > sum(sign < 0 for sign in signs)


def _numbered(entry: Mapping[str, object]) -> bool:
    rest = (value for key, value in entry.items() if not is_identifier(key) or plain_key(key) == "label")
    named = "label" in map(plain_key, entry) and sum(map(is_identifier, entry)) == 1
    return not named and any(isinstance(value, dict) or number(value) is not None for value in rest)
