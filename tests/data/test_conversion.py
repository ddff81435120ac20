"""Formats of the field become one another, and what one of them cannot hold is said."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.ranking import Candidate
from rankkit.data import Dataset, convert, load_dataset, read_run, with_run
from rankkit.data.layouts import LAYOUTS
from rankkit.errors import ConfigError, DataError
from rankkit.evaluation.evaluate import evaluate_run
from rankkit.evaluation.measures import evaluate, parse_measures
from tests.data.samples import candidates_line

#: The queries' file of the fixture has other texts than the candidates', and goes before them.
OTHER = {"texts of queries beside candidates, other than in the file of queries": 2}
MEASURES = parse_measures("nDCG@10,RR@10,R@100")


def load(folder: Path) -> Dataset:
    """A data set with the candidates that its run names, where they are in one."""
    data = load_dataset(folder)
    run = folder / "run.trec"
    return with_run(data, read_run(run)) if run.exists() else data


def contents(data: Dataset, *, scores: bool = True) -> dict[str, object]:
    return {
        "queries": dict(data.queries),
        "qrels": data.qrels,
        "candidates": {
            request.query: [
                one if scores else replace(one, score=None, text=one.content, title="", metadata={})
                for one in request.candidates
            ]
            for request in data.requests
        },
    }


@pytest.mark.parametrize("to", LAYOUTS)
def test_there_and_back(fleas: Path, tmp_path_factory, to: str):
    out = tmp_path_factory.mktemp("out")
    there = convert(fleas, out / "there", to)
    back = convert(out / "there", out / "back")
    keeps_scores = to != "msmarco"
    for folder in (out / "there", out / "back"):
        assert contents(load(folder), scores=keeps_scores) == contents(load_dataset(fleas), scores=keeps_scores)
    assert there.written["queries"] == 4
    assert there.written["judgements"] == 6
    assert there.written["candidates"] == 6
    assert there.lost == {**OTHER, **({} if keeps_scores else {"scores of candidates": 6})}
    assert not back.lost
    # What no evaluation uses is kept, too.
    assert (out / "back" / "queries.tsv").read_text() == (fleas / "queries.tsv").read_text()
    assert (out / "back" / "qrels.txt").read_text() == (fleas / "qrels.txt").read_text()


def test_what_is_written(fleas: Path):
    assert [path.name for path in convert(fleas, fleas / "a").files] == ["candidates.jsonl", "qrels.txt", "queries.tsv"]
    report = convert(fleas, fleas / "b", "beir")
    assert [path.relative_to(fleas / "b").as_posix() for path in report.files] == [
        "corpus.jsonl",
        "qrels/test.tsv",
        "queries.jsonl",
        "run.trec",
    ]
    assert report.written["documents"] == 6
    assert (fleas / "b" / "qrels" / "test.tsv").read_text().splitlines()[:2] == [
        "query-id\tcorpus-id\tscore",
        "q1\ta\t0",
    ]
    assert json.loads((fleas / "b" / "corpus.jsonl").read_text().splitlines()[0]) == {"_id": "a", "text": "text of a"}
    assert (fleas / "b" / "run.trec").read_text().splitlines()[0] == "q1 Q0 a 1 9.0 rankkit"
    convert(fleas, fleas / "c", "msmarco")
    assert (fleas / "c" / "top1000.test.tsv").read_text().splitlines()[0] == "q1\ta\thow long do fleas live\ttext of a"
    assert (fleas / "c" / "qrels.test.tsv").read_text().splitlines()[0] == "q1\t0\ta\t0"
    line = json.loads(convert(fleas, fleas / "d", "rankllm").files[0].read_text().splitlines()[0])
    assert line["query"] == {"text": "how long do fleas live", "qid": "q1"}
    assert line["candidates"][0] == {"docid": "a", "score": 9.0, "doc": {"text": "text of a"}}
    assert report.to_dict()["written"] == {"candidates": 6, "queries": 4, "judgements": 6, "documents": 6}


def test_what_msmarco_cannot_hold_is_said(fleas: Path, write):
    document = {"docid": "b", "title": "T", "text": "two\nlines \ud83d", "score": 1, "metadata": {"url": "u"}}
    write("candidates.jsonl", json.dumps({"qid": "q1", "query": "other", "candidates": [document]}) + "\n")
    report = convert(fleas, fleas / "out", "msmarco")
    assert report.lost == {
        "scores of candidates": 1,
        "titles, which now begin the texts": 1,
        "metadata of documents": 1,
        "halves of characters (lone surrogates) in texts, which are now U+FFFD": 1,
        "line breaks and tabs in texts, which are now spaces": 1,
        "texts of queries beside candidates, other than in the file of queries": 1,
    }
    [request] = load_dataset(fleas / "out").requests
    assert request.candidates == (Candidate("b", "T two lines \ufffd"),)
    assert request.query.text == "how long do fleas live"


def test_json_holds_everything(fleas: Path, write):
    document = {"docid": "b c", "title": "T", "text": "two\nlines \ud83d\t", "score": 1.5, "metadata": {"é": [1, None]}}
    write("candidates.jsonl", json.dumps({"qid": "q1", "query": "how long", "candidates": [document]}) + "\n")
    write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\tb c\t1\n")
    (fleas / "qrels.txt").unlink()
    for to in ("rankkit", "rankllm"):
        convert(fleas, fleas / to, to)
        assert contents(load_dataset(fleas / to)) == contents(load_dataset(fleas))
    with pytest.raises(DataError, match=r"the document id 'b c' cannot stand in a TREC file|a document id is 'b c'"):
        convert(fleas, fleas / "trec", "trec")
    assert not (fleas / "trec").exists()


def test_scores_that_a_run_cannot_hold(fleas: Path, write):
    line = candidates_line("q1", "how long do fleas live", "a", "b", "c").replace("8.0", "9.0")
    write("candidates.jsonl", line + candidates_line("q2", "floors", "x").replace(', "score": 9.0', ""))
    report = convert(fleas, fleas / "out", "trec")
    assert report.lost["queries with scores that do not fall strictly, which are made up from the ranks"] == 1
    assert load(fleas / "out").first_stage == {"q1": ("a", "b", "c"), "q2": ("x",)}


def test_a_corpus_beside_candidates(fleas: Path, write):
    write(
        "corpus.jsonl",
        '{"_id": "a", "text": "other"}\n{"_id": "e", "title": "", "text": ""}\n{"_id": "z", "text": "z"}\n',
    )
    report = convert(fleas, fleas / "out", "beir")
    assert report.lost == {
        **OTHER,
        "candidates with another text than in the corpus, which is kept": 1,
        "documents of the corpus without a title and a text": 1,
    }
    assert report.notes == {"documents added to the corpus: candidates that it lacked": 5}
    ids = [json.loads(line)["_id"] for line in (fleas / "out" / "corpus.jsonl").read_text().splitlines()]
    assert ids == ["a", "z", "b", "c", "d", "w", "x"]
    kept = convert(fleas, fleas / "ours")
    assert kept.lost == {**OTHER, "documents of the corpus without a title and a text": 1}
    assert contents(load_dataset(fleas / "ours")) == contents(load_dataset(fleas))


def test_one_id_with_two_texts(fleas: Path, write):
    other = candidates_line("q2", "floors", "a", "x").replace("text of a", "another text")
    write("candidates.jsonl", candidates_line("q1", "how long do fleas live", "a", "b") + other)
    report = convert(fleas, fleas / "out", "trec")
    assert report.lost["candidates with another text than for an earlier query, which is kept"] == 1


def test_queries_that_stand_beside_candidates_only(fleas: Path):
    (fleas / "queries.tsv").unlink()
    convert(fleas, fleas / "out", "beir")
    assert load(fleas / "out").queries == {"q1": "fleas", "q2": "floors"}


def test_a_run_takes_the_place_of_the_candidates(fleas: Path, write):
    write("other.run", "q1 Q0 c 1 2.0 x\nq1 Q0 b 2 1.0 x\nq9 Q0 b 1 1.0 x\n")
    report = convert(fleas, fleas / "out", run=fleas / "other.run")
    assert report.lost == {**OTHER, "rankings of queries without a text": 1}
    assert load_dataset(fleas / "out").first_stage == {"q1": ("c", "b")}
    write("other.run", "q1 Q0 c 1 2.0 x\nq1 Q0 new 2 1.0 x\n")
    with pytest.raises(DataError, match=r"other\.run: 1 of 2 documents have no text: 'new'"):
        convert(fleas, fleas / "more", run=fleas / "other.run")


def test_splits(write, tmp_path: Path):
    write("queries.jsonl", '{"_id": "1", "text": "fleas"}\n{"_id": "2", "text": "floors"}\n')
    for split, name in (("test", "1"), ("dev", "2")):
        write(f"qrels/{split}.tsv", f"query-id\tcorpus-id\tscore\n{name}\tb\t1\n")
    write("corpus.jsonl", '{"_id": "b", "text": "x"}\n')
    report = convert(tmp_path, tmp_path / "out", "msmarco")
    assert report.notes == {"other splits, which are not converted (dev)": 1}
    assert [path.name for path in report.files] == ["collection.tsv", "qrels.test.tsv", "queries.test.tsv"]
    report = convert(tmp_path, tmp_path / "dev", "beir", split="dev")
    assert load_dataset(tmp_path / "dev").qrels == {"2": {"b": 1}}
    assert [path.name for path in report.files] == ["corpus.jsonl", "dev.tsv", "queries.jsonl"]


def test_the_target_is_whole_or_not_there(fleas: Path):
    with (fleas / "candidates.jsonl").open("a") as file:
        file.write("{")
    with pytest.raises(DataError, match=r"candidates\.jsonl:3: not valid JSON"):
        convert(fleas, fleas / "out", "beir")
    assert sorted(path.name for path in fleas.iterdir()) == ["candidates.jsonl", "qrels.txt", "queries.tsv"]


def test_what_is_there_is_not_overwritten_unless_that_is_said(fleas: Path):
    out = fleas / "out"
    convert(fleas, out, "beir")
    with pytest.raises(DataError, match=r"out: holds files already: corpus\.jsonl, qrels, qrels/test\.tsv"):
        convert(fleas, out)
    convert(fleas, out, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == ["candidates.jsonl", "qrels.txt", "queries.tsv"]
    (out / "thesis.tex").touch()
    with pytest.raises(DataError, match=r"would be replaced, but holds what is no data set: thesis\.tex"):
        convert(fleas, out, overwrite=True)
    assert (out / "thesis.tex").exists()
    assert not [path for path in fleas.iterdir() if path.name.startswith(".")]


def test_a_failure_leaves_what_was_there(fleas: Path):
    out = fleas / "out"
    convert(fleas, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (fleas / "qrels.txt").write_text("q1 0 a\n")
    with pytest.raises(DataError, match=r"qrels\.txt:1"):
        convert(fleas, out, "beir", overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.slow
def test_a_disk_that_is_full(fleas: Path):
    code = (
        "import resource, sys; from rankkit.data import convert; from rankkit.errors import DataError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: convert(sys.argv[1], sys.argv[1] + '/out', sys.argv[2])\n"
        "except DataError as error: sys.exit(error.message)\n"
    )
    for to in ("rankkit", "beir"):
        ended = subprocess.run([sys.executable, "-c", code, str(fleas), to], capture_output=True, text=True)
        assert "cannot be written (File too large)" in ended.stderr
        assert sorted(path.name for path in fleas.iterdir()) == ["candidates.jsonl", "qrels.txt", "queries.tsv"]


@pytest.mark.parametrize("where", [".", "..", "queries.tsv", "missing/out", "link"])
def test_places_where_nothing_can_be_written(fleas: Path, where: str):
    (fleas / "link").symlink_to(fleas)
    with pytest.raises(DataError, match=r"would be lost|is not a folder|there is no folder"):
        convert(fleas, fleas / where, overwrite=True)
    assert load_dataset(fleas).queries


def test_an_empty_folder_is_filled(fleas: Path):
    (fleas / "out").mkdir()
    convert(fleas, fleas / "out")
    assert load_dataset(fleas / "out").queries


def test_the_nearest_format_is_named(fleas: Path):
    with pytest.raises(ConfigError, match=r"there is no format 'bier' to convert to\n.*Did you mean beir"):
        convert(fleas, fleas / "out", "bier")


def test_ids_that_would_be_read_as_something_else(fleas: Path, write):
    write("qrels.txt", "q1 0 http://x 1\n")
    write("candidates.jsonl", candidates_line("q1", "fleas", "http://x"))
    with pytest.raises(DataError, match=r"the ids 'q1', 'http://x' would be read as names of columns"):
        convert(fleas, fleas / "out", "msmarco")


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(str.strip)
anything = st.text(min_size=1, max_size=12).filter(str.strip)
names = st.text("abé漢-_./:9", min_size=1, max_size=6)
scores = st.one_of(st.none(), st.floats(-1e6, 1e6))
documents = st.builds(
    Candidate,
    id=names,
    text=anything,
    title=st.one_of(st.just(""), words),
    score=scores,
    metadata=st.dictionaries(words, st.one_of(st.integers(), words), max_size=2),
)


@given(
    rows=st.dictionaries(
        names, st.tuples(words, st.lists(documents, unique_by=lambda one: one.id, max_size=4)), min_size=1, max_size=3
    ),
    to=st.sampled_from(["rankkit", "rankllm", "trec", "beir", "msmarco"]),
)
def test_round_trips_keep_what_the_format_holds(rows, to):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source").mkdir()
        with (folder / "source" / "candidates.jsonl").open("w") as file:
            for query, (text, listed) in rows.items():
                found = [
                    {"docid": o.id, "text": o.text, "title": o.title, "score": o.score, "metadata": o.metadata}
                    for o in listed
                ]
                file.write(json.dumps({"qid": query, "query": text, "candidates": found}) + "\n")
        judged = [f"{query} 0 {(listed[0].id if listed else 'none')} 1" for query, (_, listed) in rows.items()]
        (folder / "source" / "qrels.txt").write_text("\n".join(judged) + "\n", encoding="utf-8")
        if not any(listed for _, listed in rows.values()):
            return
        source = load_dataset(folder / "source")
        try:
            report = convert(folder / "source", folder / "there", to)
        except DataError as error:
            assert "names of columns" in error.message
            return
        there = load(folder / "there")
        assert there.qrels == source.qrels
        assert {key: order for key, order in there.first_stage.items() if order} == {
            key: order for key, order in source.first_stage.items() if order
        }
        if to in ("rankkit", "rankllm"):
            assert contents(there) == contents(source)
            assert not report.lost
        back = convert(folder / "there", folder / "back")
        assert load(folder / "back").first_stage == there.first_stage
        assert not back.lost


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("to", LAYOUTS)
@pytest.mark.parametrize("name", ["trec-dl19", "noveleval", "scifact"])
def test_real_data_has_the_same_figures_in_every_format(data_dir: Path, tmp_path: Path, name: str, to: str):
    source = load_dataset(data_dir / name)
    report = convert(data_dir / name, tmp_path / name, to)
    there = load_dataset(tmp_path / name)
    assert there.qrels == source.qrels
    if not source.requests:
        assert there.corpus is not None and source.corpus is not None
        # MS MARCO's tables have no line breaks.
        assert [one.content.split() for one in there.corpus] == [one.content.split() for one in source.corpus]
        return
    before = evaluate(source.qrels, source.first_stage, MEASURES)
    if (tmp_path / name / "run.trec").exists():
        after = evaluate_run(there, read_run(tmp_path / name / "run.trec"), measures=MEASURES).per_query
        assert after == before.per_query
    assert evaluate(there.qrels, load(tmp_path / name).first_stage, MEASURES) == before
    texts = {one.id: one.content for request in source.requests for one in request.candidates}
    kept = {one.id: one.content for request in load(tmp_path / name).requests for one in request.candidates}
    assert "line breaks and tabs in texts, which are now spaces" in report.lost or kept == texts


@pytest.mark.data
def test_rankllm_requests_of_elsewhere_become_ours(data_dir: Path, tmp_path: Path):
    convert(data_dir / "noveleval", tmp_path / "rankllm", "rankllm")
    path = tmp_path / "rankllm" / "candidates.jsonl"
    (tmp_path / "rankllm" / "candidates.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    convert(tmp_path / "rankllm", tmp_path / "back")
    assert load_dataset(tmp_path / "back").requests == load_dataset(data_dir / "noveleval").requests
