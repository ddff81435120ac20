"""The cross-encoder judge and the pointwise strategy, on a model whose scores are known and on real data."""

from __future__ import annotations

import math

import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.core.ranking import ScoreKind
from rankkit.core.usage import Budget
from rankkit.errors import CapabilityMissing, InvalidOutput
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import check_reranker
from tests.tiny import tiny_cross_encoder


@pytest.fixture(scope="module")
def backend(tmp_path_factory) -> CrossEncoder:
    return CrossEncoder(tiny_cross_encoder(tmp_path_factory.mktemp("tiny")))


def reranker(backend: CrossEncoder, scores: str = "logit") -> JudgeReranker:
    return JudgeReranker(CrossEncoderJudge(backend, scores), ScoreAll())  # type: ignore[arg-type]


def test_documents_are_ordered_by_their_logits(backend):
    ranking = reranker(backend).rerank("word", ["bad", {"id": "t", "title": "best", "text": "good"}, "good"])
    assert ranking.ids == ("t", "2", "0")
    assert ranking.scores == (4.25, 1.25, -0.75)  # the title is read before the text
    assert ranking.score_kind is ScoreKind.LOGIT


def test_probabilities_are_the_logistic_function_of_the_logits_in_the_same_order(backend):
    ranking = reranker(backend, "probability").rerank("word", ["bad", "best"], threshold=0.5)
    assert ranking.score_kind is ScoreKind.PROBABILITY
    assert ranking.ids == ("1",) and ranking.dropped == (0,)
    assert ranking.scores == (pytest.approx(1 / (1 + math.exp(-3.25))),)


def test_the_bill_counts_calls_and_tokens_and_agrees_with_the_plan(backend):
    request = reranker(backend).rerank("word", ["good", "good good", "best"]).request
    plan, ranking = reranker(backend).plan(request), reranker(backend).rank(request)
    assert ranking.usage.input_tokens == 5 + 6 + 5  # [CLS] word [SEP] good [SEP], ...
    assert (plan.usage.tokens, plan.calls, plan.sequential_rounds) == (ranking.usage.tokens, ranking.usage.calls, 1)
    assert plan.exact


def test_the_contract_holds(backend, tmp_path):
    check_reranker(reranker(backend))
    check_reranker(reranker(CrossEncoder(tiny_cross_encoder(tmp_path, quantised=True))))


def test_nan_from_a_model_is_an_error_that_names_the_document(backend):
    with pytest.raises(InvalidOutput, match=r"answered nan about document\(s\) x"):
        reranker(backend).rerank("word", [{"id": "x", "text": "nan"}])
    kept = JudgeReranker(CrossEncoderJudge(backend), ScoreAll(), on_call_failure="partial").rerank(
        "word", ["bad", "nan", "best"]
    )
    assert kept.ids == ("2", "0", "1") and kept.scores[-1] is None
    assert kept.steps[0].outcomes == {"ok": 2, "failed": 1}


def test_a_budget_stops_between_pairs(tmp_path):
    quantised = reranker(CrossEncoder(tiny_cross_encoder(tmp_path, quantised=True)))
    ranking = quantised.rank(quantised.rerank("word", ["bad", "good", "best"]).request, budget=Budget(calls=2))
    assert ranking.ids == ("1", "0", "2") and ranking.steps[0].stopped == "budget of 2 calls"


def test_a_backend_that_cannot_score_pairs_is_refused_when_the_judge_is_built():
    class Talker:
        name = "talker"

    with pytest.raises(CapabilityMissing, match=r"score \(query, document\) pairs.*\n.*ONNX"):
        CrossEncoderJudge(Talker())  # type: ignore[arg-type]


@pytest.mark.model
@pytest.mark.data
@pytest.mark.slow
def test_the_published_figure_of_trec_dl19_comes_out(minilm_folder, data_dir, tmp_path):
    from rankkit.evaluation.experiment import Experiment

    experiment = Experiment.of(data_dir / "trec-dl19", measures="nDCG@10", run_out=tmp_path / "out.run")
    report = experiment.of_reranker(reranker(CrossEncoder(minilm_folder)))
    assert report.queries == 43 and report.pairs == 4300
    assert round(report.first_stage["nDCG@10"], 4) == 0.5058
    assert 0.719 <= report.measures["nDCG@10"] <= 0.730
    again = Experiment.of(data_dir / "trec-dl19", measures="nDCG@10").of_run(tmp_path / "out.run")
    assert again.measures == report.measures
