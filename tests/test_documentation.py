"""The Python of the documentation runs as it is printed, one page as one program; its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tiny import tiny_cross_encoder

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")])
#: Pages whose Python needs nothing but a small model and a small data set; the others name models of gigabytes.
RUN = ("docs/evaluation.md", "docs/extending.md", "docs/run-store.md")


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


@pytest.fixture
def workplace(tmp_path, monkeypatch) -> Path:
    """A folder with a data set where the pages look for one."""
    data = tmp_path / "data" / "trec-dl19"
    data.mkdir(parents=True)
    (data / "qrels.txt").write_text("1 0 b 3\n2 0 c 1\n", encoding="utf-8")
    (data / "candidates.jsonl").write_text(
        '{"qid": "1", "query": "word", "candidates": [{"docid": "a", "text": "bad"}, {"docid": "b", "text": "best"}]}\n'
        '{"qid": "2", "query": "word", "candidates": [{"docid": "c", "text": "good"}]}\n',
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", RUN)
def test_the_python_of_a_page_runs(name, workplace):
    model = str(tiny_cross_encoder(workplace / "model"))
    known: dict[str, object] = {}
    programs = blocks(ROOT / name)
    assert programs
    for code in programs:
        program = code.replace('"ms-marco-MiniLM-L-12-v2"', repr(model))
        exec(compile(program, name, "exec"), known)
    if name == "docs/evaluation.md":
        assert known["better"] == ["1"] and known["same"].measures == {"nDCG@10": 1.0}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_every_page_is_python(page):
    for code in blocks(page):
        compile(code, str(page), "exec", flags=0x2000)  # with `await` at the top, as in a notebook


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_glossary_stays_a_page():
    assert len((ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()) <= 60
