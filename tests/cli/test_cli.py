"""The command line as a program sees it: data on stdout, words on stderr, exit codes as documented."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import rankkit, rankkit_process
from tests.tiny import tiny_cross_encoder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


def test_lines_from_stdin_are_reranked(model):
    result = rankkit("rerank", "word", "--model", model, stdin="bad\nbest\n\ngood\n")
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows == [
        ["rank", "was", "logit", "id", "document"],
        ["1", "2↑", "3.2500", "1", "best"],
        ["2", "3↑", "1.2500", "2", "good"],
        ["3", "1↓", "-0.7500", "0", "bad"],
    ]
    assert "3 documents, 1 calls" in result.stderr


def test_documents_come_from_pipes_too(model, tmp_path):
    told = rankkit_process("rerank", "word", "/dev/stdin", "--model", model, "--json", stdin="bad\ngood\n")
    assert [row["text"] for row in json.loads(told.stdout)["results"]] == ["good", "bad"]
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["sh", "-c", 'printf "best\\nbad\\n" > "$0"', str(tmp_path / "pipe")]):
        told = rankkit("rerank", "word", str(tmp_path / "pipe"), "--model", model, "--json")
    assert [row["text"] for row in json.loads(told.stdout)["results"]] == ["best", "bad"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--endpoint", "http://127.0.0.1:1/v1"],
            "an endpoint needs the model's name as the server calls it: give model too",
        ),
        (["--config", "config.yaml"], "config.yaml is no config file Its name must end in .toml or .json"),
        (["--config", "{cascade}", "--paradigm", "listwise"], "has stages, each with its own paradigm: listwise does"),
        (["--config", "{cascade}", "--window", "9"], "window goes with listwise"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, options, words):
    (tmp_path / "cascade.toml").write_text("[[stages]]\n")
    given = [option.format(cascade=tmp_path / "cascade.toml") for option in options]
    result = rankkit("rerank", "word", *given, stdin="good")
    assert result.returncode == 2 and words in " ".join(result.stderr.split()), result.stderr


def test_json_lines_in_and_json_out_keep_metadata(model, tmp_path):
    file = tmp_path / "documents.jsonl"
    rows = [{"id": "a", "text": "bad", "year": 1999}, {"id": "b", "title": "best", "text": "good"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = rankkit("rerank", "word", str(file), "--model", model, "--probability", "--top-k", "1", "--json")
    data = json.loads(result.stdout)
    assert data["score_kind"] == "probability" and len(data["results"]) == 1
    assert (data["results"][0]["id"], data["results"][0]["title"], data["results"][0]["rank"]) == ("b", "best", 1)
    both = json.loads(rankkit("rerank", "word", str(file), "--model", model, "--json").stdout)
    assert both["results"][1]["metadata"] == {"year": 1999}


def test_no_documents_give_an_empty_ranking(model):
    result = rankkit("rerank", "word", "--model", model, "--json")
    assert result.returncode == 0 and json.loads(result.stdout)["results"] == []


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (["rerank", " "], "good", 5, "the query is empty"),
        (["rerank", "word"], '{"id": "a"}', 5, "document 0 has no text"),
        (["rerank", "word"], '{"id": 1, "text": "x"}\n{"id": 1, "text": "y"}', 5, "more than once: '1'"),
        (["rerank", "word"], '{"text": "good"}\n{"text": "goo', 5, "standard input:2: not valid JSON"),
        (["rerank", "word", "."], "", 5, ". is a folder Give files of documents"),
        (["rerank", "word", "--window", "9"], "good", 2, "window goes with listwise"),
        (["rerank", "word", "--paradigm", "listwise"], "good", 2, "is a cross-encoder model; listwise needs a gguf"),
        (["rerank", "word", "no-such-file.txt"], "", 5, "there is no file no-such-file.txt"),
        (["rerank", "good " * 40, "--strict-query"], "good", 5, "the query has 40 tokens"),
        (["rerank", "word"], "nan", 6, "answered nan"),
        (["rerank", "word", "--threads", "0"], "good", 2, "--threads"),
        (["rerank", "word", "--max-length", "99"], "good", 4, "more than the 16 tokens"),
    ],
)
def test_bad_input_has_its_own_words_and_exit_code(model, arguments, stdin, code, words):
    result = rankkit(*arguments, "--model", model, stdin=stdin)
    assert result.returncode == code, result.stderr
    assert words in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_models_that_cannot_be_had_say_so(tmp_path):
    (tmp_path / "empty").mkdir()
    cases = [
        ("ms-marco-MiniLM-L-13-v2", "Did you mean"),
        ("ms-marco-MiniLM-L-12-v2", "rankkit models pull ms-marco-MiniLM-L-12-v2"),
        (str(tmp_path / "empty"), "there is no model.onnx"),
    ]
    for name, words in cases:
        result = rankkit("rerank", "word", "--model", name, stdin="good", home=str(tmp_path / "home"))
        assert result.returncode == 4 and words in " ".join(result.stderr.split()), result.stderr


def test_with_json_an_error_is_an_object_too(model):
    result = rankkit("rerank", "", "--model", model, "--json", stdin="good")
    assert json.loads(result.stdout)["error"]["kind"] == "EmptyQuery" and result.returncode == 5


def test_wrong_usage_is_code_2():
    assert rankkit("rerank", "word", "--model", "x", "--config", "y", stdin="good").returncode == 2
    assert rankkit("rerunk").returncode == 2
    assert rankkit("eval", "--data", ".", "--run", "x", "--depth", "3").returncode == 2


def test_the_version_and_the_doctor(tmp_path):
    import rankkit as package

    assert rankkit("--version").stdout.strip() == package.__version__
    facts = json.loads(rankkit("doctor", "--json", home=str(tmp_path)).stdout)
    assert facts["cpus"]["usable by this process"] >= 1 and facts["models"] == []
    assert set(facts["extras"]) >= {"gguf", "openai", "eval"} and facts["store"].startswith(str(tmp_path))
    assert "store" in rankkit("doctor", home=str(tmp_path)).stdout


@pytest.fixture
def data(tmp_path):
    """Two queries, three documents; the good one is judged relevant."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "queries.tsv").write_text("1\tword\n2\tword word\n")
    (folder / "qrels.txt").write_text("1 0 g 1\n2 0 g 1\n")
    documents = [{"docid": "b", "text": "bad", "score": 3}, {"docid": "w", "text": "word", "score": 2}]
    documents.append({"docid": "g", "text": "best", "score": 1})
    lines = [json.dumps({"qid": qid, "query": "word", "candidates": documents}) for qid in ("1", "2")]
    (folder / "candidates.jsonl").write_text("\n".join(lines))
    return folder


