"""The Python of the documentation runs as it is printed, one page as one program; its links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from rankkit.backends.rerank_api.dialects import DIALECTS
from rankkit.config.gates import GatesSpec
from rankkit.config.registry import methods, register, strategies, strategy_names
from rankkit.config.rows import StrategyRow
from rankkit.core.usage import Budget
from rankkit.pairwise.aggregation.methods import AGGREGATIONS
from scripts.tables import pages
from tests.tiny import tiny_cross_encoder

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")])
#: Pages whose Python needs nothing but a small model and a small data set; the others name models of gigabytes.
RUN = ("docs/comparing.md", "docs/evaluation.md", "docs/extending.md", "docs/first-stages.md", "docs/run-store.md")


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


# -- what the program knows by name is in the documentation, and the other way round


@pytest.fixture
def shipped(monkeypatch) -> None:
    monkeypatch.delenv("RANKKIT_CATALOGUE", raising=False)


@pytest.mark.parametrize("name", pages.PAGES)
def test_tables_that_are_made_from_rows_are_up_to_date(name, shipped):
    text = (ROOT / name).read_text("utf-8")
    assert pages.differences(text) == [], "run: python -m scripts.tables --write"
    assert pages.filled(text) == text
    assert {*re.findall(r"<!-- table: (.*) -->", text)} == {*pages.TABLES}


def test_a_table_names_the_row_that_is_missing(shipped):
    text = (ROOT / "docs/reference.md").read_text("utf-8")
    forget = register(StrategyRow(name="dice", question="order", build=lambda spec: None, keys=("seed",)))
    try:
        assert pages.differences(text) == ["table strategies: `dice`, order is missing"]
        with_dice = pages.filled(text)
        assert "| `dice`, order | listwise | an order | `seed` |" in with_dice
    finally:
        forget()
    assert pages.differences(with_dice) == ["table strategies: `dice`, order is in no row"]
    stale = text.replace("| `swiss`, compare | pairwise | scores", "| `swiss`, compare | pairwise | an order")
    assert pages.differences(stale) == ["table strategies: `swiss`, compare is out of date"]


def first_cells(page: str, heading: str) -> set[str]:
    """The names in the first column of the table under this heading cell."""
    lines = (ROOT / "docs" / page).read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    cells = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells.append(line.split(" | ")[0])
    return {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}


def test_the_table_of_rerank_apis_says_what_the_rows_say():
    lines = (ROOT / "docs" / "rerank-apis.md").read_text("utf-8").splitlines()
    written = {cells[1].strip(" `"): line for line in lines if len(cells := line.split("|")) == 7 and "`/" in line}
    assert set(written) == set(DIALECTS)
    for name, row in DIALECTS.items():
        said = (f"`{row.path}`", *(f"`{variable}`" for variable in row.own_variables), f"{row.most_documents:,}")
        assert all(part in written[name] for part in (*said, *(f"`{form}`" for form in row.scores))), name
        assert not row.hosted or f"`{row.base_url}`" in written[name], name


@pytest.mark.parametrize(
    ("page", "heading", "names"),
    [
        ("pairwise.md", "`method`", lambda: set(methods("pairwise"))),
        ("pairwise.md", "`strategy`", lambda: set(strategies("compare"))),
        ("listwise.md", "`method`", lambda: set(methods("listwise"))),
        ("listwise.md", "`strategy`", lambda: set(strategy_names("listwise"))),
    ],
)
def test_tables_that_are_written_by_hand_name_what_there_is(page, heading, names):
    written = first_cells(page, heading)
    assert (names() - written, written - names()) == (set(), set()), f"missing in {page}, or not there any more"


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("models.md", lambda: {*methods("pairwise"), *methods("listwise")} - {"prompted-text"}),
        ("pairwise.md", lambda: {*AGGREGATIONS}),
        ("cascades.md", lambda: {*GatesSpec.model_fields}),
        ("data-model.md", lambda: {row.name for row in strategies("compare").values() if row.scores}),
        ("data-model.md", lambda: {row.name for row in strategies("order").values() if row.scores}),
        ("glossary.md", lambda: {"keep", "partial", "raise"}),
    ],
)
def test_a_page_that_lists_names_lists_all(page, names):
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert {name for name in names() if f"`{name}`" not in text} == set()


def test_every_limit_of_a_budget_is_named():
    row = next(line for line in (ROOT / "docs/data-model.md").read_text("utf-8").splitlines() if "| `Budget` |" in line)
    assert {limit for limit in Budget.__dataclass_fields__ if limit not in row} == set()


def test_the_experiment_that_is_shown_has_every_key():
    pytest.importorskip("ir_measures", reason="the extra `eval` is not installed")
    from rankkit.comparison.experiment import DataSpec, ExperimentSpec

    page = (ROOT / "docs" / "comparing.md").read_text("utf-8")
    table = tomllib.loads(re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)[0])
    assert table.keys() == ExperimentSpec.model_fields.keys()
    assert {key for data in table["data"] for key in data} == DataSpec.model_fields.keys()
    ExperimentSpec.model_validate(table)
    sources = {key for system in table["systems"] for key in system} - {"name"}
    assert sources == {"first_stage", "model", "config", "replay", "run"}
