"""Pages hold tables between marks, ``<!-- table: strategies -->`` and ``<!-- end -->``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from scripts.tables import rows

PAGES = ("docs/reference.md",)

#: What can stand between marks: a heading, and a row of cells each; the first cell names the row.
TABLES: Mapping[str, Callable[[], Sequence[Sequence[str]]]] = {
    "paradigms": rows.paradigms,
    "kinds": rows.kinds_of_models,
    "methods": rows.methods,
    "strategies": rows.strategies,
    "aggregations": rows.aggregations,
    "engines": rows.engines,
    "prompts": rows.prompts,
    "models": rows.models,
}
_MARKED = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n)(?P<table>.*?)(<!-- end -->)", re.DOTALL)


def drawn(name: str) -> str:
    """A table in Markdown."""
    heading, *lines = ([cell.replace("|", r"\|") for cell in cells] for cells in TABLES[name]())
    every = [heading, ["---"] * len(heading), *lines]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in every)


def filled(text: str) -> str:
    """The page with its tables as the rows have them."""
    return _MARKED.sub(lambda found: found[1] + drawn(found["name"]) + found[4], text)


def differences(text: str) -> list[str]:
    """What is wrong with the tables of a page, a line each: rows that are missing, too many, or out of date."""
    said = []
    for found in _MARKED.finditer(text):
        name = found["name"]
        wanted, seen = drawn(name).splitlines(), found["table"].splitlines()
        missing = [line for line in wanted if line not in seen]
        kept = {_named(line) for line in seen}
        said += [
            f"table {name}: {_named(line)} is {'out of date' if _named(line) in kept else 'missing'}"
            for line in missing
        ]
        gone = kept - {_named(line) for line in wanted}
        said += [f"table {name}: {line} is in no row" for line in sorted(gone)]
        if not missing and not gone and wanted != seen:
            said.append(f"table {name}: rows in another order, or twice")
    return said


def _named(line: str) -> str:
    return line.strip("| ").partition(" | ")[0]