def test_eval_compares_with_the_first_stage_and_its_run_reads_back(model, data, tmp_path):
    run = tmp_path / "out.run"
    common = ["eval", "--data", str(data), "--measures", "RR@10,nDCG@10", "--json"]
    report = json.loads(rankkit(*common, "--model", model, "--run-out", str(run)).stdout)
    assert report["measures"]["RR@10"] == 1.0 and report["first_stage"]["RR@10"] == pytest.approx(1 / 3)
    assert report["queries"] == 2 and report["usage"]["input_tokens"] > 0 and report["seconds"] > 0
    again = json.loads(rankkit(*common, "--run", str(run)).stdout)
    assert again["measures"] == report["measures"] and again["first_stage"] == report["first_stage"]
    shallow = json.loads(rankkit(*common, "--model", model, "--depth", "2").stdout)
    assert shallow["measures"]["RR@10"] == pytest.approx(1 / 3)  # the best document stays behind, it is not lost


def test_eval_reranks_the_candidates_in_other_orders_too(model, data):
    common = ["eval", "--data", str(data), "--model", model, "--measures", "RR@10", "--depth", "2"]
    report = json.loads(rankkit(*common, "--reverse", "--shuffle", "7", "--json").stdout)
    assert list(report["reordered"]) == ["reversed", "shuffled 7"]
    # Of what reads documents alone, the order that comes in is no part of the result.
    assert all(one["measures"] == report["measures"] for one in report["reordered"].values())
    shown = rankkit(*common, "--reverse").stdout
    assert "reversed" in shown
    for against in (["--plan"], ["--record", "x"]):
        refused = rankkit(*common, "--reverse", *against)
        assert refused.returncode == 2 and "rank again" in refused.stderr


