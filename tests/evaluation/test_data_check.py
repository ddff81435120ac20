"""A check of data: what there is, and every fault at once."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from rankkit.data.conversion import convert
from rankkit.data.datasets import load_dataset
from rankkit.errors import ConfigError, DataError, InputError
from rankkit.evaluation import check_data
from rankkit.evaluation.data_report import DataReport
from tests.data.samples import candidates_line


def words_of(report: DataReport, severity: str = "error") -> list[str]:
    return [problem.words for problem in report.problems if problem.severity == severity]


def found(report: DataReport, words: str) -> tuple[int, tuple[str, ...]]:
    [problem] = [problem for problem in report.problems if words in problem.words]
    return problem.count, problem.examples


def test_what_there_is(fleas: Path):
    report = check_data(fleas)
    assert report.ok
    assert [(file.role, file.path.name) for file in report.files] == [
        ("judgements", "qrels.txt"),
        ("queries", "queries.tsv"),
        ("candidates", "candidates.jsonl"),
    ]
    assert all(file.bytes == file.path.stat().st_size for file in report.files)
    queries = report.queries
    assert (queries.all, queries.judged, queries.without_judgements, queries.without_text) == (4, 3, 1, 1)
    assert (queries.without_candidates, queries.without_relevant) == (1, 0)
    assert report.grades == {0: 1, 1: 4, 2: 1}
    assert report.candidates is not None
    assert report.candidates.per_query == {"min": 2, "median": 3, "max": 4}
    # q1: a, b, c of a, b, c, d are judged; q2: x of w, x.
    assert report.candidates.judged_share == {"10": (3 / 4 + 1 / 2) / 2, "100": (3 / 4 + 1 / 2) / 2}
    # b, c and x of b, c, x and y.
    assert (report.candidates.relevant, report.candidates.relevant_found, report.candidates.recall) == (4, 3, 0.75)
    assert report.first_stage["RR@10"] == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert report.texts["queries"].scripts == {"Latin": 4}
    assert report.texts["candidates"].lengths["max"] == len("text of a")


def test_a_run_over_a_corpus_is_looked_into_like_candidates(fleas: Path):
    whole = check_data(fleas)
    convert(fleas, fleas / "out", "beir")
    report = check_data(fleas / "out")
    assert [file.role for file in report.files] == ["judgements", "queries", "candidates", "corpus"]
    assert (report.candidates, report.first_stage) == (whole.candidates, whole.first_stage)
    assert report.texts["candidates"] == whole.texts["candidates"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("q1 Q0 a 1 nan x\nq1 Q0 a 1 2 x\nq1 Q0 a 2 1 x\nq1 Q0 b\n", "3 faults"),
        ("q1 Q0 zzz 1 2 x\n", "1 of 1 documents are not there"),
    ],
)
def test_faults_of_such_a_run_are_counted_and_read_past(fleas: Path, text: str, error: str):
    convert(fleas, fleas / "out", "beir")
    (fleas / "out" / "run.trec").write_text(text, encoding="utf-8")
    report = check_data(fleas / "out")
    errors = [problem for problem in report.problems if problem.severity == "error"]
    assert errors
    if error == "3 faults":
        assert sum(problem.count for problem in errors) == 3 and report.first_stage
    else:
        assert any(error in problem.words for problem in errors)


def test_depth_is_where_judged_candidates_are_counted(fleas: Path):
    report = check_data(fleas, depth=2)
    assert report.candidates is not None
    assert report.candidates.judged_share["2"] == (1 + 1 / 2) / 2
    with pytest.raises(ConfigError, match="depth is 0"):
        check_data(fleas, depth=0)


def test_the_report_is_json(fleas: Path):
    report = json.loads(json.dumps(check_data(fleas).to_dict(), allow_nan=False))
    assert report["ok"] and report["candidates"]["recall"] == 0.75
    assert report["grades"] == {"0": 1, "1": 4, "2": 1}
    assert {"severity", "words", "count", "examples"} == set(report["problems"][0])


def test_every_fault_is_found_at_once_with_its_line(fleas: Path):
    with (fleas / "qrels.txt").open("a") as file:
        file.write("q1 0 a\nq1 0 b 1\nq1 0 e high\n")
    with (fleas / "queries.tsv").open("ab") as file:
        file.write(b"no tab\nq1\tagain\nq9\tcaf\xe9\n")
    lines = [
        '{"qid": "q7", "query": " ", "candidates": []}',
        '{"qid": "q8", "query": "x", "candidates": [{"docid": "a", "text": " "}, {"docid": "z", "text": "fine"}]}',
        '{"qid": "q9", "query": "x", "candidates": [{"docid": "t", "text": "a"}, {"docid": "t", "text": "b"}]}',
        '{"qid": "q10", "query": "x", "candidates": [{"docid": "n", "text": "a", "score": NaN}]}',
        '{"qid": "q11", "query": "x", "candidates": [{"docid": "n", "text": "a", "score": 1e999}]}',
        '{"qid": "q12", "que',
    ]
    with (fleas / "candidates.jsonl").open("a") as file:
        file.write("\n".join(lines))
    report = check_data(fleas)
    assert not report.ok
    count, examples = found(report, "qrels.txt: faults")
    assert count == 3
    assert examples[0] == "qrels.txt:7: 3 columns instead of 4: 'q1 0 a'"
    assert examples[1].startswith("qrels.txt:8: document 'b' has grade 1 for query 'q1', and 2 before")
    count, examples = found(report, "queries.tsv: faults")
    assert count == 3
    assert examples[2].startswith("queries.tsv:7: not UTF-8 text (byte 0xe9")
    assert found(report, "queries without text")[1][0].startswith("candidates.jsonl:3: the query is empty")
    count, examples = found(report, "candidates.jsonl: documents that cannot be used")
    assert count == 2
    assert examples == (
        "candidates.jsonl:4: document 'a' has no text",
        "candidates.jsonl:7: document 'n': the score inf is not a finite number",
    )
    assert found(report, "twice for a query") == (1, ("candidates.jsonl:5: document 't' is there twice",))
    count, examples = found(report, "candidates.jsonl: faults")
    assert count == 2
    assert examples[0].startswith("candidates.jsonl:6: not valid JSON: NaN is not a JSON number")
    assert "the line breaks off" in examples[1]
    # What can be used is counted nevertheless.
    assert report.queries.judged == 3
    assert report.first_stage["RR@10"] > 0


def test_odd_candidates(fleas: Path):
    documents = [
        {"docid": "a", "text": "the same  text", "score": 1.0},
        {"docid": "b", "text": "the same text ", "score": 2.0},
        {"docid": "c", "text": "bell \x07", "score": 2.0},
        {"docid": "d", "text": "half \ud83d", "score": None},
        {"docid": "e", "text": "lost \ufffd and Itâ€™s", "score": 0.0},
        {"docid": "f", "text": "x" * 20_001, "score": 0.0},
    ]
    line = json.dumps({"qid": "q1", "query": "how long do fleas live", "candidates": documents}) + "\n"
    other = json.dumps({"qid": "q2", "query": "floors", "candidates": [{"docid": "a", "text": "another"}]}) + "\n"
    (fleas / "candidates.jsonl").write_text(line + other)
    report = check_data(fleas)
    assert report.ok
    assert report.duplicates == {"queries": 0, "candidates": 1}
    assert found(report, "text of another one") == (1, ("query q1: b has the text of a",))
    assert found(report, "another text than for an earlier query") == (1, ("query q2: document a",))
    assert found(report, "order of their scores")[0] == 1
    assert found(report, "equal scores")[0] == 1
    assert found(report, "for some of their candidates only")[1] == ("query q1: 5 of 6 have one",)
    assert found(report, "control characters")[1] == ("document c: 'bell \\x07'",)
    assert found(report, "lone surrogate")[1] == ("document d: 'half \\ud83d'",)
    assert found(report, "U+FFFD in them: characters that were lost")[0] == 1
    assert found(report, "read as Latin-1")[0] == 1
    assert found(report, "more than 20,000 characters")[1] == ("document f: 20,001 characters",)
    assert report.texts["candidates"].long == 1


def test_queries_that_count_as_nothing(fleas: Path):
    (fleas / "qrels.txt").write_text("q1 0 a 0\nq1 0 b -1\nq2 0 x 1\nq4 0 y 1\n")
    (fleas / "queries.tsv").write_text("q1\tfleas\nq2\tfloors\nq4\tfloors \n")
    report = check_data(fleas)
    assert found(report, "without a relevant document") == (1, ("query q1",))
    assert found(report, "judged queries without candidates") == (1, ("query q4",))
    assert found(report, "text of an earlier one") == (1, ("query q4 as q2",))
    assert report.duplicates["queries"] == 1


def test_a_corpus(write, tmp_path: Path):
    write("queries.jsonl", '{"_id": "q1", "text": "fleas"}\n')
    write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tb\t1\nq1\tgone\t1\n")
    write(
        "corpus.jsonl",
        """
        {"_id": "a", "text": "one"}
        {"_id": "b", "text": "two"}
        {"_id": "b", "text": "again"}
        {"_id": "c", "text": "", "title": ""}
        {"_id": "d", "text": "one"}
        {"text": "no id"}
        nothing
        """,
    )
    report = check_data(tmp_path)
    assert report.corpus is not None
    assert (report.corpus.documents, report.corpus.empty) == (4, 1)
    assert found(report, "id was there before") == (1, ("corpus.jsonl:3, as at corpus.jsonl:2",))
    assert found(report, "corpus.jsonl: documents with the text of an earlier one") == (1, ("document d as a",))
    assert found(report, "without a title and a text") == (1, ("corpus.jsonl:4",))
    assert found(report, "documents that cannot be used") == (1, ("corpus.jsonl:6: document 5 has no id, but text",))
    assert found(report, "corpus.jsonl: faults")[1][0].startswith("corpus.jsonl:7: not valid JSON")
    assert found(report, "judged documents that are not in the corpus") == (1, ("document gone",))
    assert "--first-stage bm25" in words_of(report, "note")[0]


def test_candidates_beside_a_corpus(fleas: Path, write):
    write("corpus.jsonl", "".join(f'{{"_id": "{name}", "text": "text of {name}"}}\n' for name in "abcxy"))
    with (fleas / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "d", "text": "another"}\n')
    report = check_data(fleas)
    assert found(report, "candidates that are not in the corpus") == (1, ("document w",))
    assert found(report, "another text than in the corpus") == (1, ("document d",))


def test_scripts_that_do_not_meet(fleas: Path):
    (fleas / "queries.tsv").write_text("q1\t跳蚤能活多久\nq2\t地板多少钱\n")
    report = check_data(fleas)
    assert report.texts["queries"].scripts == {"Han": 2}
    assert found(report, "most queries are in Han, most documents (candidates) in Latin")[0] == 1
    assert found(report, "texts are in Han: choose a model that was trained on it")[0] == 1


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("qrels.txt", "other 0 a 1\n", "qrels.txt judges none of the queries of queries.tsv: 'other' against"),
        ("qrels.txt", "q1 0 D-b 1\n", "qrels.txt judges none of the candidates of candidates.jsonl: 'D-b' against 'a'"),
        ("candidates.jsonl", candidates_line("other", "x", "a"), "judges none of the queries of candidates.jsonl"),
    ],
)
def test_files_of_different_collections(fleas: Path, write, name: str, text: str, words: str):
    write(name, text)
    report = check_data(fleas)
    assert any(words in error for error in words_of(report)), words_of(report)


@pytest.mark.parametrize("name", ["qrels.txt", "queries.tsv", "candidates.jsonl"])
def test_a_file_that_was_cut(fleas: Path, name: str):
    path = fleas / name
    packed = gzip.compress(path.read_bytes() * 1)
    path.unlink()
    (fleas / f"{name}.gz").write_bytes(packed[:-9])
    report = check_data(fleas)
    assert not report.ok
    assert any("file is broken after line" in example for p in report.problems for example in p.examples)


@pytest.mark.parametrize("name", ["qrels.txt", "queries.tsv", "candidates.jsonl"])
def test_a_folder_in_the_place_of_a_file(fleas: Path, name: str):
    (fleas / name).unlink()
    (fleas / name).mkdir()
    assert f"{name} is a folder and cannot be read as a file" in words_of(check_data(fleas))
    with pytest.raises(DataError, match=f"{name} is a folder and cannot be read as a file"):
        load_dataset(fleas)


def test_a_folder_without_data(tmp_path: Path):
    with pytest.raises(DataError, match=r"there is no qrels\.txt or qrels/test\.tsv .*, but nothing"):
        check_data(tmp_path)
    with pytest.raises(DataError, match="there is no such folder"):
        check_data(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["qrels.txt", "queries.tsv"])
def test_a_part_that_is_missing_is_an_error_of_the_report(fleas: Path, name: str):
    (fleas / name).unlink()
    report = check_data(fleas)
    assert report.ok == (name == "queries.tsv")  # candidates bring their queries along


def test_nothing_to_rerank(fleas: Path):
    (fleas / "candidates.jsonl").unlink()
    report = check_data(fleas)
    assert "no candidates and no corpus" in words_of(report, "warning")[0]
    assert report.candidates is None and report.first_stage == {}


@pytest.fixture
def without_rights():
    """Root may read everything, whatever the mode of a file: here it is nobody."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs the rights of a POSIX system")
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield
    os.seteuid(was)


