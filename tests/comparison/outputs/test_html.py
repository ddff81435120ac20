"""The HTML report as text: what is in it, and that nothing of it can do harm."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rankkit.comparison.outputs import html_lists
from rankkit.comparison.outputs.html import to_html, write_html
from rankkit.comparison.outputs.html_json import safe_json
from rankkit.comparison.result import Document, QueryLists
from rankkit.errors import DataError, MissingExtra
from tests.comparison.outputs.samples import HOSTILE, MEASURES, comparison, robust


class Page(HTMLParser):
    """Tags with their attributes, the text of the page, and what stands in each script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: dict[str, str] = {}
        self.text = ""
        self._script = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._script = (dict(attrs).get("id") or "code") if tag == "script" else ""

    def handle_endtag(self, tag):
        self._script = ""

    def handle_data(self, data):
        if self._script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.text += data

    @property
    def figures(self):
        return json.loads(self.scripts["figures"])

    @property
    def queries(self):
        return [json.loads(line) for line in self.scripts["query-lines"].split("\n")]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(to_html(comparison()))


def test_the_page_holds_the_figures_of_the_comparison(page):
    value = comparison()
    figures = page.figures
    assert figures["measures"] == list(MEASURES)
    assert [system["name"] for system in figures["systems"]] == [system.name for system in value.systems]
    for place, system in enumerate(value.systems):
        for measure, name in enumerate(MEASURES):
            found = system.figures[0].per_query[name]
            assert figures["values"][measure][place] == pytest.approx(list(found.values()), abs=1e-5)
            interval = system.measures[name]
            assert f"{interval.mean:.4f}" in page.text
    assert [text for _, _, text in figures["queries"]] == [one.text for one in value.queries]


def test_lists_have_rank_score_grade_text_and_place_in_the_first_stage(page):
    value = comparison().queries[3]
    lists = page.queries[3]
    flat = lists["lists"][1]
    shown = [(lists["documents"][number][0], score) for number, score in zip(flat[::2], flat[1::2], strict=True)]
    assert shown == list(value.lists["minilm"])
    for name, title, text, grade, place in lists["documents"]:
        document = value.documents[name]
        assert (title, text, grade) == (document.title, document.text, document.grade)
        assert place == value.first_stage.index(name) + 1
    assert all(score is None for score in lists["lists"][2][1::2])  # listwise methods give none


def test_the_tables_are_whole_without_a_script(page):
    one = comparison().comparisons[0]
    assert f"{one.figures.wins} / {one.figures.ties} / {one.figures.losses}" in page.text
    assert f"{abs(one.figures.difference):.4f}" in page.text
    assert "no cost: nothing was computed" in page.text  # the first stage
    for words in ("judged@10", "83%", "p (Holm)", "10.0%", "rankkit compare x.toml", "f" * 64, "0" * 64):
        assert words.lower() in page.text.lower()


def test_nothing_from_data_becomes_a_tag_or_a_script():
    plain = Page(to_html(comparison(systems=("bm25", *"abcde"))))
    page = Page(to_html(comparison(systems=("bm25", *HOSTILE), words=HOSTILE, robustness={HOSTILE[0]: robust("a")})))
    assert {"img", "svg"}.isdisjoint(page.tags)
    assert page.tags.count("script") == plain.tags.count("script") == 4
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.figures["systems"][2]["name"] == HOSTILE[1]
    assert page.queries[1]["documents"][0][2].startswith(HOSTILE[1])


@pytest.mark.parametrize("text", HOSTILE)
def test_json_in_a_page_is_one_line_that_ends_no_script(text):
    made = safe_json({"text": text, text: [text]})
    assert not re.search("[<>&\u2028\u2029\n]", made)
    made.encode("utf-8")
    assert json.loads(made)["text"] == text.encode("utf-8", "replace").decode()


def test_figures_that_are_not_finite_become_null():
    assert safe_json([float("nan"), float("inf"), 0.5, (1, {"a": -float("inf")})]) == '[null,null,0.5,[1,{"a":null}]]'


def test_the_policy_names_the_scripts_that_the_page_holds_and_nothing_else():
    text = to_html(comparison())
    page = Page(text)
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    plotly = gzip.decompress(base64.b64decode(page.scripts["plotly-packed"])).decode("utf-8")
    for script in (page.scripts["code"], plotly):
        assert base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode() in policy
    assert policy.startswith("default-src 'none'") and "http:" not in policy and "script-src 'sha256-" in policy
    assert "unsafe-eval" not in policy and policy.count("'unsafe-inline'") == 1  # styles
    outside = [value for name, value in page.attributes if name in ("src", "href", "action") and str(value)[0] != "#"]
    assert outside == []


