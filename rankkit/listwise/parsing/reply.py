"""Reading a language model's answer to "rank these n passages": any text becomes a valid order and a list of defects.

The field's usual rule takes every number for an identifier, so that "20 passages are provided." puts passage 20 first.
Here a number has to show that it ranks. What counts as evidence, strongest first:

1. identifiers joined by ``>`` or an arrow, marked or not: ``[2] > [1]``, ``2 > 1 > 3``;
2. a row of identifiers that stands alone (a whole line, or from a colon to the line's end): ``[2], [1]``, ``2, 1, 3``,
   one a line, bullets, ``1. [4]``, a JSON array. A row of one must carry marks, or be the whole answer;
3. a list: lines that each begin with an identifier (or a list number, and an identifier behind it) and go on in words;
   or marked identifiers that arrows lead to with remarks between, ``[3] (a close match) > [1] (less so)``;
   or marked identifiers with all their places in words: ``1st: [3], 2nd: [1]``, ``[3] first, [1] second``.
   A list in just the prompt's order is more likely the passages handed back than a ranking: with list numbers it
   counts only when there is nothing else, without them never (nothing is lost: the old order stays as it is);
4. marked identifiers inside a sentence, only when the sentence itself speaks of rank ("the most relevant is [3], then
   [1]") and does not deny it. A bare number in a sentence is never an identifier.

A row ends where words come between, and where a row of arrows breaks off and the next names mostly the same passages
again (a second try, not a line break). Of several readings the one that ranks most passages is taken, of equal ones the
more evident kind, then the last: prompts' examples come early and are short, final answers come late. Thinking blocks
are not part of the answer. ``[1] < [2]`` and ``[1] ... [20]`` are not guessed at.

Sources of the forms: the prompts of RankGPT (arXiv 2304.09542) and RankZephyr (arXiv 2312.02724), and recorded
answers of 7B and 13B models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rankkit.core.questions import Outcome
from rankkit.errors import ContractViolation
from rankkit.judging.answer_text import refuses, without_thinking
from rankkit.listwise.parsing.identifiers import MARKS, Alphabet, letters, plain
from rankkit.listwise.parsing.rows import Row, find_row


class Defect(StrEnum):
    """What is wrong with an answer. ``Reply.defects`` lists them in this order."""

    EMPTY = "empty"  # nothing there, or marks only ("[] > []")
    REFUSED = "refused"
    TRUNCATED = "truncated"  # cut off before the places asked for were filled
    THINKING = "thinking"  # a thinking block that never ends
    PROSE = "prose"  # words beside the ranking, or instead of it
    WRONG_MARKS = "wrong-marks"  # readable, but not in one plain style throughout
    REPEATED = "repeated"
    OUT_OF_RANGE = "out-of-range"  # an identifier that the prompt did not show
    MISSING = "missing"  # a ranking with fewer passages than asked for


@dataclass(frozen=True, slots=True)
class Reply:
    """``order`` is always a permutation of ``range(n)``: the ``named`` passages, then the others in their old order.

    With an outcome other than OK and REPAIRED nothing was learned: nothing is named and the order is the old one.
    """

    order: tuple[int, ...]
    named: tuple[int, ...]
    outcome: Outcome
    defects: tuple[str, ...] = ()


_FENCE = re.compile(r"```[A-Za-z]{0,10}")
_MARKS_ONLY = re.compile(rf"[{MARKS},.:;]*+")
_JSON_NUMBERS = re.compile("score|relevance|confidence", re.IGNORECASE)  # keys of numbers that are no identifiers
_JSON_IDENTIFIER_KEYS = ("id", "identifier", "passage", "passage_id", "document", "doc", "docid", "index", "label")


def read_reply(
    text: str,
    n: int,
    *,
    labels: Sequence[str] | None = None,
    truncated: bool = False,
    refused: bool = False,
    top: int | None = None,
) -> Reply:
    """Read an answer about ``n`` passages that the prompt called ``labels`` ("1" to ``str(n)`` when ``None``).

    ``truncated`` and ``refused`` are what the backend says of the answer. Only the first ``top`` places are expected;
    a cut-off answer that fills them is complete, any other is not an order.

    Raises:
        ContractViolation: the labels are not ``n`` different ones.
    """
    shown = tuple(labels) if labels is not None else tuple(str(number) for number in range(1, n + 1))
    if len(shown) != n:
        raise ContractViolation(f"{len(shown)} labels for {n} passages")
    visible, unfinished = without_thinking(text)
    answer = plain(_FENCE.sub("", visible))
    row = None if refused else _read(answer, shown, truncated=truncated)
    cut = truncated or unfinished
    named = tuple(dict.fromkeys(position for position in row.positions if position is not None)) if row else ()
    missing = len(named) < min(n, n if top is None else top)
    defects = {Defect.THINKING} if unfinished else set()
    if row is not None:
        defects |= _found_in(row)
    if row is None or not named or (cut and missing):
        kept = defects & {Defect.THINKING, Defect.OUT_OF_RANGE}
        return _nothing(answer, n, kept, refused=refused, truncated=cut, began=bool(named))
    if answer != visible:
        defects.add(Defect.WRONG_MARKS)
    if missing:
        defects.add(Defect.MISSING)
    order = tuple(dict.fromkeys((*named, *range(n))))
    return Reply(order, named, Outcome.REPAIRED if defects else Outcome.OK, _listed(defects))


def _found_in(row: Row) -> set[Defect]:
    known = len(row.positions) - row.positions.count(None)
    checks = {
        Defect.PROSE: row.prose,
        Defect.WRONG_MARKS: not row.uniform,
        Defect.REPEATED: known > row.weight,
        Defect.OUT_OF_RANGE: known < len(row.positions),
    }
    return {defect for defect, holds in checks.items() if holds}


def _nothing(text: str, n: int, defects: set[Defect], *, refused: bool, truncated: bool, began: bool) -> Reply:
    """The typed reason why an answer taught nothing. ``began``: it began to rank."""
    if refused or (not began and refuses(text)):
        outcome, found = Outcome.REFUSED, Defect.REFUSED
    elif truncated:
        outcome, found = Outcome.TRUNCATED, Defect.TRUNCATED
    elif _MARKS_ONLY.fullmatch(text):
        outcome, found = Outcome.UNREADABLE, Defect.EMPTY
    elif Defect.OUT_OF_RANGE in defects:
        outcome, found = Outcome.UNREADABLE, Defect.OUT_OF_RANGE
    else:
        outcome, found = Outcome.UNREADABLE, Defect.PROSE
    return Reply(tuple(range(n)), (), outcome, _listed({*defects, found}))


def _listed(defects: Iterable[Defect]) -> tuple[str, ...]:
    found = set(defects)
    return tuple(defect for defect in Defect if defect in found)


def _read(text: str, labels: Sequence[str], *, truncated: bool) -> Row | None:
    alphabet = Alphabet(labels)
    row = _json_row(text, alphabet) or find_row(text, alphabet, truncated=truncated)
    if row is not None and row.weight:
        return row
    # Letters where numbers were shown, or numbers for letters: two of them at least, since "A" and "I" are words.
    count = len(labels)
    other = Alphabet(letters(count) if alphabet.numeric else [str(number) for number in range(1, count + 1)])
    swapped = _json_row(text, other) or find_row(text, other, truncated=truncated)
    if swapped is not None and swapped.weight > 1:
        return Row(swapped.positions, prose=swapped.prose, uniform=False)
    return row


def _json_row(text: str, alphabet: Alphabet) -> Row | None:
    """An answer that is JSON and nothing else: a list of identifiers, or an object that holds one."""
    stripped = text.strip()
    if stripped[:1] + stripped[-1:] not in ("[]", "{}"):
        return None
    try:
        value = json.loads(stripped, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    held = {"": value} if isinstance(value, list) else value
    lists = [entry for key, entry in held.items() if isinstance(entry, list) and not _JSON_NUMBERS.search(key)]
    rows = [Row(positions, prose=False, uniform=True) for entry in lists if (positions := _positions(entry, alphabet))]
    return max(rows, key=lambda row: row.weight, default=None)


def _positions(entries: list[object], alphabet: Alphabet) -> tuple[int | None, ...]:
    """What a JSON list ranks; nothing when one of its entries is no identifier."""
    found: list[int | None] = []
    for entry in entries:
        if isinstance(entry, dict):
            entry = next((entry[key] for key in _JSON_IDENTIFIER_KEYS if key in entry), None)
        elif isinstance(entry, list) and len(entry) == 1:
            entry = entry[0]
        match = alphabet.pattern.fullmatch(entry.strip()) if isinstance(entry, str) else None
        if match is None:
            return ()
        found.append(alphabet.position(match["label"]))
    return tuple(found)
