"""Data sets of ir_datasets: the real package over local files; nothing is downloaded."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from rankkit.core.ranking import Candidate
from rankkit.data import Run, load_dataset, with_run
from rankkit.errors import ConfigError, DataError
from rankkit.evaluation.measures import evaluate, parse_measures

pytest.importorskip("ir_datasets", reason="the extra ir-datasets is not installed")

DOCS = "a\tdogs bark\nb\tfleas live long\nc\tfleas jump\nd\tfloors\ne\t \n"
QUERIES = "q1\thow long do fleas live\nq2\tcost of floors\nq3\tunjudged\nq4\tnothing found\n"
QRELS = "q1 0 b 2\nq1 0 c 1\nq2 0 d 1\nq4 0 a 1\nq5 0 a 1\n"
SCORED = "q1 Q0 a 1 1.0 x\nq1 Q0 b 2 3.0 x\nq1 Q0 c 3 2.0 x\nq1 Q0 b 4 0.5 x\nq2 Q0 d 1 1.0 x\nq3 Q0 a 1 1.0 x\n"


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory) -> Path:
    """ir_datasets makes its folders when it is imported: not in anybody's home."""
    folder = tmp_path_factory.mktemp("ir_datasets")
    before = os.environ.get("IR_DATASETS_HOME")
    os.environ["IR_DATASETS_HOME"] = str(folder)
    yield folder
    os.environ.pop("IR_DATASETS_HOME")
    if before is not None:
        os.environ["IR_DATASETS_HOME"] = before


@pytest.fixture
def load():
    from rankkit.data import load_ir_dataset

    return load_ir_dataset


@pytest.fixture
def registered(tmp_path: Path, request):
    """Register a data set of local files under a name of the test's own."""
    import ir_datasets
    from ir_datasets.formats import TrecQrels, TrecScoredDocs, TsvDocs, TsvQueries

    formats = {
        "docs": TsvDocs,
        "queries": TsvQueries,
        "qrels": lambda file: TrecQrels(file, {}),
        "scored": TrecScoredDocs,
    }

    def register(*more: object, suffix: str = "", **files: str) -> str:
        name = f"local-{abs(hash(request.node.name))}{suffix}"
        parts = []
        for part, text in files.items():
            path = tmp_path / f"{part}.txt"
            path.write_text(text, encoding="utf-8")
            parts.append(formats[part](ir_datasets.util.LocalDownload(path)))
        ir_datasets.registry.register(name, ir_datasets.Dataset(*parts, *more))
        return name

    return register


def test_queries_judgements_and_candidates(load, registered):
    data = load(registered(docs=DOCS, queries=QUERIES, qrels=QRELS, scored=SCORED))
    assert data.queries == {"q1": "how long do fleas live", "q2": "cost of floors", "q4": "nothing found"}
    assert data.qrels == {"q1": {"b": 2, "c": 1}, "q2": {"d": 1}, "q4": {"a": 1}}
    assert data.first_stage == {"q1": ("b", "c", "a"), "q2": ("d",)}
    assert data.requests[0].candidates[0] == Candidate("b", "fleas live long", score=3.0)
    assert [request.query.id for request in data.requests[:2]] == ["q1", "q2"]
    assert data.notes == {
        "candidates that were there twice, kept once": 1,
        "queries without judgements, left out": 1,
        "judged queries without a text, left out": 1,
        "queries without candidates, counted as 0": 1,
    }
    assert evaluate(data.qrels, data.first_stage, parse_measures("RR@10")).means["RR@10"] == pytest.approx(2 / 3)


def test_depth_and_limit(load, registered):
    name = registered(docs=DOCS, queries=QUERIES, qrels=QRELS, scored=SCORED)
    assert load(name, depth=1, limit=1).first_stage == {"q1": ("b",)}
    for option in ("depth", "limit"):
        with pytest.raises(ConfigError, match=f"{option} is 0"):
            load(name, **{option: 0})


def test_without_scored_documents_there_is_a_corpus(load, registered):
    data = load(registered(docs=DOCS, queries=QUERIES, qrels=QRELS))
    assert data.requests == ()
    assert data.corpus is not None
    assert [one.id for one in data.corpus] == ["a", "b", "c", "d"]  # e has no words
    assert data.corpus.pick(["d", "a"]) == {"d": Candidate("d", "floors"), "a": Candidate("a", "dogs bark")}
    with pytest.raises(DataError, match="2 of 3 documents are not there, or have no text: 'e', 'z'"):
        data.corpus.pick(["a", "e", "z"])
    run = Run({"q1": (("c", 2.0), ("b", 1.0))})
    assert with_run(data, run).first_stage == {"q1": ("c", "b")}


def test_bm25_searches_its_documents(load, registered):
    pytest.importorskip("bm25s")
    from rankkit.evaluation.first_stage import searched

    data, _ = searched(load(registered(docs=DOCS, queries=QUERIES, qrels=QRELS)), k=2)
    assert data.first_stage["q2"] == ("d",)


def test_ms_marcos_pairs_without_scores_keep_their_order(load, registered):
    pairs = "q1\tc\nq1\ta\nq1\tb\n"
    assert load(registered(docs=DOCS, queries=QUERIES, qrels=QRELS, scored=pairs)).first_stage == {
        "q1": ("c", "a", "b")
    }


def test_documents_without_text_are_left_out_and_counted_and_missing_ones_named(load, registered):
    data = load(registered(docs=DOCS, queries=QUERIES, qrels=QRELS, scored="q1\te\nq1\tb\nq2\tz\n"))
    assert data.requests[0].notes == {"documents without text, skipped": 1}
    assert [one.id for one in data.requests[0].candidates] == ["b"]
    with pytest.raises(DataError, match="1 of 1 documents are not there, or have no text: 'z'"):
        list(data.requests)


