"""``rankkit runs``: what comparisons have left in the store, and what two of them differ in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("ir_measures", reason="the extra `eval` is not installed")

from rankkit.comparison import RunStore, SystemIdentity, identity_of
from rankkit.config import load
from rankkit.core.ranking import Request
from tests.backends.loopback import BoundQuestion, Loopback, Says, chat
from tests.cli.command import Ended, rankkit
from tests.comparison.data import write_experiment
from tests.conftest import ROOT
from tests.tiny import tiny_cross_encoder


@pytest.fixture
def file(tmp_path) -> Path:
    """An experiment with two systems that differ in one parameter."""
    model = str(tiny_cross_encoder(tmp_path / "model"))
    compared = {"paradigm": "pairwise", "model": model}
    systems = [{"name": "tiny", **compared, "top_k": 1}, {"name": "wider", **compared, "top_k": 2}]
    return write_experiment(tmp_path, systems=systems)


@pytest.fixture
def compared(file) -> Path:
    ended = rankkit("compare", str(file))
    assert ended.returncode == 0, ended.stderr
    return file


def runs(folder: Path, *arguments: str) -> Ended:
    return rankkit("runs", *arguments, "--store", str(folder / "store.sqlite3"))


def listed(folder: Path) -> list[dict[str, object]]:
    ended = runs(folder, "list", "--json")
    assert ended.returncode == 0, ended.stderr
    rows: list[dict[str, object]] = json.loads(ended.stdout)
    return rows


def test_list_has_the_newest_first(compared, tmp_path):
    assert [(row["name"], row["queries"], row["finished"]) for row in listed(tmp_path)] == [
        ("wider", 6, True),
        ("tiny", 6, True),
    ]
    header, *rows = runs(tmp_path, "list").stdout.splitlines()
    assert header.split()[:4] == ["id", "system", "data", "experiment"]
    assert [row.split()[1:4] for row in rows] == [["wider", "data", "experiment"], ["tiny", "data", "experiment"]]


def test_show_says_what_the_system_is_and_what_it_ranked(compared, tmp_path):
    shown = runs(tmp_path, "show", "tiny")
    assert shown.returncode == 0 and "  strategy.top_k = 1" in shown.stdout.splitlines()
    assert any(line.split() == ["q0", "c,", "b,", "d,", "a"] for line in shown.stdout.splitlines())
    found = json.loads(runs(tmp_path, "show", "tiny", "--json").stdout)
    assert found["name"] == "tiny" and found["system"]
    assert found["rankings"][0] == {"query_id": "q0", "trouble": None, "ids": ["c", "b", "d", "a"]}
    assert json.loads(runs(tmp_path, "show", str(found["id"])[:6], "--json").stdout)["id"] == found["id"]


def test_diff_of_two_systems_names_the_parameter_and_the_queries_that_moved(compared, tmp_path):
    found = json.loads(runs(tmp_path, "diff", "tiny", "wider", "--json").stdout)
    [change] = found["changed"]
    assert (change["path"], change["before"], change["after"]) == ("strategy.top_k", 1, 2)
    assert [moved["query_id"] for moved in found["moved"]] == [f"q{number}" for number in range(6)]
    parameter, moved, query, *_ = runs(tmp_path, "diff", "tiny", "wider").stdout.splitlines()
    assert (parameter, moved) == ("strategy.top_k  1 -> 2", "6 queries moved, 0 did not.")
    assert "which is number 0" in query and "a 4→2" in query


def test_diff_of_a_run_with_itself(compared, tmp_path):
    assert runs(tmp_path, "diff", "tiny", "tiny").stdout.splitlines() == [
        "The two runs are of one system.",
        "0 queries moved, 6 did not.",
    ]


def answers(asked: BoundQuestion) -> Says:
    """Another order for another word."""
    return chat("[4] > [3] > [2] > [1]" if "Arrange all" in str(asked.body) else "[4] > [3] > [1] > [2]")


def test_one_word_of_a_prompt_computes_that_system_alone_and_diff_names_the_prompt(tmp_path):
    pytest.importorskip("openai", reason="the openai extra is not installed")
    prompt = Path(shutil.copy(ROOT / "prompts" / "listwise" / "rankgpt.toml", tmp_path / "mine.toml"))
    with Loopback() as server:
        server.behaviour = answers
        served = {"paradigm": "listwise", "model": "little", "endpoint": server.url, "retries": 0}
        systems = [
            {"name": "tiny", "model": str(tiny_cross_encoder(tmp_path / "model"))},
            {"name": "mine", **served, "prompt": "mine.toml"},
            {"name": "built in", **served},
        ]
        file = str(write_experiment(tmp_path, systems=systems))
        assert rankkit("compare", file).returncode == 0
        asked = len(server.asked)
        assert rankkit("compare", file).returncode == 0 and len(server.asked) == asked

        words = prompt.read_text(encoding="utf-8")
        prompt.write_text(words.replace("Now rank all", "Now Arrange all"), encoding="utf-8")
        plan = json.loads(rankkit("compare", file, "--plan", "--no-calibrate", "--json").stdout)["systems"]
        assert {row["system"]: row["stored"] for row in plan} == {
            "first stage": 0,  # computes nothing
            "tiny": 6,
            "mine": 0,
            "built in": 6,
        }
        assert rankkit("compare", file).returncode == 0
        assert len(server.asked) == asked + 6
        assert all("Now Arrange all" in str(one.body) for one in server.asked[asked:])

    after, _, before = (str(row["id"]) for row in listed(tmp_path) if row["name"] == "mine")
    ended = runs(tmp_path, "diff", before, after)
    assert ended.returncode == 0 and "6 queries moved, 0 did not." in ended.stdout
    changed = json.loads(runs(tmp_path, "diff", before, after, "--json").stdout)["changed"]
    assert changed and all("prompt" in change["path"] and "mine" in change["about"] for change in changed)
    assert any("Arrange" in str(change["after"]) for change in changed)


@pytest.mark.parametrize(
    ("before", "after"), [("fair", "strict"), ("", "strict"), ("one", "one\x1b[31m")], ids=["other", "more", "hostile"]
)
def test_a_word_that_changed_far_inside_a_prompt_is_shown(before, after, tmp_path):
    with RunStore.open(tmp_path / "store.sqlite3") as store:
        for name, word in (("before", before), ("after", after)):
            text = f"{'Many words come first. ' * 20}Be {word}{' And more follow.' * 20}"
            store.begin_run(SystemIdentity(name, {"prompt": {"name": "mine", "text": text}}), name=name).finish()
    line = runs(tmp_path, "diff", "before", "after").stdout.splitlines()[0]
    assert line.startswith("prompt.text  (mine)  …") and "\x1b" not in line and len(line) < 220
    shown_before, shown_after = line.split(" -> ")
    assert f"Be {before}" in shown_before and f"Be {after[:3]}" in shown_after


def test_an_unknown_run_is_answered_with_near_names(compared, tmp_path):
    for arguments in (("show", "tinny"), ("diff", "tinny", "wider"), ("diff", "wider", "tinny")):
        ended = runs(tmp_path, *arguments)
        assert ended.returncode == 5 and "there is no run 'tinny'" in ended.stderr
        assert "Did you mean tiny?" in ended.stderr


@pytest.mark.parametrize("arguments", [("list",), ("show", "a"), ("diff", "a", "b"), ("gc", "--keep-last", "1")])
def test_without_a_store_each_command_says_so_and_makes_none(arguments, tmp_path):
    ended = runs(tmp_path, *arguments)
    assert ended.returncode not in (0, 7) and "there is no run store" in ended.stderr
    assert "rankkit compare makes one" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_gc_says_what_would_go_and_removes_it(compared, tmp_path):
    which = runs(tmp_path, "gc")
    assert which.returncode == 2 and "--older-than" in which.stderr
    assert json.loads(runs(tmp_path, "gc", "--keep-last", "1", "--dry-run", "--json").stdout)["results"] == 6
    assert "would be removed" in runs(tmp_path, "gc", "--keep-last", "1", "--dry-run").stderr
    assert len(listed(tmp_path)) == 2
    assert "1 runs and 6 results removed" in runs(tmp_path, "gc", "--keep-last", "1").stderr
    assert [row["name"] for row in listed(tmp_path)] == ["wider"]
    assert runs(tmp_path, "gc", "--keep-last", "-1").returncode == 2


def test_names_from_elsewhere_are_printed_inert(tmp_path):
    hostile = "[/bold]\x1b[31mred\x07"
    request = Request.of(hostile, [{"id": hostile, "text": "the best"}, {"id": "b", "text": "bad"}])
    with load(tiny_cross_encoder(tmp_path / "model")) as reranker, RunStore.open(tmp_path / "store.sqlite3") as store:
        identity = identity_of(reranker)
        assert identity is not None
        with store.begin_run(identity, name=hostile, data=hostile, experiment=hostile) as run:
            run.add(reranker.rank(request))
    [row] = listed(tmp_path)
    name = str(row["id"])
    for arguments in (("list",), ("show", name), ("diff", name, name), ("show", "no" + hostile)):
        ended = runs(tmp_path, *arguments)
        assert "\x1b" not in ended.stdout + ended.stderr and "\x07" not in ended.stdout + ended.stderr
        assert arguments[0] == "diff" or "[/bold]" in ended.stdout + ended.stderr