def test_eval_prints_a_table(model, data):
    result = rankkit("eval", "--data", str(data), "--model", model, "--measures", "RR@10")
    assert result.returncode == 0, result.stderr
    assert "0.3333" in result.stdout and "1.0000" in result.stdout and "pairs/s" in result.stdout


def test_eval_of_data_that_does_not_fit_together(model, data):
    (data / "qrels.txt").write_text("9 0 g 1\n")
    result = rankkit("eval", "--data", str(data), "--model", model)
    assert result.returncode == 5 and "qrels" in result.stderr


def test_eval_says_what_was_run(model, data, tmp_path):
    run = tmp_path / "out.run"
    result = rankkit("eval", "--data", str(data), "--model", model, "--json", "--tag", "night", "--run-out", str(run))
    report = json.loads(result.stdout)
    ran = report["run"]
    assert report["tag"] == "night" and run.read_text().splitlines()[0].endswith(" night")
    assert ran["spec"]["model"] == model and ran["command"][:2] == ["rankkit", "eval"] and ran["rankkit"]
    assert {len(file["sha256"]) for file in ran["files"]} == {64}
    assert {Path(file["path"]).name for file in ran["files"]} == {"queries.tsv", "qrels.txt", "candidates.jsonl"}
    assert any("model" in prints for prints in report["fingerprints"].values())


def test_a_run_that_cannot_be_written_does_not_cost_the_measures(model, data):
    result = rankkit("eval", "--data", str(data), "--model", model, "--json", "--run-out", "/dev/full")
    if result.returncode == 0:
        pytest.skip("this system has no full device")
    report, _ = json.JSONDecoder().raw_decode(result.stdout)
    assert result.returncode == 5 and report["measures"] and "No space left" in report["unwritten"]
    assert "error:" in result.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,text\nb,bad\ng,good\n"),
        ("a.json", '[\n {"id": "b", "text": "bad"},\n {"id": "g", "text": "good"}\n]'),
        ("a.tsv", "b\tbad\ng\tgood\n"),
        ("a.tsv", "id\ttext\nb\tbad\ng\tgood\n"),
    ],
)
def test_documents_in_every_form(model, tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    result = json.loads(rankkit("rerank", "word", str(path), "--model", model, "--json").stdout)
    assert [row["id"] for row in result["results"]] == ["g", "b"]


def test_documents_without_a_text_are_skipped_on_demand(model):
    stdin = '{"text": "good"}\n{"text": ""}\n'
    assert rankkit("rerank", "word", "--model", model, stdin=stdin).returncode == 5
    result = rankkit("rerank", "word", "--model", model, "--on-empty", "skip", "--json", stdin=stdin)
    told = json.loads(result.stdout)
    assert [row["id"] for row in told["results"]] == ["0"]
    assert told["input_notes"] == {"documents without text, skipped": 1}


def test_metadata_of_any_kind_comes_out_as_json(model):
    stdin = '{"text": "good", "price": NaN, "size": Infinity, "score": NaN}\n'
    [row] = json.loads(rankkit("rerank", "word", "--model", model, "--json", stdin=stdin).stdout)["results"]
    assert row["metadata"] == {"price": None, "size": None} and row["first_stage_score"] is None


def test_explain_says_which_stage_moved_a_document(model, tmp_path):
    (tmp_path / "documents.jsonl").write_text('{"id": "x", "text": "bad"}\n{"id": "7", "text": "best"}\n')
    shown = rankkit("rerank", "word", str(tmp_path / "documents.jsonl"), "--model", model, "--explain", "7")
    assert "document '7': rank 2 in the first stage, rank 1 in the end" in shown.stdout
    by_rank = rankkit("rerank", "word", str(tmp_path / "documents.jsonl"), "--model", model, "--explain", "2", "--json")
    explanation = json.loads(by_rank.stdout)["explanation"]
    assert (explanation["id"], explanation["first"], explanation["final"]) == ("x", 1, 2)
    nobody = rankkit("rerank", "word", str(tmp_path / "documents.jsonl"), "--model", model, "--explain", "y")
    assert nobody.returncode == 5 and "no document 'y'" in nobody.stderr