@pytest.fixture
def open_folder(fleas: Path):
    """Outside the folders of pytest, which are the owner's alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(fleas, folder, dirs_exist_ok=True)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def test_a_file_that_may_not_be_read(open_folder: Path, request):
    (open_folder / "qrels.txt").chmod(0)
    request.getfixturevalue("without_rights")
    with pytest.raises(DataError, match=r"qrels\.txt: cannot be read \(Permission denied\)"):
        load_dataset(open_folder)
    report = check_data(open_folder)
    assert report.queries.all == 4
    assert found(report, "qrels.txt: faults")[1][0].startswith("qrels.txt: cannot be read (Permission denied)")


def test_a_folder_that_may_not_be_read(open_folder: Path, request):
    open_folder.chmod(0)
    request.getfixturevalue("without_rights")
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
        load_dataset(open_folder)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
        load_dataset(open_folder / "below")
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
        check_data(open_folder)


def test_reading_is_told_of(fleas: Path):
    seen: list[tuple[str, int]] = []
    check_data(fleas, on_read=lambda name, done: seen.append((name, done)))
    assert seen == [("candidates.jsonl", 1), ("candidates.jsonl", 2)]


BROKEN = {
    "qrels.txt": ["", "q1 0 a\n", "q1 0 a x\n", "q1 0 b 1\nq1 0 b 2\n", "zz 0 a 1\n", "q1 0 zz 1\n", "q1 0 b 1\n"],
    "queries.tsv": ["", "q1\n", "q1\t \n", "q1\tx\nq1\ty\n", "zz\tx\n", "q1\tfleas\n"],
    "candidates.jsonl": [
        "",
        "{",
        "[]\n",
        candidates_line("q1", "x", "b", "b"),
        candidates_line("q1", "x", "b") * 2,
        candidates_line("q1", " ", "b"),
        candidates_line("zz", "x", "b"),
        candidates_line("q1", "x", "b"),
        candidates_line("q1", "x").replace("[]", '[{"docid": "b"}]'),
        candidates_line("q1", "x").replace("[]", '[{"docid": "b\\udc00", "text": "x"}]'),
    ],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BROKEN.items() for text in texts])
def test_there_are_errors_where_an_evaluation_would_refuse_the_data_and_nowhere_else(fleas: Path, name, text):
    (fleas / name).write_text(text)
    try:
        load_dataset(fleas)
        refused = False
    except InputError:
        refused = True
    report = check_data(fleas)
    assert report.ok != refused, report.problems


@pytest.mark.data
@pytest.mark.parametrize(("name", "ndcg"), [("trec-dl19", 0.5058), ("noveleval", 0.7052), ("xquad-r-zh", 0.8409)])
@pytest.mark.slow
def test_real_data(data_dir: Path, name: str, ndcg: float):
    report = check_data(data_dir / name)
    assert report.ok
    assert report.first_stage["nDCG@10"] == pytest.approx(ndcg, abs=5e-5)


@pytest.mark.slow
@pytest.mark.data
def test_real_data_has_what_it_has(data_dir: Path):
    trec = check_data(data_dir / "trec-dl19")
    assert (trec.queries.judged, trec.grades[3]) == (43, 697)
    assert trec.candidates is not None and trec.candidates.relevant_found == 1372
    assert found(trec, "read as Latin-1")[0] == 730
    chinese = check_data(data_dir / "xquad-r-zh")
    assert chinese.texts["queries"].script == "Han"
    scifact = check_data(data_dir / "scifact")
    assert scifact.corpus is not None and scifact.corpus.documents == 5183
