from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from rankkit.core.ranking import Candidate
from rankkit.data.conversion import convert
from rankkit.data.datasets import load_dataset, with_run
from rankkit.data.runs import Run
from rankkit.errors import ConfigError, DataError, DuplicateIds
from tests.data.samples import candidates_line


def test_our_folder(fleas: Path):
    dataset = load_dataset(fleas)
    assert dataset.name == fleas.name
    assert dataset.queries == {"q1": "how long do fleas live", "q2": "cost of floors", "q4": "nothing found"}
    assert dataset.qrels == {"q1": {"a": 0, "b": 2, "c": 1}, "q2": {"x": 1}, "q4": {"y": 1}}
    assert dataset.first_stage == {"q1": ("a", "b", "c", "d"), "q2": ("w", "x")}
    assert dataset.requests[0].candidates[1] == Candidate("b", "text of b", score=8.0)
    assert dataset.corpus is None


def test_the_query_file_has_the_last_word_on_texts(fleas: Path):
    assert [request.query.text for request in load_dataset(fleas).requests] == [
        "how long do fleas live",
        "cost of floors",
    ]


def test_what_was_left_out_is_told(fleas: Path):
    assert load_dataset(fleas).notes == {
        "queries without judgements, left out": 1,  # q3
        "judged queries without a text, left out": 1,  # q5
        "queries without candidates, counted as 0": 1,  # q4
    }


def test_depth_and_limit(fleas: Path):
    dataset = load_dataset(fleas, depth=3, limit=1)
    assert dataset.first_stage == {"q1": ("a", "b", "c")}
    assert list(dataset.queries) == list(dataset.qrels) == ["q1"]


def test_an_instruction_beside_the_candidates_is_kept(fleas: Path, monkeypatch: pytest.MonkeyPatch):
    said = "prefer veterinary sources"
    path = fleas / "candidates.jsonl"
    first, *others = path.read_text().splitlines(keepends=True)
    path.write_text(first.replace('"qid"', f'"instruction": "{said}", "qid"') + "".join(others))
    assert [request.query.instruction for request in load_dataset(fleas).requests] == [said, ""]
    assert with_run(load_dataset(fleas), Run({"q1": (("b", 1.0),)})).requests[0].query.instruction == said
    monkeypatch.setattr("rankkit.data.datasets._KEPT_BYTES", 0)  # as a large file is read
    assert [request.query.instruction for request in load_dataset(fleas).requests] == [said, ""]
    for form, lost in (("rankkit", 0), ("rankllm", 0), ("trec", 1), ("beir", 1), ("msmarco", 1)):
        conversion = convert(fleas, fleas / form, form)
        assert conversion.lost.get("instructions beside queries", 0) == lost, form
        kept = load_dataset(fleas / form).requests[0].query.instruction
        assert kept == ("" if lost else said), form


