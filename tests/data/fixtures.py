"""Small data sets, written out as text where a test needs them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.samples import candidates_line

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a text block into a file of the test's own folder."""

    def into(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    return into


@pytest.fixture
def fleas(write: Write, tmp_path: Path) -> Path:
    """Two judged queries, a third without judgements, and a fourth that the first stage found nothing for."""
    write("queries.tsv", "q1\thow long do fleas live\nq2\tcost of floors\nq3\tunjudged\nq4\tnothing found\n")
    write("qrels.txt", "q1 0 a 0\nq1 0 b 2\nq1 0 c 1\nq2 0 x 1\nq4 0 y 1\nq5 0 z 1\n")
    write(
        "candidates.jsonl",
        candidates_line("q1", "fleas", "a", "b", "c", "d") + candidates_line("q2", "floors", "w", "x"),
    )
    return tmp_path
