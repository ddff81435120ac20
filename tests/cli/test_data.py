"""``rankkit data``: what a person and a program see of a check and a conversion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import rankkit
from tests.data.fixtures import fleas as fleas
from tests.data.fixtures import write as write
from tests.data.samples import candidates_line


def test_a_check_for_a_person(fleas: Path):
    ended = rankkit("data", "check", str(fleas))
    assert ended.returncode == 0
    assert "judged queries  3 of 4" in ended.stdout
    assert "relevant        3 of 4 are candidates (75.0%)" in ended.stdout
    assert "2 warnings, 2 notes" in ended.stdout
    assert "judged queries without candidates, which count as 0" in ended.stdout
    assert ended.stderr == ""


def test_a_check_for_a_program(fleas: Path):
    report = json.loads(rankkit("data", "check", str(fleas), "--depth", "2", "--json").stdout)
    assert report["ok"]
    assert report["candidates"]["judged_share"] == {"10": 0.625, "2": 0.75}
    assert report["files"][0] == {
        "role": "judgements",
        "path": str(fleas / "qrels.txt"),
        "bytes": (fleas / "qrels.txt").stat().st_size,
    }


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_bad_data_is_shown_and_ends_as_an_evaluation_of_it_would(fleas: Path, as_json):
    (fleas / "qrels.txt").write_text("other 0 a 1\n")
    ended = rankkit("data", "check", str(fleas), *as_json)
    assert ended.returncode == 5 == rankkit("eval", "--data", str(fleas), "--run", str(fleas / "qrels.txt")).returncode
    assert "judges none of the queries of" in ended.stdout
    if as_json:
        assert not json.loads(ended.stdout)["ok"]
    else:
        assert "an evaluation will not take this data" in ended.stdout


def test_what_stands_in_files_cannot_control_a_terminal_or_be_markup(fleas: Path, write):
    odd = "\x1b[31mred\x1b[0m [bold]x[/bold] \u202eback"
    (fleas / "queries.tsv").write_text(f"q1\tfleas {odd}\nq2\tcost of floors\n{odd}\n", encoding="utf-8")
    write("candidates.jsonl", candidates_line("q1", odd, "a", f"b{odd}") + candidates_line("q2", "x", "x"))
    for form in ((), ("--json",)):
        ended = rankkit("data", "check", str(fleas), *form)
        assert ended.returncode == 5  # a line of queries without a tab
        assert "\x1b" not in ended.stdout + ended.stderr
        assert "\u202e" not in ended.stdout + ended.stderr
        assert "[bold]x[/bold]" in ended.stdout
    ended = rankkit("data", "convert", str(fleas), str(fleas / "out"), "--to", "trec")
    assert ended.returncode == 5
    assert "\x1b" not in ended.stdout + ended.stderr


def test_a_folder_that_is_none(tmp_path: Path):
    ended = rankkit("data", "check", str(tmp_path / "nowhere"), "--json")
    assert ended.returncode == 5
    assert "there is no such folder" in json.loads(ended.stdout)["error"]["message"]
    assert rankkit("data", "check", str(tmp_path)).returncode == 5


def test_a_conversion(fleas: Path):
    ended = rankkit("data", "convert", str(fleas), str(fleas / "out"), "--to", "msmarco")
    assert ended.returncode == 0
    assert "6 candidates, 4 queries, 6 judgements" in ended.stdout
    assert "  top1000.test.tsv" in ended.stdout
    assert "msmarco cannot hold:\n" in ended.stdout
    assert "  scores of candidates: 6" in ended.stdout
    again = rankkit("data", "convert", str(fleas), str(fleas / "out"), "--to", "beir")
    assert again.returncode == 5
    assert "--overwrite" in again.stderr
    done = rankkit("data", "convert", str(fleas), str(fleas / "out"), "--to", "beir", "--overwrite", "--json")
    assert json.loads(done.stdout)["written"]["documents"] == 6
    back = rankkit(
        "data",
        "convert",
        str(fleas / "out"),
        str(fleas / "back"),
        "--to",
        "rankkit",
        "--run",
        str(fleas / "out/run.trec"),
    )
    assert back.returncode == 0
    assert (fleas / "back" / "candidates.jsonl").exists()


def test_an_unknown_format(fleas: Path):
    ended = rankkit("data", "convert", str(fleas), str(fleas / "out"), "--to", "bier")
    assert ended.returncode == 2
    assert "beir" in ended.stderr


@pytest.mark.data
def test_an_evaluation_has_the_same_figures_before_and_after(data_dir: Path, tmp_path: Path):
    out = tmp_path / "out"
    for to in ("beir", "trec"):
        rankkit("data", "convert", str(data_dir / "trec-dl19"), str(out), "--to", to, "--overwrite")
        ended = rankkit("eval", "--data", str(out), "--run", str(out / "run.trec"), "--json")
        assert json.loads(ended.stdout)["measures"]["nDCG@10"] == pytest.approx(0.5058310024399072)


BAD = {
    "a document twice": ("q1 Q0 b 1 2.0 x\nq1 Q0 b 2 1.0 x\n", "document 'b' is there twice for query 'q1'"),
    "no number": ("q1 Q0 b 1 NaN x\n", "the score 'NaN' is not a finite number"),
    "infinite": ("q1 Q0 b 1 inf x\n", "the score 'inf' is not a finite number"),
    "nothing": ("", "the run is empty"),
    "other queries": ("q9 Q0 b 1 1.0 x\n", "the run has none of the 3 queries"),
    "other documents": ("q1 Q0 zz 1 1.0 x\n", "not one document of the run is judged"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_runs_that_cannot_be_measured(fleas: Path, text: str, message: str):
    (fleas / "bad.run").write_text(text)
    ended = rankkit("eval", "--data", str(fleas), "--run", str(fleas / "bad.run"))
    assert ended.returncode == 5
    assert message in " ".join(ended.stderr.split())


def test_a_measure_that_is_not_known(fleas: Path):
    (fleas / "a.run").write_text("q1 Q0 b 1 2.0 x\n")
    ended = rankkit("eval", "--data", str(fleas), "--run", str(fleas / "a.run"), "--measures", "NDGC@10")
    assert ended.returncode == 2
    assert "there is no measure 'NDGC@10'" in ended.stderr
    assert "Did you mean nDCG@10?" in ended.stderr