def test_compressed_files_do(fleas: Path):
    plain = load_dataset(fleas)
    for path in list(fleas.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert load_dataset(fleas) == plain


def test_candidates_bring_their_queries_along(fleas: Path):
    (fleas / "queries.tsv").unlink()
    assert load_dataset(fleas).queries == {"q1": "fleas", "q2": "floors"}


@pytest.fixture
def beir(write, tmp_path: Path) -> Path:
    write("queries.jsonl", '{"_id": "q1", "text": "fleas"}\n{"_id": "train", "text": "other"}\n')
    write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tb\t1\n")
    write("corpus.jsonl", "".join(f'{{"_id": "{name}", "title": "T", "text": "on {name}"}}\n' for name in "abc"))
    return tmp_path


def test_a_beir_folder(beir: Path):
    dataset = load_dataset(beir)
    assert dataset.queries == {"q1": "fleas"}
    assert dataset.qrels == {"q1": {"b": 1}}
    assert dataset.requests == ()
    assert dataset.corpus is not None
    assert [document.id for document in dataset.corpus] == ["a", "b", "c"]
    assert dataset.notes == {"queries without judgements, left out": 1}


def test_a_run_over_a_corpus_becomes_the_first_stage(beir: Path):
    run = Run({"q1": (("c", 3.0), ("b", 1.0), ("a", 0.5)), "q9": (("zzz", 1.0),)})
    (request,) = with_run(load_dataset(beir), run, depth=2).requests
    assert request.query.id == "q1"
    assert request.candidates == (Candidate("c", "on c", "T", 3.0), Candidate("b", "on b", "T", 1.0))


@pytest.mark.parametrize("name", ["run.trec", "run.trec.gz"])
def test_a_run_in_a_folder_with_a_corpus_brings_the_candidates(beir: Path, name: str):
    lines = b"q1 Q0 c 1 3.0 x\nq1 Q0 b 2 1.0 x\nq1 Q0 a 3 0.5 x\nq9 Q0 zzz 1 1.0 x\n"
    (beir / name).write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    dataset = load_dataset(beir, depth=2)
    assert dataset.requests[0].candidates == (Candidate("c", "on c", "T", 3.0), Candidate("b", "on b", "T", 1.0))
    assert beir / name in dataset.files


def test_candidates_with_texts_go_before_a_run_in_the_folder(fleas: Path, write):
    write("run.trec", "q1 Q0 c 1 3.0 x\n")
    write("corpus.jsonl", '{"_id": "c", "text": "on c"}\n')
    assert load_dataset(fleas).first_stage["q1"] == ("a", "b", "c", "d")


def test_a_run_in_the_folder_is_of_its_data(beir: Path, write):
    write("run.trec", "q1 Q0 zzz 1 3.0 x\n")
    with pytest.raises(DataError, match=r"judges none of the candidates of .*run\.trec"):
        load_dataset(beir)
    write("run.trec", "q1 Q0 a 1 3.0 x\nq2 Q0 b 1 1.0 x\n")
    write("queries.jsonl", '{"_id": "q1", "text": "fleas"}\n{"_id": "q2", "text": "floors"}\n')
    write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tb\t1\nq2\tb\t1\n")
    assert load_dataset(beir, limit=1).first_stage == {"q1": ("a",)}  # the second has the judged one


def test_a_run_reorders_the_candidates_that_are_there(fleas: Path):
    dataset = with_run(load_dataset(fleas), Run({"q1": (("c", 2.0), ("b", 1.0))}))
    assert dataset.first_stage == {"q1": ("c", "b")}
    assert dataset.requests[0].candidates[0] == Candidate("c", "text of c", score=2.0)
    assert dataset.notes["queries without candidates, counted as 0"] == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"q9": (("a", 1.0),)}, r"the run has none of the 3 queries of .*: 'q9' in the run, 'q1', 'q2', 'q4' in"),
        ({"q1": (("d", 1.0),)}, r"not one document of the run is judged: for query 'q1', 'd' in the run"),
        ({"q1": (("b", 2.0), ("new", 1.0))}, r"1 of the run's 2 documents have no text here: 'new'"),
    ],
)
def test_a_run_of_other_data_is_refused(fleas: Path, rows: dict, message: str):
    with pytest.raises(DataError, match=message) as caught:
        with_run(load_dataset(fleas), Run(rows))
    assert caught.value.hint


def test_a_run_with_documents_that_the_corpus_lacks(beir: Path):
    with pytest.raises(DataError, match=r"corpus\.jsonl: 1 of 2 documents are not there, or have no text: 'new'"):
        with_run(load_dataset(beir), Run({"q1": (("b", 2.0), ("new", 1.0))}))


def test_a_missing_folder(tmp_path: Path):
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        load_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (["qrels.txt"], r"there is no qrels.txt or qrels/test.tsv \(nor one with .gz\), but candidates.jsonl, quer"),
        (["queries.tsv", "candidates.jsonl"], r"there is no queries.tsv or queries.jsonl .*, but qrels.txt"),
    ],
)
def test_missing_files_are_named_beside_what_is_there(fleas: Path, gone: list[str], message: str):
    for name in gone:
        (fleas / name).unlink()
    with pytest.raises(DataError, match=message):
        load_dataset(fleas)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("queries.tsv", "q1 fleas\n", r"queries\.tsv:1: no tab in 'q1 fleas'"),
        ("queries.tsv", "q1\tfleas\nq1\tagain\n", r"queries\.tsv:2: query 'q1' is there twice"),
        ("queries.tsv", "q1\tfleas\nq2\t \n", r"queries\.tsv:2: query 'q2' has no text"),
        ("queries.tsv", "", r"queries\.tsv: no queries"),
        ("qrels.txt", "q1 0 a\n", r"qrels\.txt:1: 3 columns instead of 4"),
        ("qrels.txt", "other 0 a 1\n", r"qrels\.txt judges none of the queries of .*queries\.tsv: 'other' against"),
        ("qrels.txt", "q1 0 D-b 1\n", r"judges none of the candidates of .*candidates\.jsonl: 'D-b' against 'a', 'b'"),
        (
            "candidates.jsonl",
            candidates_line("q1", "fleas", "a")[:-9],
            r"candidates\.jsonl:1: not valid JSON.*breaks off",
        ),
        (
            "candidates.jsonl",
            candidates_line("other", "x", "a"),
            r"judges none of the queries of .*candidates.*against 'other'",
        ),
        ("candidates.jsonl", "", r"judges none of the queries of .*candidates.jsonl: .* against nothing"),
    ],
)
def test_a_wrong_file_is_named(fleas: Path, write, name: str, text: str, message: str):
    write(name, text)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(fleas)
    assert caught.value.hint


