"""``rankkit calibrate`` and ``rerank --keep-if`` as a program sees them."""

from __future__ import annotations

import json

import pytest

from tests.cli.command import rankkit
from tests.tiny import tiny_cross_encoder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("data") / "small"
    folder.mkdir()
    texts = {"a": "bad", "b": "best", "c": "good", "d": "word"}
    rows = [{"docid": name, "text": text} for name, text in texts.items()]
    lines = [json.dumps({"qid": str(one), "query": "word", "candidates": rows}) for one in range(6)]
    (folder / "candidates.jsonl").write_text("\n".join(lines))
    judged = [f"{one} 0 {name} {int(name == 'b' or (name == 'c' and one % 2))}" for one in range(6) for name in "abc"]
    (folder / "qrels.txt").write_text("\n".join(judged) + "\n")
    return str(folder)


def test_a_calibration_is_fitted_kept_used_and_measured(model, data, tmp_path):
    out, page = tmp_path / "c.json", tmp_path / "c.html"
    told = rankkit("calibrate", "-m", model, "-d", data, "--out", str(out), "--report", str(page))
    assert told.returncode == 0, told.stderr
    assert "18 judged documents of 6 queries, 9 of grade 1 or more; 6 without a judgement left out" in told.stdout
    assert "log loss" in told.stdout and "precision 0.8: from a probability of" in told.stdout
    assert "reliability" in page.read_text().lower() and "Content-Security-Policy" in page.read_text()
    using = ["--set", "scores=calibrated", "--set", f"calibration={out}", "--keep-if", "0.6", "--json"]
    kept = json.loads(rankkit("rerank", "word", "-m", model, *using, stdin="bad\nbest\n").stdout)
    assert kept["score_kind"] == "calibrated probability" and kept["raw_score_kind"] == "logit"
    assert [(row["text"], row["raw_score"]) for row in kept["results"]] == [("best", 3.25)]
    measured = json.loads(rankkit("calibrate", "-m", model, "-d", data, "--check", str(out), "--json").stdout)
    assert measured["after"]["log_loss"] < measured["before"]["log_loss"]


def test_methods_and_precisions_are_options(model, data):
    told = rankkit("calibrate", "-m", model, "-d", data, "--method", "isotonic", "--at-precision", "0.6", "--json")
    said = json.loads(told.stdout)
    assert said["method"] == "isotonic" and [one["precision"] for one in said["held_out"]["at_precision"]] == [0.6]
    assert "not kept" in told.stderr


def test_what_cannot_be_calibrated_or_filtered_says_why(model, data):
    told = rankkit("calibrate", "-m", model, "-d", data, "-p", "pairwise")
    assert told.returncode == 2 and "single documents" in told.stderr
    told = rankkit("rerank", "word", "-m", model, "--keep-if", "0.5", stdin="bad\n")
    assert told.returncode == 2 and "never calibrated" in told.stderr