def test_the_same_comparison_gives_the_same_page_below_three_megabytes():
    page = to_html(comparison())
    assert page == to_html(comparison())
    assert len(page.encode()) < 3_000_000


def test_of_several_data_sets_each_has_a_view_and_all_have_one():
    page = Page(to_html(comparison(data=("dl19", "dl20"))))
    assert [view["name"] for view in page.figures["views"]] == ["All data sets", "dl19", "dl20"]
    assert [view["data"] for view in page.figures["views"]] == [[0, 1], [0], [1]]
    assert len(page.figures["queries"]) == len(page.queries) == 24
    assert page.figures["views"][0]["costs"][1]["calls"] == 7


def test_a_replay_says_nothing_of_the_time_that_its_model_took():
    value = comparison()
    systems = tuple(replace(one, kind="replay") if one.name == "vicuna" else one for one in value.systems)
    page = Page(to_html(replace(value, systems=systems)))
    _, minilm, vicuna = page.figures["views"][0]["costs"]
    assert minilm["seconds"] and vicuna["seconds"] is None and vicuna["calls"]
    assert "7.78" in Page(to_html(value)).text and "7.78" not in page.text


@pytest.mark.slow
def test_robustness_has_a_section_where_it_was_asked_for():
    one = to_html(comparison(robustness={"minilm": {**robust("minilm"), "drawn": 5, "other": {"x": [1]}}}))
    text = Page(one).text
    assert "Tau between outputs" in text and "0.710" in text and "0.4400 – 0.5500" in text and "drawn" in text
    assert 'aria-labelledby="robustness-title" hidden' not in one
    assert 'aria-labelledby="robustness-title" hidden' in to_html(comparison())
    both = Page(to_html(comparison(data=("a", "b"), robustness={"minilm": {"b": robust("minilm")}})))
    assert "0.710" in both.text


@pytest.mark.slow
def test_texts_that_do_not_fit_are_left_out_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(html_lists, "TEXT_BYTES", 4_000)
    page = Page(to_html(comparison(queries=30, text="x" * 800)))
    with_text = [any(document[2] for document in lists["documents"]) for lists in page.queries]
    assert 0 < sum(with_text) < 30
    assert f"in this file for {sum(with_text)} of 30 queries" in " ".join(page.text.split())
    values = page.figures["values"][0]
    spread = [max(found) - min(found) for found in zip(*values, strict=True)]
    assert with_text[spread.index(max(spread))] and not with_text[spread.index(min(spread))]


@pytest.mark.slow
def test_lists_that_do_not_fit_are_cut_and_then_left_out(monkeypatch):
    whole = Page(to_html(comparison(queries=20, depth=12)))
    assert len(whole.queries[0]["lists"][0]) == 24
    monkeypatch.setattr(html_lists, "LIST_BYTES", 12_000)
    cut = Page(to_html(comparison(queries=20, depth=12)))
    assert len(cut.queries[0]["lists"][0]) == 2 * html_lists.LIST_DEPTHS[-1]
    monkeypatch.setattr(html_lists, "LIST_BYTES", 2_000)
    few = Page(to_html(comparison(queries=20, depth=12)))
    kept = sum(lists is not None for lists in few.queries)
    assert 0 < kept < 20
    assert f"lists of {kept} of 20 queries" in " ".join(few.text.split())


def test_a_run_that_found_other_documents_is_shown():
    lists = QueryLists(
        "dl19", "q0", "q", ("a",), {"bm25": (("a", 1.0),), "vicuna": (("z", None),)}, {"a": Document("t")}
    )
    page = Page(to_html(replace(comparison(queries=1), queries=(lists,))))
    [shown] = page.queries
    assert shown["documents"] == [["a", "", "t", None, 1], ["z", "", "", None, None]]
    assert shown["lists"] == [[0, 1.0], None, [1, None]]


def test_a_missing_plotly_is_an_error_that_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(MissingExtra, match="plotly") as caught:
        write_html(comparison(), tmp_path / "report.html")
    assert "[eval]" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_file_is_written_whole_or_not_at_all(tmp_path):
    write_html(comparison(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes().decode("utf-8") == to_html(comparison())
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(DataError, match="cannot be written"):
        write_html(comparison(), tmp_path / "missing" / "report.html")
