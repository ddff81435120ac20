"""``rankkit eval --record`` and ``--replay``: a run is kept whole, and only the same run is accepted."""

from __future__ import annotations

import json

import pytest

from rankkit.cli.app import run
from rankkit.prompting.loading import load_prompt
from tests.backends.loopback import Loopback, chat, error

DOCUMENTS = 6
LISTWISE = ("--paradigm", "listwise", "--method", "generate", "--window", "4", "--step", "2")


@pytest.fixture
def data(tmp_path):
    """Two queries over the same six documents, of which the last is judged relevant."""
    folder = tmp_path / "data"
    folder.mkdir()
    names = ("q1", "q2")
    candidates = [{"docid": f"d{place}", "text": f"text {place}", "score": -place} for place in range(DOCUMENTS)]
    (folder / "queries.tsv").write_text("".join(f"{name}\twords of {name}\n" for name in names))
    (folder / "qrels.txt").write_text("".join(f"{name} 0 d{DOCUMENTS - 1} 1\n" for name in names))
    lines = [json.dumps({"qid": name, "query": "words", "candidates": candidates}) for name in names]
    (folder / "candidates.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture
def evaluate(data, tmp_path, capsys):
    """Runs ``rankkit eval`` over the data; gives the exit code, the report, and what was said beside it."""

    def _evaluate(*options: str) -> tuple[int, dict[str, object], str]:
        code = run(["eval", "--data", str(data), "--measures", "RR@10", "--json", *LISTWISE, *options])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else {}, said.err

    return _evaluate


@pytest.fixture
def recorded(evaluate, tmp_path):
    """A record of a run in which the server failed once, and the report of that run."""
    path = tmp_path / "run.jsonl"
    with Loopback() as server:
        server.script(chat("[4] > [3] > [2] > [1]"), error(500), chat("[2] > [1]"))
        options = ("--endpoint", server.url, "--model", "little", "--set", "retries=0", "--set", "concurrency=1")
        code, report, _ = evaluate(*options, "--record", str(path))
    assert code == 7 and report["failures"]
    return path, report


def test_a_replay_reports_what_the_run_did_failures_included(evaluate, recorded):
    path, live = recorded
    code, report, _ = evaluate("--replay", str(path))
    told = ("measures", "outcomes", "defects", "questions")
    assert code == 7 and {key: report[key] for key in told} == {key: live[key] for key in told}
    # The name of the stage differs, and what went wrong in it does not.
    assert [words.partition("): ")[2] for words in report["failures"]] == [
        words.partition("): ")[2] for words in live["failures"]
    ]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    prompt = f"listwise/rankgpt@{load_prompt('listwise/rankgpt').fingerprint}"
    assert {line["fingerprints"]["prompt"] for line in lines} == {prompt}
    assert all(line["fingerprints"]["window"] == "4" for line in lines)


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        (("--set", "prompt=small"), "prompt listwise/small@"),
        (("--step", "1"), "asks Order about"),
        (("--depth", "4"), "asks Order about d0, d1, d2, d3"),
    ],
)
def test_another_run_is_refused(evaluate, recorded, tmp_path, options, difference):
    path, _ = recorded
    out = tmp_path / "out.run"
    code, report, said = evaluate("--replay", str(path), "--run-out", str(out), *options)
    assert code == 6 and "first difference" in said + json.dumps(report) and difference in said + json.dumps(report)
    assert not out.exists()


def test_answers_that_are_left_over_are_told_before_a_run_is_written(evaluate, recorded, tmp_path):
    path, _ = recorded
    line = json.loads(path.read_text().splitlines()[-1])
    path.write_text(path.read_text() + json.dumps({**line, "ids": ["d0", "d5"], "value": ["d5", "d0"]}) + "\n")
    out = tmp_path / "out.run"
    code, report, said = evaluate("--replay", str(path), "--run-out", str(out))
    assert code == 6 and "has 3 recorded answers, and this run asked for 2 of them" in said + json.dumps(report)
    assert not out.exists()


def test_recorded_queries_that_are_not_asked_are_told(evaluate, recorded):
    path, _ = recorded
    _, report, said = evaluate("--replay", str(path), "--limit", "1")
    assert report["queries"] == 1 and "1 recorded queries are not in this run" in said


def test_a_budget_of_calls_stops_the_replay_where_it_stopped_the_run(evaluate, tmp_path):
    path = tmp_path / "run.jsonl"
    with Loopback() as server:
        server.script(chat("[4] > [3] > [2] > [1]"))
        options = ("--endpoint", server.url, "--model", "little", "--budget-calls", "1")
        _, live, _ = evaluate(*options, "--record", str(path))
    code, report, _ = evaluate("--replay", str(path), "--budget-calls", "1")
    assert code == 0 and report["stopped"] == live["stopped"] == {"budget of 1 calls": 2}
    assert report["measures"] == live["measures"]


def test_what_ran_out_of_tokens_is_replayed_as_not_asked_and_says_why(evaluate, tmp_path):
    path = tmp_path / "run.jsonl"
    with Loopback() as server:
        server.script(chat("[4] > [3] > [2] > [1]"))
        options = ("--endpoint", server.url, "--model", "little", "--budget-tokens", "1")
        _, live, _ = evaluate(*options, "--record", str(path))
    code, report, _ = evaluate("--replay", str(path))
    assert code == 0 and report["outcomes"] == live["outcomes"] == {"unasked": 4}
    assert report["notes"] == {"budget of 1 tokens": 4}


def test_a_record_of_a_replay_is_refused(evaluate, recorded, tmp_path):
    path, _ = recorded
    code, _, said = evaluate("--replay", str(path), "--record", str(tmp_path / "again.jsonl"))
    assert code == 2 and "--record" in said and not (tmp_path / "again.jsonl").exists()
