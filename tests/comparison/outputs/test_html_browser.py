"""The HTML report as people see it: in Chromium, wide, narrow, dark and on paper, by keyboard, with hostile texts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

pytest.importorskip("selenium", reason="selenium is in the dev group")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from rankkit.comparison.outputs.html import write_html
from rankkit.comparison.result import ALL_DATA
from rankkit.comparison.statistics import Interval
from tests.comparison.outputs.browser import Browser, started
from tests.comparison.outputs.samples import HOSTILE, comparison, robust

#: The rows of the tables that are shown, by what they are of.
ROWS = "return [...document.querySelectorAll('tr[data-measure]')].filter((one) => one.offsetParent)"
TABLES = "return [...document.querySelectorAll('#results [data-view]')].filter((one) => one.offsetParent)"
CONTROLS = "return [...document.querySelectorAll('select, button, input, nav')].filter((one) => one.offsetParent)"

pytestmark = pytest.mark.slow

WIDE, PHONE = 1280, 360
LARGE = {"systems": ("bm25", "a", "b", "c", "d"), "queries": 3_000, "depth": 20, "text": "many different words " * 30}


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Browser:
    with started(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    found = {name: robust(name) for name in ("minilm", "vicuna")}
    write_html(comparison(robustness=found), path)
    return path


@pytest.fixture(autouse=True)
def as_usual(browser):
    browser.media()
    browser.resize(WIDE)


def query_button(place: int = 0) -> str:
    return f"document.querySelectorAll('#query-rows button')[{place}]"


def is_open(browser) -> bool:
    return browser.run("return document.getElementById('query').open")


def press(browser, *keys: str) -> None:
    ActionChains(browser.driver).send_keys(*keys).perform()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_plots_are_drawn_in_their_colours(browser, report, width, scheme):
    browser.media(scheme=scheme)
    browser.resize(width)
    browser.open(report)
    marks = {
        "#cost-plot": ("c1", "c2"),
        "#query-plot": ("gain", "loss"),
        "#outcome-plot": ("c3",),
        "#spread-plot": ("c1", "c2"),
        "#position-plot": ("c1", "c2"),
    }
    for plot, names in marks.items():
        counts = browser.colours(plot, *names, "page")
        assert all(count > 40 for count in counts), (plot, dict(zip(names, counts, strict=False)))
    assert browser.logs() == []
    assert browser.requests() == []


@pytest.mark.parametrize("width", [WIDE, 800, PHONE])
def test_the_page_never_scrolls_sideways(browser, report, width):
    browser.resize(width)
    browser.open(report)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.run(f"{query_button()}.click()")
    assert browser.run("const one = document.getElementById('query'); return one.scrollWidth <= one.clientWidth + 1")


def test_plots_follow_the_width_and_the_colours(browser, report):
    browser.open(report)
    assert browser.run("return document.querySelector('#cost-plot svg').clientWidth") > 900
    browser.resize(PHONE)
    assert browser.run("return document.querySelector('#cost-plot svg').clientWidth") <= PHONE
    light = browser.run("return getComputedStyle(document.querySelector('#query-plot .point path')).fill")
    browser.media(scheme="dark")
    assert browser.run("return getComputedStyle(document.querySelector('#query-plot .point path')).fill") != light


def test_on_paper_it_is_light_and_has_no_controls(browser, report):
    browser.media(scheme="dark")
    browser.open(report)
    assert browser.pdf_pages() > 0
    browser.media(media="print", scheme="dark")
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    # What is left are the queries themselves.
    assert browser.run(f"{CONTROLS}.filter((one) => !one.closest('#query-rows')).map((one) => one.id)") == []
    assert set(browser.run(f"{ROWS}.map((one) => one.dataset.measure)")) == {"nDCG@10", "RR@10"}  # not the chosen alone
    widths = browser.run("return [...document.querySelectorAll('.plot svg')].map((one) => one.clientWidth)")
    assert widths and max(widths) <= 640
    assert browser.colours("#query-plot", "gain")[0] > 40
    browser.media()
    assert browser.run("return document.querySelector('#cost-plot svg').clientWidth") > 900


def test_a_query_is_opened_closed_and_left_by_keyboard(browser, report):
    browser.open(report)
    browser.run("document.getElementById('order').focus()")
    press(browser, Keys.TAB)  # the table, which scrolls by keyboard
    press(browser, Keys.TAB)
    assert browser.run(f"return document.activeElement === {query_button()}")
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key in (Keys.ENTER, Keys.SPACE):
        press(browser, key)
        assert is_open(browser)
        lists = browser.run("return [...document.querySelectorAll('#query-lists section')].map((one) => one.innerText)")
        assert len(lists) == 3 and "A passage about the query" in lists[0]
        press(browser, Keys.ESCAPE)
        assert not is_open(browser)
        assert browser.run(f"return document.activeElement === {query_button()}")
    reached = set()
    for _ in range(12):
        reached.add(browser.run("return document.activeElement.closest('tr').dataset.query"))
        press(browser, Keys.TAB)
    assert len(reached) == 12
    assert browser.logs() == []


def test_a_document_is_followed_through_the_lists(browser, report):
    browser.open(report)
    browser.run(f"{query_button()}.click()")
    first = browser.run("return document.querySelector('#query-title').textContent")
    press(browser, Keys.ARROW_RIGHT)
    assert browser.run("return document.querySelector('#query-title').textContent") != first
    browser.run("document.querySelector('#query-lists .document').focus()")
    hint = browser.run("return document.getElementById('query-hint').textContent")
    assert re.search(r"first stage: 1; bm25: 1; minilm: (\d|below 5); vicuna: (\d|below 5)", hint)
    same = browser.run("return [...document.querySelectorAll('.same-document')].map((one) => one.dataset.document)")
    assert same and len(set(same)) == 1
    press(browser, Keys.ENTER)
    assert browser.run("return document.activeElement.getAttribute('aria-expanded')") == "true"
    words = browser.run("return document.getElementById('query-lists').innerText")
    assert re.search(r"(up|down) \d", words) and "score 9" in words


def test_a_click_on_a_bar_opens_its_query(browser, report):
    browser.open(report)
    bars = browser.driver.find_elements("css selector", "#query-plot .point path")
    ActionChains(browser.driver).move_to_element(bars[0]).click().perform()
    browser.settle()
    assert is_open(browser)
    worst = browser.run("return document.querySelector('#query-rows tr').dataset.query")
    assert browser.run("return document.getElementById('query-place').textContent").startswith(f"dl19, query q{worst} ")


def choose(browser, select: str, text: str) -> None:
    browser.run(
        "const [id, text] = arguments; const one = document.getElementById(id);"
        "one.value = [...one.options].find((option) => option.text === text).value;"
        "one.dispatchEvent(new Event('change', {bubbles: true}))",
        select,
        text,
    )


def test_measure_system_and_order_can_be_chosen(browser, report):
    browser.open(report)

    def rows():
        return browser.run("return [...document.querySelectorAll('#query-rows tr')].map((one) => one.innerText)")

    before = rows()
    choose(browser, "measure", "RR@10")
    assert rows() != before
    assert set(browser.run(f"{ROWS}.map((one) => one.dataset.measure)")) == {"RR@10"}
    choose(browser, "system", "vicuna")
    choose(browser, "against", "minilm")
    assert "vicuna is better on" in browser.run("return document.getElementById('query-note').textContent")
    ascending = rows()
    choose(browser, "order", "gains first")
    assert rows() == ascending[::-1]
    browser.run(
        "const one = document.getElementById('find'); one.value = 'query 11'; one.dispatchEvent(new Event('input'))"
    )
    assert len(rows()) == 1
    choose(browser, "cost-axis", "tokens")
    assert "tokens a query" in browser.run("return document.getElementById('cost-plot').textContent")
    assert browser.logs() == []


def test_the_pareto_front_leaves_out_what_is_dearer_and_no_better(browser, tmp_path):
    path = tmp_path / "report.html"
    value = comparison(systems=("bm25", "cheap", "dear", "best"))
    means = {"bm25": 0.5, "cheap": 0.6, "dear": 0.55, "best": 0.7}
    systems = []
    for one in value.systems:
        measures = {"nDCG@10": Interval(means[one.name], 0.4, 0.8)}
        systems.append(replace(one, measures=measures, figures=(replace(one.figures[0], measures=measures),)))
    write_html(replace(value, systems=tuple(systems), measures=("nDCG@10",)), path)
    browser.open(path)
    note = browser.run("return document.getElementById('cost-note').textContent")
    assert "Pareto front, cheapest first: cheap (0.6000), best (0.7000)." in note
    assert "Without seconds (dotted lines): bm25 (0.5000)." in note
    assert browser.run("return document.querySelector('#cost-plot').layout.xaxis.type") == "log"
    assert note in browser.run("return document.getElementById('cost-plot').getAttribute('aria-label')")


def test_more_systems_than_colours_differ_by_shape_and_line(browser, tmp_path):
    path = tmp_path / "report.html"
    names = tuple(f"system {number}" for number in range(20))
    write_html(comparison(systems=names, robustness={name: robust(name) for name in names}), path)
    browser.open(path)
    marks = browser.run("return [...document.querySelectorAll('#results tbody .mark')].map((one) => one.textContent)")
    assert len(set(marks)) == 20
    looks = (
        "return document.querySelector('#position-plot').data.map((one) => [one.marker?.symbol, one.line.dash].join())"
    )
    assert len(set(browser.run(looks)[1:])) == 20
    assert browser.logs() == []


def test_labels_of_near_points_do_not_cover_each_other(browser, tmp_path):
    path = tmp_path / "report.html"
    value = comparison(systems=("bm25", "the one", "the other one", "a third", "far away"))
    near = {"bm25": 0.5, "the one": 0.7, "the other one": 0.7, "a third": 0.701, "far away": 0.4}
    systems = []
    for one in value.systems:
        measures = {"nDCG@10": Interval(near[one.name], 0.3, 0.8)}
        systems.append(replace(one, measures=measures, figures=(replace(one.figures[0], measures=measures),)))
    write_html(replace(value, systems=tuple(systems), measures=("nDCG@10",)), path)
    browser.open(path)
    boxes = browser.run(
        "return [...document.querySelectorAll('#cost-plot .textpoint text')]"
        ".filter((one) => one.textContent.trim()).map((one) => {"
        "const box = one.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom]; })"
    )
    assert len(boxes) >= 3
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_hostile_names_and_texts_are_shown_and_do_nothing(browser, tmp_path):
    path = tmp_path / "report.html"
    found = {HOSTILE[0]: robust("a"), HOSTILE[1]: robust("b")}
    write_html(comparison(systems=("bm25", *HOSTILE), words=HOSTILE, robustness=found), path)
    browser.open(path)
    for place in range(5):
        browser.run(f"{query_button(place)}.click()")
        browser.run("for (const one of document.querySelectorAll('.document')) one.click()")
        browser.settle()
        browser.run("document.getElementById('query').close()")
    plot = browser.driver.find_elements("css selector", "#query-plot .point path")[0]
    ActionChains(browser.driver).move_to_element(plot).perform()
    browser.settle()
    assert browser.run("return window.harmed") is None
    assert browser.run("return document.querySelectorAll('img, svg [onload], [onerror]').length") == 0
    assert HOSTILE[0] in browser.run("return document.getElementById('query-rows').innerText")
    assert browser.logs() == []
    assert browser.requests() == []


def test_the_policy_stops_a_script_that_got_in(browser, report):
    """If escaping ever failed, nothing would run."""
    browser.open(report)
    image = '<img src="https://example.org/x.png" onerror="window.harmed=1">'
    browser.run("document.body.insertAdjacentHTML('beforeend', arguments[0])", image)
    browser.settle()
    assert browser.run("return window.harmed") is None
    assert "Content Security Policy" in " ".join(browser.logs())


def test_several_data_sets_are_shown_together_and_each(browser, tmp_path):
    path = tmp_path / "report.html"
    found = {"minilm": {"dl19": robust("a"), "dl20": robust("b")}}
    write_html(comparison(data=("dl19", "dl20"), robustness=found), path)
    browser.open(path)
    tables = f"{TABLES}.map((one) => one.innerText)"
    note = "return document.getElementById('query-note').textContent"
    assert browser.run(tables)[0].startswith("All data sets") and browser.run(note).startswith("24 queries")
    assert set(browser.run(f"{ROWS}.map((one) => one.dataset.set)")) == {"dl19", "dl20", ALL_DATA}
    choose(browser, "view", "dl20")
    assert len(browser.run(tables)) == 1 and browser.run(tables)[0].startswith("dl20")
    assert browser.run(note).startswith("12 queries")
    assert set(browser.run(f"{ROWS}.map((one) => one.dataset.set)")) == {"dl20"}
    assert browser.colours("#position-plot", "c1")[0] > 40
    assert browser.logs() == []


def test_what_is_needed_to_repeat_it_is_copied(browser, report):
    browser.open(report)
    browser.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.run("document.getElementById('copy').scrollIntoView({behavior: 'instant'})")
    browser.driver.find_element("id", "copy").click()
    browser.settle()
    assert browser.run("return document.getElementById('copied').textContent") == "copied"
    copied = browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied.startswith("rankkit: 0.9\nseed: 7\n") and "f" * 64 in copied


def test_without_a_script_the_tables_are_there(browser, report):
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.driver.get(report.as_uri())
        text = browser.driver.find_element("tag name", "main").text
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)
    assert "nDCG@10" in text and "6 / 0 / 6" in text and "Find" not in text


def test_five_systems_and_three_thousand_queries_open_at_once(browser, tmp_path):
    """Fast is below three seconds here; the bound leaves room for a busy machine."""
    path = tmp_path / "report.html"
    write_html(comparison(**LARGE), path)
    assert path.stat().st_size < 20_000_000
    browser.open(path)
    loaded = browser.run("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert 0 < loaded < 10_000
    assert browser.run("return performance.getEntriesByName('report-ready')[0].startTime") < 15_000
    assert browser.run("return document.querySelectorAll('#query-rows tr').length") == 25
    assert browser.colours("#query-plot", "gain", "loss") > [40, 40]
    press(browser, Keys.TAB)
    browser.run(f"{query_button()}.click()")
    assert browser.run("return document.querySelectorAll('#query-lists .document').length") >= 25
    assert browser.logs() == []


def _one_query():
    value = comparison(queries=1)
    figures = [replace(one.figures[0], measures={"nDCG@10": Interval(0.5, None, None)}) for one in value.systems]
    systems = (replace(one, figures=(own,)) for one, own in zip(value.systems, figures, strict=True))
    pairs = tuple(replace(one, figures=replace(one.figures, low=None, high=None)) for one in value.comparisons)
    return replace(value, systems=tuple(systems), comparisons=pairs)


@pytest.mark.parametrize(
    "value",
    [
        comparison(systems=("bm25",)),
        replace(comparison(), queries=()),
        comparison(systems=tuple(f"system {number}" for number in range(11))),
        comparison(systems=("minilm", "bm25"), baseline="bm25"),
        _one_query(),
    ],
    ids=["the baseline alone", "no lists", "more systems than colours", "baseline not first", "one query"],
)
def test_little_and_odd_comparisons_are_shown_without_an_error(browser, tmp_path, value):
    write_html(value, tmp_path / "report.html")
    browser.open(tmp_path / "report.html")
    browser.run(f"{query_button()}.click()")
    assert is_open(browser)
    assert browser.run("return document.getElementById('query-values').innerText").startswith("System")
    assert browser.logs() == []
