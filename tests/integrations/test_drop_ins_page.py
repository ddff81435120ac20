"""The programs of docs/drop-ins.md run as they are printed, each where its framework is installed."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT
from tests.tiny import tiny_cross_encoder

SECTIONS = re.split(r"^## ", (ROOT / "docs" / "drop-ins.md").read_text("utf-8"), flags=re.M)[1:]
PROGRAMS = {part.partition("\n")[0]: re.findall(r"^```python\n(.*?)^```", part, re.M | re.S) for part in SECTIONS}
#: Those that import what not every environment has.
FRAMEWORKS = {"PyTerrier": "pyterrier", "DSPy": "dspy"}


def test_each_section_has_one_program():
    assert list(PROGRAMS) == ["FlashRank", "sentence-transformers", "rerankers", "PyTerrier", "MTEB", "DSPy", "txtai"]
    assert all(len(programs) == 1 for programs in PROGRAMS.values())


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_runs(name, tmp_path):
    if name in FRAMEWORKS and find_spec(FRAMEWORKS[name]) is None:
        pytest.skip(f"needs {FRAMEWORKS[name]}")
    [code] = PROGRAMS[name]
    known: dict[str, object] = {}
    model = repr(str(tiny_cross_encoder(tmp_path)))
    exec(compile(code.replace('"ms-marco-MiniLM-L-12-v2"', model), name, "exec"), known)
    for result in ("results", "scores", "rows", "best", "order"):
        if result in known:
            assert len(known[result]) > 0
