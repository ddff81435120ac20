"""monoT5 on a model whose log-probabilities are known."""

from __future__ import annotations

import math

import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.seq2seq import Seq2Seq
from rankkit.core.ranking import ScoreKind
from rankkit.errors import CapabilityMissing, InvalidModel, InvalidOutput, PromptError
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.monot5 import MonoT5Judge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.prompting.loading import load_prompt
from rankkit.prompting.parsing import parse_prompt
from rankkit.testing import check_reranker
from tests.tiny import tiny_cross_encoder
from tests.tiny_seq2seq import tiny_seq2seq


@pytest.fixture(scope="module")
def backend(tmp_path_factory) -> Seq2Seq:
    return Seq2Seq(tiny_seq2seq(tmp_path_factory.mktemp("tiny"), max_length=64))


def reranker(backend: Seq2Seq, scores: str = "log-probability") -> JudgeReranker:
    return JudgeReranker(MonoT5Judge(backend, scores=scores), ScoreAll())  # type: ignore[arg-type]


def log_share(odds: float) -> float:
    return -math.log1p(math.exp(-odds))


def test_the_score_is_the_log_probability_of_true_among_the_two_target_words(backend):
    ranking = reranker(backend).rerank("word", ["bad", {"id": "t", "title": "good", "text": "good"}, "good"])
    assert ranking.ids == ("t", "2", "0")
    due = [2 * (worth + 0.25 + 0.0625) for worth in (2, 1, -1)]  # document, query, "Relevant:"
    assert ranking.scores == pytest.approx([log_share(odds) for odds in due], abs=1e-6)
    assert ranking.score_kind is ScoreKind.LOG_LIKELIHOOD


def test_probabilities_order_the_same(backend):
    ranking = reranker(backend, "probability").rerank("word", ["bad", "good"], threshold=0.5)
    assert ranking.score_kind is ScoreKind.PROBABILITY and ranking.ids == ("1",)
    assert ranking.scores == pytest.approx([1 / (1 + math.exp(-2.625))], abs=1e-6)


def test_far_off_documents_keep_finite_scores(backend):
    ranking = reranker(backend).rerank("word", ["bad " * 50, "good " * 50])
    assert ranking.ids == ("1", "0")
    assert ranking.scores == pytest.approx([0.0, -99.375], abs=1e-4)


def test_bill_plan_notes_and_contract(backend, tmp_path):
    request = reranker(backend).rerank("word", ["good", "good good", "bad " * 90]).request
    plan, ranking = reranker(backend).plan(request), reranker(backend).rank(request)
    assert (plan.calls, plan.usage.tokens) == (ranking.usage.calls, ranking.usage.input_tokens) == (1, 6 + 7 + 64)
    assert ranking.steps[0].notes == {"document shortened": 1}
    assert set(ranking.steps[0].fingerprints) == {"model", "prompt", "scores"}
    check_reranker(reranker(backend))
    check_reranker(reranker(Seq2Seq(tiny_seq2seq(tmp_path, quantised=True))))


def test_nan_is_an_error_that_names_the_document(backend):
    with pytest.raises(InvalidOutput, match=r"answered nan about document\(s\) x"):
        reranker(backend).rerank("word", [{"id": "x", "text": "nan"}])


def test_what_cannot_work_is_refused_when_the_judge_is_built(backend, tmp_path):
    with pytest.raises(CapabilityMissing, match="monoT5 needs a backend that can give probabilities of target words"):
        MonoT5Judge(CrossEncoder(tiny_cross_encoder(tmp_path)))  # type: ignore[arg-type]
    with pytest.raises(PromptError, match="no plain text that asks for a score"):
        MonoT5Judge(backend, prompt=load_prompt("duot5"))
    unknown = 'question = "score"\nversion = 1\nsource = "x"\ntext = "$query $passage"\n[answer]\nyes = "ja"\nno = "no"'
    with pytest.raises(InvalidModel, match="'ja' is not one token"):
        MonoT5Judge(backend, prompt=parse_prompt(unknown, name="x", where="x"))