def test_a_title_is_kept_apart_where_it_is_part_of_the_text(load, registered):
    from ir_datasets.formats import BaseDocs

    class Document(NamedTuple):
        doc_id: str
        title: str
        body: str

        def default_text(self) -> str:
            return f"{self.title} {self.body}"

    class Paper(NamedTuple):
        doc_id: str
        title: str
        abstract: str

        def default_text(self) -> str:
            return f"{self.title} {self.abstract}"

    class Documents(BaseDocs):
        def docs_iter(self):
            return iter([Document("a", "Dogs", "they bark"), Paper("b", "Fleas", "they jump")])

    data = load(registered(Documents(), queries=QUERIES, qrels=QRELS))
    assert data.corpus is not None
    assert list(data.corpus) == [Candidate("a", "they bark", "Dogs"), Candidate("b", "Fleas they jump")]


def test_the_highest_of_several_grades_counts_and_others_are_refused(load, registered):
    from ir_datasets.formats import BaseQrels
    from ir_datasets.formats.trec import TrecSubQrel

    class Preference(NamedTuple):
        query_id: str
        doc_id: str
        better_than: str

    class Subtopics(BaseQrels):
        def qrels_iter(self):
            return iter(
                [TrecSubQrel("q1", "b", 1, "1"), TrecSubQrel("q1", "b", 3, "2"), TrecSubQrel("q1", "b", 0, "3")]
            )

    class Preferences(BaseQrels):
        def qrels_iter(self):
            return iter([Preference("q1", "b", "a")])

    assert load(registered(Subtopics(), docs=DOCS, queries=QUERIES)).qrels == {"q1": {"b": 3}}
    with pytest.raises(
        DataError, match=r"judgements are Preferences \(query_id, doc_id, better_than\), which have no grade"
    ):
        load(registered(Preferences(), suffix="-preferences", docs=DOCS, queries=QUERIES))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "msmarco-pasage/trec-dl-2019/judged",
            "knows no data set .*\n.*Did you mean msmarco-passage/trec-dl-2019/judged",
        ),
        ("zzz", "knows no data set 'zzz'\n.*https://ir-datasets.com"),
        ("beir/scifact", r"beir/scifact of ir_datasets has no judgements\n.*beir/scifact/test"),
        ("msmarco-passage", r"msmarco-passage of ir_datasets has no queries\n.*judged: msmarco-passage/"),
    ],
)
def test_names_that_are_no_judged_data(load, name: str, message: str):
    with pytest.raises(DataError, match=message):
        load(name)


def test_nothing_is_judged(load, registered):
    with pytest.raises(DataError, match="none of its 4 queries is judged"):
        load(registered(docs=DOCS, queries=QUERIES, qrels="other 0 a 1\n"))


def test_without_a_network(load, registered, monkeypatch, tmp_path):
    """A real download, from a port of this machine where nobody listens."""
    import ir_datasets
    from ir_datasets.formats import TrecQrels

    monkeypatch.setenv("IR_DATASETS_DL_TRIES", "1")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        addresses = [f"http://127.0.0.1:{nobody.getsockname()[1]}/{name}" for name in ("a", "b")]
        for mirrors in (addresses[:1], addresses):
            sources = [ir_datasets.util.RequestsDownload(address) for address in mirrors]
            qrels = TrecQrels(ir_datasets.util.Download(sources, cache_path=tmp_path / "qrels"), {})
            name = registered(qrels, suffix=f"-{len(mirrors)}", docs=DOCS, queries=QUERIES)
            with pytest.raises(DataError, match=r"judgements cannot be had: .*127\.0\.0\.1") as caught:
                load(name)
            assert "needs a network" in caught.value.hint


def test_files_that_are_broken(load, registered, tmp_path):
    name = registered(docs=DOCS, queries=QUERIES, qrels="q1 0 a\n")
    with pytest.raises(DataError, match="judgements cannot be had: expected 4 columns, got 3"):
        load(name)
    (tmp_path / "qrels.txt").unlink()
    with pytest.raises(DataError, match=r"judgements cannot be had: .*qrels\.txt"):
        load(name)


def test_a_home_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    code = "from rankkit.data import load_ir_dataset"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "IR_DATASETS_HOME": str(tmp_path / "file" / "home")},
        capture_output=True,
        text=True,
    )
    assert "DataError: ir_datasets cannot make its folder" in ended.stderr
    assert "Set IR_DATASETS_HOME" in ended.stderr


def test_its_figures_are_those_of_the_same_files_in_a_folder(load, registered, data_dir: Path, tmp_path: Path):
    stored = load_dataset(data_dir / "noveleval")
    documents = {one.id: " ".join(one.text.split()) for request in stored.requests for one in request.candidates}
    name = registered(
        docs="".join(f"{key}\t{text}\n" for key, text in documents.items()),
        queries="".join(f"{key}\t{text}\n" for key, text in stored.queries.items()),
        qrels=(data_dir / "noveleval" / "qrels.txt").read_text(),
        scored="".join(
            f"{request.query.id} Q0 {one.id} 0 {one.score!r} x\n"
            for request in stored.requests
            for one in request.candidates
        ),
    )
    data = load(name)
    assert data.qrels == stored.qrels
    assert data.first_stage == stored.first_stage
    measures = parse_measures("nDCG@10")
    assert evaluate(data.qrels, data.first_stage, measures).means["nDCG@10"] == pytest.approx(0.7052, abs=5e-5)
