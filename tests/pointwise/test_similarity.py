"""Ranking by vectors: the same scores in any company, known documents for the price of the query."""

from __future__ import annotations

import random

import pytest

import rankkit
from rankkit.backends.encoders.bi_encoder import BiEncoder
from rankkit.backends.encoders.late_interaction import LateInteraction
from rankkit.backends.vectors import VectorStore
from rankkit.core.ranking import Candidate, Query, Request, ScoreKind
from rankkit.errors import BackendError, CapabilityMissing, ConfigError
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.similarity import SimilarityJudge
from rankkit.pointwise.strategy import ScoreAll
from tests.conftest import pulled_model
from tests.tiny_vectors import WORDS, tiny_encoder

KINDS = {"cosine": BiEncoder, "maxsim": LateInteraction}


def texts(count: int) -> list[str]:
    source = random.Random(3)
    return [" ".join(source.choices(WORDS, k=source.randint(1, 20))) for _ in range(count)]


class Counted:
    """An encoder that counts its runs, and fails the first ``failing`` queries."""

    def __init__(self, encoder, failing: int = 0) -> None:
        self._encoder, self.queries_run, self.documents_run, self.failing = encoder, 0, 0, failing

    def __getattr__(self, name):
        return getattr(self._encoder, name)

    def query_vectors(self, batch):
        self.queries_run += 1
        if self.queries_run <= self.failing:
            raise BackendError("it failed")
        return self._encoder.query_vectors(batch)

    def document_vectors(self, batch):
        self.documents_run += 1
        return self._encoder.document_vectors(batch)


def reranker(encoder, store=None):
    return JudgeReranker(SimilarityJudge(encoder, store), ScoreAll())


def scores(ranking) -> dict[str, float]:
    return {row.candidate.id: row.score for row in ranking}


@pytest.fixture(params=KINDS)
def encoder(request, tmp_path):
    return Counted(KINDS[request.param](tiny_encoder(tmp_path / "model", pooling="mean")))


def test_scores_are_the_same_bits_in_any_company_and_order(encoder):
    documents = [Candidate(str(number), text) for number, text in enumerate(texts(20))]
    together = scores(reranker(encoder).rank(Request(Query("how do fleas live"), tuple(documents))))
    mixed = random.Random(1).sample(documents, k=20)
    assert scores(reranker(encoder).rank(Request(Query("how do fleas live"), tuple(mixed)))) == together
    for one in documents:
        alone = reranker(encoder).rank(Request(Query("how do fleas live"), (one,)))
        assert scores(alone) == {one.id: together[one.id]}
    assert alone.score_kind == ScoreKind.SIMILARITY


def test_a_query_is_read_once_a_request(encoder):
    ranking = reranker(encoder).rank(Request.of("how do fleas live", texts(20)))
    assert (encoder.queries_run, encoder.documents_run, ranking.usage.calls) == (1, 20, 21)
    assert reranker(encoder).plan(Request.of("how do fleas live", texts(20))).calls == 21


def test_known_documents_cost_the_query_only(encoder, tmp_path):
    request = Request.of("how do fleas live", [*texts(100)])
    store = VectorStore(tmp_path / "store", encoder.document_fingerprint)
    without = scores(reranker(encoder).rank(request))
    assert scores(reranker(encoder, store).rank(request)) == without
    encoder.queries_run = encoder.documents_run = 0
    again = reranker(encoder, VectorStore(tmp_path / "store", encoder.document_fingerprint))
    ranking = again.rank(request)
    assert scores(ranking) == without
    assert (encoder.queries_run, encoder.documents_run, ranking.usage.calls) == (1, 0, 1)
    planned = again.plan(request).usage
    assert (planned.calls, planned.input_tokens) == (1, ranking.usage.input_tokens)
    more = again.rank(Request.of("how do fleas live", [*texts(100), "a document of its own"]))
    assert (encoder.documents_run, more.usage.calls) == (1, 2)


def test_the_same_text_twice_is_read_once(encoder):
    ranking = reranker(encoder).rank(Request.of("cats", ["dogs sleep", "cats sleep", "dogs sleep"]))
    assert encoder.documents_run == 2
    assert len(set(scores(ranking).values())) == 2


def test_a_title_is_read_with_its_text(encoder):
    titled = Request(Query("cats"), (Candidate("a", "sleep all day", title="cats"),))
    plain = Request(Query("cats"), (Candidate("a", titled.candidates[0].content),))
    assert scores(reranker(encoder).rank(titled)) == scores(reranker(encoder).rank(plain))


def test_what_was_cut_is_counted_with_a_store_too(encoder, tmp_path):
    request = Request.of("fleas " * 100, ["cats " * 100, "dogs"])
    store = VectorStore(tmp_path / "store", encoder.document_fingerprint)
    for _ in range(2):
        remarks = repr(reranker(encoder, store).rank(request).steps)
        assert "document shortened" in remarks
        assert "query shortened" in remarks


def test_a_query_that_failed_is_tried_by_the_next_call(tmp_path):
    encoder = Counted(BiEncoder(tiny_encoder(tmp_path, pooling="cls"), threads=1), failing=1)
    partial = JudgeReranker(SimilarityJudge(encoder), ScoreAll(), on_call_failure="partial")
    ranking = partial.rank(Request.of("cats", ["cats", "dogs", "fleas"]))
    assert [score is None for score in (row.score for row in ranking)].count(True) == 1


def test_a_backend_without_vectors_is_refused():
    class Nothing:
        name, fingerprint, concurrency = "nothing", "-", 1

    with pytest.raises(CapabilityMissing, match="make vectors of texts"):
        SimilarityJudge(Nothing())


@pytest.mark.parametrize(("method", "late"), [("cosine", False), ("maxsim", True)])
def test_a_spec_of_a_folder_finds_its_method(tmp_path, method, late):
    folder = tiny_encoder(tmp_path / "model", pooling=None if late else "mean", late=late)
    for named in ({}, {"method": method}):
        loaded = rankkit.load({"model": str(folder), "vectors": str(tmp_path / "store"), **named})
        ranking = loaded.rank(Request.of("cats sleep", ["dogs live", "cats sleep"]))
        assert ranking.score_kind == ScoreKind.SIMILARITY
        assert loaded.name == f"pointwise({folder.name})"
    assert len(list((tmp_path / "store").iterdir())) == 1
    with pytest.raises(ConfigError, match="batch_tokens"):
        rankkit.load({"model": str(folder), "batch_tokens": 64})
    file = tmp_path / "config.toml"
    file.write_text('model = "./model"\nvectors = "kept"\n')
    rankkit.load(file).rank(Request.of("cats", ["dogs"]))
    assert (tmp_path / "kept").is_dir()


def test_vectors_go_with_models_that_make_them():
    with pytest.raises(ConfigError, match="vectors"):
        rankkit.load({"model": "ms-marco-MiniLM-L-12-v2", "vectors": "somewhere"})


@pytest.mark.model
@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("name", "measured"), [("bge-small-en-v1.5", 0.7084), ("answerai-colbert-small-v1", 0.7262)])
def test_the_quality_of_the_real_ones_on_noveleval(name, measured, data_dir, tmp_path):
    from rankkit.evaluation.experiment import Experiment

    pulled_model(name)
    report = Experiment.of(data_dir / "noveleval").of_reranker(rankkit.load(name))
    assert report.measures["nDCG@10"] == pytest.approx(measured, abs=0.01)
