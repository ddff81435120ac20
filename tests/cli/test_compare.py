"""``rankkit compare``: what it prints and writes, and with which exit code it ends."""

from __future__ import annotations

import io
import json
import socket
import sys
from pathlib import Path

import pytest

pytest.importorskip("ir_measures", reason="the extra `eval` is not installed")

from rankkit.cli import compare as command
from rankkit.comparison.running import ComparisonProgress
from tests.cli.command import rankkit
from tests.comparison.data import TEXTS, write_data, write_experiment, write_run
from tests.tiny import tiny_cross_encoder

#: A name that would colour a terminal, move its cursor, and close a tag of rich's markup that was never opened.
HOSTILE = "[/bold]\x1b[31mred\x1b]0;title\x07[link=http://127.0.0.1]"


@pytest.fixture
def systems(tmp_path) -> list[dict[str, object]]:
    return [
        {"name": "tiny", "model": str(tiny_cross_encoder(tmp_path / "model"))},
        {"name": "other", "run": str(write_run(tmp_path / "other.trec"))},
    ]


def refusing() -> str:
    """An address at which nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def test_the_table_has_each_system_its_figures_and_its_difference(systems, tmp_path):
    ended = rankkit("compare", str(write_experiment(tmp_path, title="Small ones", systems=systems)))
    assert ended.returncode == 0, ended.stderr
    title, header, *rows = ended.stdout.splitlines()
    assert title.strip() == "Small ones" and "nDCG@10" in header and "judged@10" in header
    figures = {row.split("  ")[0].strip(): row for row in rows[:3]}
    assert figures.keys() == {"first stage", "tiny", "other"}
    assert "1.0000" in figures["tiny"] and "1.0000" in figures["other"] and "1.0000" not in figures["first stage"]
    assert sum(row.startswith("tiny ") and "first stage" in row for row in rows) == 2  # a row for each measure


def test_json_is_the_report_that_is_written(systems, tmp_path):
    out = tmp_path / "out"
    ended = rankkit("compare", str(write_experiment(tmp_path, systems=systems)), "--out", str(out), "--json")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["systems"].keys() == {"first stage", "tiny", "other"} and report["systems"]["other"]["cost"] is None
    assert str(out / "report.html") in ended.stderr
    assert {path.name for path in out.iterdir()} == {"runs", *(f"report.{end}" for end in REPORTS)}
    assert {path.name for path in (out / "runs").iterdir()} == {
        "first-stage.data.trec",
        "other.data.trec",
        "tiny.data.trec",
    }


REPORTS = ("json", "md", "tex", "csv", "html")


def test_limit_and_jobs(systems, tmp_path):
    file = str(write_experiment(tmp_path, systems=systems))
    ended = rankkit("compare", file, "--limit", "2", "--jobs", "3", "--json")
    assert ended.returncode == 0 and json.loads(ended.stdout)["queries"] == 2


def test_a_store_that_is_named_goes_before_the_experiments(systems, tmp_path):
    file = str(write_experiment(tmp_path, systems=systems))
    assert rankkit("compare", file, "--store", str(tmp_path / "mine.sqlite3")).returncode == 0
    assert (tmp_path / "mine.sqlite3").exists() and not (tmp_path / "store.sqlite3").exists()


def test_a_plan_counts_what_is_left_and_ranks_nothing(systems, tmp_path):
    file = str(write_experiment(tmp_path, systems=systems))
    ended = rankkit("compare", file, "--plan", "--no-calibrate", "--json")
    assert ended.returncode == 0, ended.stderr
    _, tiny, other = json.loads(ended.stdout)["systems"]
    assert (tiny["rankings"], tiny["stored"], tiny["calls"]) == (6, 0, 6) and "calls" not in other
    assert not (tmp_path / "store.sqlite3").exists()

    rankkit("compare", file, "--limit", "4")
    _, tiny, _ = json.loads(rankkit("compare", file, "--plan", "--no-calibrate", "--json").stdout)["systems"]
    assert (tiny["rankings"], tiny["stored"], tiny["calls"]) == (6, 4, 2)
    table = rankkit("compare", file, "--plan", "--no-calibrate").stdout
    row = next(line for line in table.splitlines() if line.startswith("tiny"))
    assert row.split()[1:4] == ["6", "4", "2"]
    assert table.splitlines()[-1].startswith("together")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"baseline": "tinny"}, "the baseline 'tinny' is none of the systems"),
        ({"measures": ["nDCC@10"]}, "nDCG"),
        ({"depht": 10}, "depth"),
        ({"systems": []}, "[[systems]]"),
        ({"systems": [{"name": "x", "run": "nothing.trec"}]}, "there is no file"),
        ({"systems": [{"name": "x", "first_stage": True}] * 2}, "2 systems are called 'x'"),
        ({"systems": [{"name": "x", "config": "experiment.json"}]}, "the experiment names itself"),
    ],
)
def test_a_wrong_experiment_ends_with_2_and_says_what_is_wrong(systems, tmp_path, keys, words):
    ended = rankkit("compare", str(write_experiment(tmp_path, **{"systems": systems, **keys})), "--out", "out")
    assert ended.returncode == 2 and words in ended.stderr and ended.stdout == ""
    assert not Path("out").exists() and not (tmp_path / "store.sqlite3").exists()


@pytest.mark.parametrize(
    "options",
    [("--limit", "0"), ("--jobs", "0"), ("--plan", "--out", "reports"), ("--nothing",)],
    ids=" ".join,
)
def test_wrong_options_end_with_2(systems, tmp_path, options):
    ended = rankkit("compare", str(write_experiment(tmp_path, systems=systems)), *options)
    assert ended.returncode == 2 and ended.stderr and ended.stdout == ""


def test_a_file_that_is_not_there_ends_with_2(tmp_path):
    ended = rankkit("compare", str(tmp_path / "none.toml"))
    assert ended.returncode == 2 and "none.toml" in ended.stderr


def test_where_calls_fail_the_table_is_printed_and_it_ends_with_7(systems, tmp_path):
    pytest.importorskip("openai", reason="the openai extra is not installed")
    endpoint = {"paradigm": "listwise", "model": "little", "endpoint": refusing(), "retries": 0}
    file = str(write_experiment(tmp_path, systems=[*systems, {"name": "dead", **endpoint}]))
    ended = rankkit("compare", file, "--json")
    assert ended.returncode == 7 and "failed" in ended.stderr
    dead = json.loads(ended.stdout)["systems"]["dead"]
    assert dead["failures"] and dead["measures"]["nDCG@10"]["mean"] < 1
    [_, _, left] = [*json.loads(rankkit("compare", file, "--plan", "--no-calibrate", "--json").stdout)["systems"]][1:]
    assert left["stored"] == 0  # asked again next time


def test_names_and_texts_from_elsewhere_are_printed_inert(systems, tmp_path):
    plain = HOSTILE.replace("\x1b", "").replace("\x07", "")
    systems[1]["name"] = plain
    file = write_experiment(tmp_path, title=plain, systems=systems)
    candidates = tmp_path / "data" / "candidates.jsonl"
    candidates.write_text(
        candidates.read_text(encoding="utf-8").replace(json.dumps(TEXTS["c"]), json.dumps(f"the best {HOSTILE}")),
        encoding="utf-8",
    )
    ended = rankkit("compare", str(file))
    assert ended.returncode == 0, ended.stderr
    assert plain[:30] in ended.stdout  # the brackets are no markup
    plan = rankkit("compare", str(file), "--plan", "--no-calibrate")
    assert plain[:30] in plan.stdout
    assert not {"\x1b", "\x07"} & {*ended.stdout, *ended.stderr, *plan.stdout, *plan.stderr}


def test_a_name_that_would_control_a_terminal_is_no_name(systems, tmp_path):
    systems[1]["name"] = HOSTILE
    ended = rankkit("compare", str(write_experiment(tmp_path, systems=systems)))
    assert ended.returncode == 2 and "a system needs a name" in ended.stderr and "\x1b" not in ended.stderr


def test_a_bar_shows_a_name_as_it_is(monkeypatch):
    written = io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(written, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setenv("COLUMNS", "200")
    with command._bars() as progress:
        progress(ComparisonProgress("[red]tiny[/bold]", "data", 1, 6, 7, 12))
    assert "[red]tiny[/bold] on data" in written.getvalue()


def test_where_no_query_is_judged_nothing_is_written(systems, tmp_path):
    file = write_experiment(tmp_path, systems=systems)
    (write_data(tmp_path / "data") / "qrels.txt").write_text("other 0 z 1\n", encoding="utf-8")
    ended = rankkit("compare", str(file), "--out", str(tmp_path / "out"))
    assert ended.returncode not in (0, 7) and "judges none of the queries" in ended.stderr
    assert not (tmp_path / "out" / "report.json").exists()
