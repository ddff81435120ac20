"""Reading a language model's answer to "rank these n passages": any text becomes a valid order and a list of defects.

The field's usual rule takes every number for an identifier, so that "20 passages are provided." puts passage 20 first.
Here a number has to show that it ranks. What counts as evidence, strongest first:

1. identifiers joined by ``>`` or an arrow, marked or not: ``[2] > [1]``, ``2 > 1 > 3``;
2. a row of identifiers that stands alone (a whole line, or from a colon to the line's end): ``[2], [1]``, ``2, 1, 3``,
   one a line, bullets, ``1. [4]``, a JSON array. A row of one must carry marks, or be the whole answer. JSON with ranks
   or scores, and tables of them, are sorted by these (``json_rows.py``, ``tables.py``);
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
are not part of the answer. A whole order that counts from 0 is read so, a counted
defect. ``[1] < [2]`` and ``[1] ... [20]`` are not guessed at.

Sources of the forms: the prompts of RankGPT (arXiv 2304.09542) and RankZephyr (arXiv 2312.02724), and recorded
answers of 7B and 13B models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rankkit.core.questions import Outcome
from rankkit.errors import ContractViolation
from rankkit.judging.answer_text import refuses, without_thinking
from rankkit.listwise.parsing.fields import Scored
from rankkit.listwise.parsing.identifiers import MARKS, Alphabet, letters, plain
from rankkit.listwise.parsing.json_rows import json_row
from rankkit.listwise.parsing.rows import Row, find_row
from rankkit.listwise.parsing.scores import scored_lines
from rankkit.listwise.parsing.tables import table_row


class Defect(StrEnum):
    """What is wrong with an answer. ``Reply.defects`` lists them in this order."""

    EMPTY = "empty"  # nothing there, or marks only ("[] > []")
    REFUSED = "refused"
    TRUNCATED = "truncated"  # cut off before the places asked for were filled
    THINKING = "thinking"  # a thinking block that never ends
    PROSE = "prose"  # words beside the ranking, or instead of it
    WRONG_MARKS = "wrong-marks"  # readable, but not in one plain style throughout
    FROM_ZERO = "from-zero"  # a whole order in numbers that count from 0, where the prompt counted from 1
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
        Defect.FROM_ZERO: row.from_zero,
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
    row = _row(text, alphabet, truncated=truncated)
    from_zero = _read_from_zero(text, labels, row, truncated=truncated)
    if from_zero is not None or (row is not None and row.weight):
        return from_zero or row
    # Letters where numbers were shown, or numbers for letters: two of them at least, since "A" and "I" are words.
    count = len(labels)
    other = Alphabet(letters(count) if alphabet.numeric else [str(number) for number in range(1, count + 1)])
    swapped = _row(text, other, truncated=truncated)
    if swapped is not None and swapped.weight > 1:
        return Row(swapped.positions, prose=swapped.prose, uniform=False)
    return row


def _row(text: str, alphabet: Alphabet, *, truncated: bool) -> Row | None:
    found = json_row(text, alphabet) or table_row(text, alphabet)
    if isinstance(found, Scored) or (found is None and scored_lines(text, alphabet)):
        return None
    return found or find_row(text, alphabet, truncated=truncated)


def _read_from_zero(text: str, labels: Sequence[str], row: Row | None, *, truncated: bool) -> Row | None:
    """The answer of a model that counts from 0 where the prompt counted from 1: all of 0 to n - 1, each once."""
    count = len(labels)
    if row is None or None not in row.positions or count < 2:
        return None
    if tuple(labels) != tuple(str(number) for number in range(1, count + 1)):
        return None
    zero = _row(text, Alphabet([str(number) for number in range(count)]), truncated=truncated)
    if zero is None or len(zero.positions) != count or zero.weight != count:
        return None
    return Row(zero.positions, prose=zero.prose, uniform=zero.uniform, from_zero=True)