def test_files_are_checked_as_a_whole_whatever_the_limit(fleas: Path, write):
    write("candidates.jsonl", candidates_line("q1", "fleas", "a", "b") + candidates_line("q2", "floors", "x", "x"))
    with pytest.raises(DuplicateIds, match=r"candidates\.jsonl:2: 1 document id\(s\) are given more than once: 'x'"):
        load_dataset(fleas, limit=1)


def test_a_limit_that_leaves_only_queries_without_judged_candidates_is_fine(fleas: Path, write):
    write("candidates.jsonl", candidates_line("q1", "fleas", "d", "e") + candidates_line("q2", "floors", "x"))
    assert load_dataset(fleas, limit=1).first_stage == {"q1": ("d", "e")}


@pytest.mark.parametrize("option", ["depth", "limit"])
def test_depth_and_limit_are_at_least_one(fleas: Path, option: str):
    with pytest.raises(ConfigError, match=f"{option} is 0"):
        load_dataset(fleas, **{option: 0})


@pytest.mark.parametrize("text", ['{"_id": "q1"}\n', '{"text": "fleas"}\n'])
def test_beir_queries_need_an_id_and_a_text(beir: Path, write, text: str):
    write("queries.jsonl", text)
    with pytest.raises(DataError, match=r"queries\.jsonl:1: no _id or no text among"):
        load_dataset(beir)


def test_msmarco_and_beir_names_of_splits(write, tmp_path):
    write("queries.dev.small.tsv", "1\thow long do fleas live\n2\tcost of floors\n")
    write("qrels.dev.small.tsv", "1\t0\t7\t1\n2\t0\t8\t1\n")
    lines = [
        "2\t8\tcost of floors\tfloors",
        "1\t6\tfleas\tdogs",
        "1\t7\tfleas\tfleas live",
        "2\t6\tcost of floors\tdogs",
    ]
    write("top1000.dev.tsv", "".join(line + "\n" for line in lines))
    write("collection.tsv", '6\tdogs\n7\tfleas "live"\n8\tfloors\n')
    data = load_dataset(tmp_path)
    assert data.first_stage == {"1": ("6", "7"), "2": ("8", "6")}
    assert data.requests[0].candidates[1] == Candidate("7", "fleas live")
    assert data.corpus is not None and data.corpus.pick(["7"])["7"].text == 'fleas "live"'
    assert [path.name for path in data.files] == [
        "qrels.dev.small.tsv",
        "queries.dev.small.tsv",
        "top1000.dev.tsv",
        "collection.tsv",
    ]


def test_a_split_is_chosen_by_its_name(write, tmp_path):
    write("queries.jsonl", '{"_id": "1", "text": "fleas"}\n{"_id": "2", "text": "floors"}\n')
    header = "query-id\tcorpus-id\tscore\n"
    write("qrels/dev.tsv", f"{header}2\tb\t1\n")
    assert list(load_dataset(tmp_path).queries) == ["2"]
    write("qrels/test.tsv", f"{header}1\ta\t1\n")
    assert list(load_dataset(tmp_path).queries) == ["1"]
    assert list(load_dataset(tmp_path, split="dev").queries) == ["2"]
    with pytest.raises(DataError, match=r"no qrels/train\.tsv or qrels\.train\.tsv"):
        load_dataset(tmp_path, split="train")


def test_candidates_without_ids_are_counted_and_a_query_has_one_text(write, tmp_path):
    write("qrels.txt", "1 0 1 1\n")
    write("candidates.tsv", "1\tfleas\tdogs\n1\tfleas\tfleas live\n")
    assert load_dataset(tmp_path).first_stage == {"1": ("0", "1")}
    write("candidates.tsv", "1\tfleas\tdogs\n1\tother\tfleas live\n")
    with pytest.raises(DataError, match=r"candidates\.tsv:2: query '1' had another text in .*:1"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("line", ['{"qid":"1","query":"q","candidates":[{"docid":"b\\udc00","text":"x"}]}',
                                  '{"qid":"1\\udc00","query":"q","candidates":[]}'])  # fmt: skip
def test_ids_with_half_a_character_are_refused_with_their_line(write, tmp_path, line):
    write("qrels.txt", "1 0 a 1\n")
    write("candidates.jsonl", line + "\n")
    with pytest.raises(DataError, match=r"candidates\.jsonl:1: .*lone surrogate"):
        load_dataset(tmp_path)
