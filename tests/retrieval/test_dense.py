"""Exact search over vectors, alone and fused with BM25, from Python, a config and the command line."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

import rankkit
from rankkit.backends.encoders.bi_encoder import BiEncoder
from rankkit.backends.encoders.late_interaction import LateInteraction
from rankkit.backends.vectors import VectorStore
from rankkit.config.first_stage import FirstStageSpec
from rankkit.core.ranking import Candidate, Request, ScoreKind
from rankkit.errors import ConfigError, DataError, DuplicateIds
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.similarity import SimilarityJudge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.retrieval.bm25 import Bm25Index
from rankkit.retrieval.dense import DenseIndex
from rankkit.retrieval.hybrid import HybridIndex
from rankkit.retrieval.searcher import Searcher
from tests.cli.command import rankkit as command
from tests.tiny_vectors import WORDS, tiny_encoder

#: Small models are run over corpora.
pytestmark = pytest.mark.slow


def corpus(count: int = 300) -> list[Candidate]:
    source = random.Random(7)
    return [Candidate(str(number), " ".join(source.choices(WORDS, k=source.randint(1, 9)))) for number in range(count)]


@pytest.fixture(params=[BiEncoder, LateInteraction])
def encoder(request, tmp_path):
    return request.param(tiny_encoder(tmp_path / "model", pooling="mean"))


def test_the_best_of_a_search_are_those_of_a_ranking_of_all(encoder):
    documents = corpus()
    found = DenseIndex.build(documents, encoder).search("how do fleas live", k=40)
    ranking = JudgeReranker(SimilarityJudge(encoder), ScoreAll()).rank(Request.of("how do fleas live", documents))
    assert [one.id for one in found.candidates] == [row.candidate.id for row in ranking][:40]
    assert [one.score for one in found.candidates] == [row.score for row in ranking][:40]


def test_equal_scores_stand_in_corpus_order(encoder):
    documents = [Candidate(name, "cats sleep") for name in "cabd"]
    index = DenseIndex.build(documents, encoder)
    assert [one.id for one in index.search("cats", k=3).candidates] == ["c", "a", "b"]
    assert [one.id for one in index.search("cats", k=9).candidates] == ["c", "a", "b", "d"]


def test_blocks_are_put_together(encoder, monkeypatch):
    index = DenseIndex.build(corpus(), encoder)
    whole = index.search("dogs sleep", k=20)
    monkeypatch.setattr("rankkit.retrieval.dense._BLOCK", 7)
    assert index.search("dogs sleep", k=20) == whole


def test_an_index_is_kept_and_built_again_when_it_is_not_theirs(encoder, tmp_path):
    folder = tmp_path / "index"
    built, fresh = DenseIndex.kept(folder, corpus(20), encoder)
    again, anew = DenseIndex.kept(folder, corpus(20), encoder)
    assert (fresh, anew) == (True, False)
    assert again.search("cats") == built.search("cats") == DenseIndex.build(corpus(20), encoder).search("cats")
    assert DenseIndex.kept(folder, corpus(21), encoder)[1]
    other = type(encoder)(tmp_path / "model", max_length=32)
    with pytest.raises(DataError, match="is one of model, and not of model as it is set up now"):
        DenseIndex.load(folder, other)
    assert DenseIndex.kept(folder, corpus(21), other)[1]


def test_vectors_come_from_the_store(encoder, tmp_path, monkeypatch):
    store = VectorStore(tmp_path / "store", encoder.document_fingerprint)
    first = DenseIndex.build(corpus(30), encoder, store)
    monkeypatch.setattr(encoder, "document_vectors", None)
    assert DenseIndex.build(corpus(30), encoder, store).search("cats") == first.search("cats")


def test_what_is_wrong_is_said(encoder, tmp_path):
    with pytest.raises(DataError, match="nothing to index"):
        DenseIndex.build([], encoder)
    with pytest.raises(DuplicateIds):
        DenseIndex.build([Candidate("a", "cats"), Candidate("a", "dogs")], encoder)
    index = DenseIndex.build(corpus(3), encoder)
    with pytest.raises(ConfigError, match="best 0 documents"):
        index.search("cats", k=0)
    index.save(tmp_path / "index")
    [parts] = (tmp_path / "index").glob("parts-*")
    rows = parts / "vectors.npy"
    rows.write_bytes(rows.read_bytes()[:-2] + b"\xff\xff")
    with pytest.raises(DataError, match="no finite numbers"):
        DenseIndex.load(tmp_path / "index", encoder)


def test_hybrid_is_fused_by_reciprocal_ranks(encoder):
    documents = corpus(50)
    bm25, dense = Bm25Index.build(documents), DenseIndex.build(documents, encoder)
    found = HybridIndex(bm25, dense).search("dogs sleep", k=10)
    sums: dict[str, float] = {}
    for index in (bm25, dense):
        for rank, one in enumerate(index.search("dogs sleep", k=100).candidates, start=1):
            sums[one.id] = sums.get(one.id, 0) + 1 / (60 + rank)
    assert [one.score for one in found.candidates] == sorted(sums.values(), reverse=True)[:10]
    assert all(one.score == sums[one.id] for one in found.candidates)
    assert found.candidates == HybridIndex(bm25, dense).search("dogs sleep", k=30).candidates[:10]


def test_a_searcher_searches_any_index(encoder):
    dense = DenseIndex.build(corpus(50), encoder)
    hybrid = HybridIndex(Bm25Index.build(corpus(50)), dense)
    assert Searcher(dense).search("dogs sleep").score_kind == ScoreKind.SIMILARITY
    ranking = Searcher(hybrid, k=5).search("dogs sleep", top_k=3)
    assert (ranking.score_kind, len(ranking)) == (ScoreKind.FUSED, 3)
    assert asyncio.run(Searcher(hybrid, k=5).search_async("dogs sleep", top_k=3)) == ranking


@pytest.fixture
def files(tmp_path):
    tiny_encoder(tmp_path / "model", pooling="mean")
    rows = [{"id": one.id, "text": one.text} for one in corpus(40)]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.mark.parametrize("method", ["dense", "hybrid"])
def test_a_config_searches(files, method):
    config = files / "config.toml"
    config.write_text(
        'model = "./model"\nvectors = "kept"\n[first_stage]\n'
        f'method = "{method}"\nmodel = "./model"\ncorpus = "corpus.jsonl"\nindex = "index"\nvectors = "kept"\nk = 7\n'
    )
    ranking = rankkit.searcher(config).search("how do cats sleep")
    assert len(ranking) == 7
    assert rankkit.searcher(config).search("how do cats sleep").scores == ranking.scores
    assert ranking.usage.calls == 1, "the index and the reranker share their vectors"


def test_keys_of_the_other_method_are_refused():
    with pytest.raises(ValueError, match="stemmer does nothing"):
        FirstStageSpec(method="dense", stemmer="german")
    with pytest.raises(ValueError, match="vectors does nothing"):
        FirstStageSpec(vectors="somewhere")


@pytest.mark.parametrize("method", ["dense", "hybrid"])
def test_the_command_line_searches(files, method):
    options = ["--first-stage", method, "--first-stage-model", str(files / "model"), "--vectors", str(files / "kept")]
    result = command("search", "cats sleep", "--corpus", str(files / "corpus.jsonl"), "--json", *options)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["first_stage"]["name"].startswith(method)
    assert len(told["results"]) == 10
    assert list((files / "kept").iterdir())


@pytest.mark.parametrize("method", ["dense", "hybrid"])
def test_an_evaluation_searches_the_corpus_of_its_data(files, method):
    (files / "queries.tsv").write_text("1\tcats sleep\n2\thow do fleas live\n")
    (files / "qrels.txt").write_text("1 0 3 1\n2 0 5 1\n")
    run = files / "run.trec"
    options = ["--first-stage", method, "--first-stage-model", str(files / "model"), "--run-out", str(run), "--json"]
    result = command("eval", "--data", str(files), "--k", "5", *options)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["queries"] == 2
    lines = run.read_text().splitlines()
    assert len(lines) == 10
    assert lines[0].endswith(method)


def test_a_plan_and_a_check_know_vectors(files):
    config = files / "config.toml"
    config.write_text('model = "./model"\nvectors = "kept"\n[first_stage]\nmethod = "dense"\nmodel = "nobody-knows"\n')
    result = command("config", "check", str(config))
    assert result.returncode != 0
    assert "first_stage.model" in result.stderr
    config.write_text('model = "./model"\nvectors = "kept"\n')
    assert command("config", "check", str(config)).returncode == 0
    for calibration in ("--calibrate", "--no-calibrate"):
        result = command("plan", "--config", str(config), "--candidates", "7", calibration, "--json")
        assert json.loads(result.stdout)["calls"] == 8
    assert not (files / "kept").exists(), "a plan keeps nothing"
