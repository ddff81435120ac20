"""Judged data through a reranker: what is fitted, what is counted, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from rankkit.calibration import calibrate, calibrated, measure
from rankkit.core.ranking import Candidate, Query, Request, ScoreKind
from rankkit.data.datasets import Dataset
from rankkit.errors import ConfigError, DataError
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle


def drawn(queries: int = 60, depth: int = 50, slope: float = 0.5, intercept: float = -1.0) -> Dataset:
    """Relevance that is drawn from a logistic of the score, and one candidate a query that nobody judged."""
    random = np.random.default_rng(11)
    requests, qrels = [], {}
    for number in range(queries):
        scores = random.normal(0.0, 3.0, depth)
        candidates = [Candidate(f"d{i}", f"text {i}", metadata={"relevance": float(s)}) for i, s in enumerate(scores)]
        chances = 1.0 / (1.0 + np.exp(-(slope * scores + intercept)))
        qrels[f"q{number}"] = {f"d{i}": 2 * int(random.random() < chance) for i, chance in enumerate(chances) if i}
        requests.append(Request(Query(f"query {number}", f"q{number}"), tuple(candidates)))
    names = {request.query.id: request.query.text for request in requests}
    return Dataset("drawn", names, qrels, tuple(requests))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return drawn()


@pytest.fixture
def scorer() -> JudgeReranker:
    return JudgeReranker(oracle(ScoreKind.LOGIT), ScoreAll())


def test_held_out_figures_are_better_than_the_raw_ones(data, scorer):
    report = calibrate(scorer, data, min_grade=2, now=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    assert report.before is not None
    assert report.after.ece < 0.03 < report.before.ece
    assert report.after.log_loss < report.before.log_loss and report.after.brier < report.before.brier
    assert report.calibration.map.slope == pytest.approx(0.5, abs=0.06)
    assert report.calibration.map.intercept == pytest.approx(-1.0, abs=0.15)


def test_the_provenance_says_what_was_fitted_on_what(data, scorer):
    report = calibrate(scorer, data, min_grade=2, now=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    on = report.calibration.fitted_on
    assert (on["data"], on["queries"], on["documents"], on["unjudged_documents"]) == ("drawn", 60, 60 * 49, 60)
    assert (on["min_grade"], on["unjudged"], on["date"]) == (2, "skip", "2026-01-02T00:00:00+00:00")
    assert len(str(on["qrels_sha256"])) == 64 and {"rankkit", "python", "scipy"} <= set(on["versions"])
    assert report.calibration.fingerprints == {"model": "scripted"} and report.calibration.kind is ScoreKind.LOGIT


def test_the_same_data_gives_the_same_calibration_whatever_its_order(data, scorer):
    turned = Dataset(data.name, data.queries, data.qrels, tuple(reversed(data.requests)))
    now = lambda: datetime(2026, 1, 2, tzinfo=UTC)  # noqa: E731
    first, second = calibrate(scorer, data, now=now), calibrate(scorer, turned, now=now)
    assert first.after.ece == pytest.approx(second.after.ece)
    assert first.calibration.map.slope == pytest.approx(second.calibration.map.slope)


def test_documents_that_nobody_judged_are_left_out_or_counted_as_is_said(data, scorer):
    counted = calibrate(scorer, data, unjudged="irrelevant").calibration.fitted_on
    assert (counted["documents"], counted["unjudged"]) == (60 * 50, "irrelevant")


def test_where_only_relevant_documents_are_judged_the_choice_is_named(scorer):
    data = drawn(4)
    only = {name: {one: grade for one, grade in grades.items() if grade} for name, grades in data.qrels.items()}
    sparse = Dataset("sparse", data.queries, only, data.requests)
    with pytest.raises(DataError, match="are relevant") as caught:
        calibrate(scorer, sparse)
    assert "without a judgement as irrelevant" in str(caught.value.hint)
    assert calibrate(scorer, sparse, unjudged="irrelevant").after.ece < 0.3


def test_a_calibration_can_be_measured_on_other_data(data, scorer):
    calibration = calibrate(scorer, data).calibration
    before, after = measure(scorer, calibration, drawn(20, slope=0.5))
    assert before is not None and after.ece < before.ece
    _, elsewhere = measure(scorer, calibration, drawn(20, intercept=2.0))
    assert elsewhere.ece > 0.2  # another share of relevant documents: it does not carry over, and that shows


def test_scores_that_fall_with_relevance_are_refused(data):
    against = JudgeReranker(
        ScriptedJudge(
            lambda asked: oracle().answer(asked).__class__(-oracle().answer(asked).value), score_kind=ScoreKind.LOGIT
        ),
        ScoreAll(),
    )
    for method in ("platt", "temperature", "isotonic"):
        with pytest.raises(DataError, match="do not rise with relevance"):
            calibrate(against, data, method=method)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"method": "beta"}, "method"), ({"unjudged": "maybe"}, "unjudged"), ({"precisions": (1.5,)}, "precision")],
)
def test_wrong_options_are_refused(data, scorer, options, words):
    with pytest.raises(ConfigError, match=words):
        calibrate(scorer, data, **options)


def test_one_query_leaves_none_to_measure_on(scorer):
    with pytest.raises(DataError, match="none is left to measure on"):
        calibrate(scorer, drawn(1))


def test_only_scores_of_single_documents_are_calibrated(data, scorer):
    with pytest.raises(ConfigError, match="document's own"):
        calibrate(JudgeReranker(oracle(), AllPairs()), data)
    with pytest.raises(ConfigError, match="document's own"):
        calibrate(scorer.drop_after(3), data)
    made = calibrated(scorer, calibrate(scorer, data).calibration)
    with pytest.raises(ConfigError, match="already"):
        calibrate(made, data)


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_the_order_stays_that_of_the_raw_scores_and_these_are_kept(data, scorer, method):
    made = calibrated(scorer, calibrate(scorer, data, method=method).calibration)
    for request in data.requests[:10]:
        raw, found = scorer.rank(request), made.rank(request)
        assert found.ids == raw.ids and found.score_kind is ScoreKind.CALIBRATED
        assert tuple(row.raw_score for row in found) == raw.scores
        assert list(found.scores) == sorted(found.scores, reverse=True)
        assert all(0.0 <= score <= 1.0 for score in found.scores)
    said = found.to_dict()
    assert said["score_kind"] == "calibrated probability" and said["raw_score_kind"] == "logit"
    assert said["results"][0]["raw_score"] == raw.scores[0]


def test_raw_scores_pass_through_cascades_cuts_and_thresholds(data, scorer):
    made = calibrated(scorer, calibrate(scorer, data).calibration)
    found = (scorer.drop_after(20) >> made.drop_below(0.4)).rank(data.requests[0])
    assert 0 < len(found) < 20
    assert [row.raw_score for row in found] == [row.candidate.metadata["relevance"] for row in found]
    above = made.rank(data.requests[0], threshold=0.5, top_k=2)
    assert [row.raw_score for row in above] == [row.candidate.metadata["relevance"] for row in above]


def test_a_calibration_of_another_model_is_refused(data, scorer):
    calibration = calibrate(scorer, data).calibration
    other = JudgeReranker(
        ScriptedJudge(oracle().answer, score_kind=ScoreKind.LOGIT, fingerprints={"model": "other@1"}), ScoreAll()
    )
    with pytest.raises(ConfigError, match=r"another model.*model is other@1, and was scripted"):
        calibrated(other, calibration)
    with pytest.raises(ConfigError, match="another model"):
        measure(other, calibration, data)
