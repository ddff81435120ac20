"""Rankings written as Markdown tables with a header: read as entries, by the columns' names."""

from __future__ import annotations

import re

from rankkit.listwise.parsing.entries import entries_row
from rankkit.listwise.parsing.fields import Scored, identified, is_rank, is_score
from rankkit.listwise.parsing.identifiers import Alphabet
from rankkit.listwise.parsing.rows import Row

_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t:\-]*)+")
#: A cell that begins with an identifier and goes on with words: "[3] Fleas live long".
_MARKED = re.compile(r"(\[\w{1,4}\])\s")


def table_row(text: str, alphabet: Alphabet) -> Row | Scored | None:
    """The ranking in a table; ``None`` where there is no table, or no column of it names passages or scores."""
    lines = [line.strip() for line in text.split("\n")]
    rules = [place for place, line in enumerate(lines) if place and "|" in line and _RULE.fullmatch(line)]
    if len(rules) != 1:
        return None
    header = _cells(lines[rules[0] - 1])
    rows: list[list[str]] = []
    for line in lines[rules[0] + 1 :]:
        if "|" not in line:
            break
        rows.append(_cells(line))
    if len(rows) < 2 or any(len(row) != len(header) for row in rows) or len(set(header)) < len(header):
        return None
    entries = [dict(zip(header, row, strict=True)) for row in rows]
    if identified(entries, alphabet) is None:
        return Scored() if any(map(is_score, header)) and not any(map(is_rank, header)) else None
    found = entries_row(entries, alphabet)
    beside = lines[: rules[0] - 1] + lines[rules[0] + 1 + len(rows) :]
    return Row(found.positions, prose=any(beside), uniform=False) if isinstance(found, Row) else found


def _cells(line: str) -> list[str]:
    inner = line.removeprefix("|").removesuffix("|")
    cells = [cell.replace("**", "").replace("`", "").strip() for cell in inner.split("|")]
    return [marked[1] if (marked := _MARKED.match(cell)) else cell for cell in cells]
