"""Calibrated scores by a spec, and relevant or not: what is decided on, what is refused, what is said."""

from __future__ import annotations

import pytest

import rankkit
from rankkit.calibration.kept import Calibration, write_calibration
from rankkit.config import load
from rankkit.core.ranking import ScoreKind
from rankkit.core.relevance import keep_relevant
from rankkit.core.usage import Budget
from rankkit.errors import BudgetExhausted, ConfigError
from rankkit.judging.probability_maps import IsotonicMap, LogisticMap
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.prompted import PromptedScoreJudge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.prompting.loading import load_prompt
from rankkit.testing import ScriptedModel, oracle
from tests.tiny import tiny_cross_encoder

DOCUMENTS = ["bad", "best", "good"]  # logits -0.75, 3.25, 1.25


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")


def kept_for(folder, path, made=None, **changed) -> str:
    prints = {**load(folder).judge.fingerprints, **changed}
    write_calibration(
        Calibration(made or LogisticMap(1.0, -2.0), "platt", "tiny", prints, ScoreKind.LOGIT, "logit"), path
    )
    return str(path)


@pytest.fixture
def options(folder, tmp_path) -> dict[str, object]:
    return {"scores": "calibrated", "calibration": kept_for(folder, tmp_path / "c.json")}


def test_a_spec_gives_calibrated_scores_and_keeps_the_raw_ones(folder, options):
    found = load(folder, options=options).rerank("word", DOCUMENTS)
    assert found.ids == ("1", "2", "0") and found.score_kind is ScoreKind.CALIBRATED
    assert found.scores == pytest.approx([0.777, 0.321, 0.060], abs=0.001)
    assert [row.raw_score for row in found] == [3.25, 1.25, -0.75]
    assert load(folder, options=options | {"drop_below": 0.3}).rerank("word", DOCUMENTS).ids == ("1", "2")
    assert load(folder, options=options).rerank("word", DOCUMENTS, threshold=0.5).ids == ("1",)


def test_equal_probabilities_keep_the_order_of_the_raw_scores(folder, tmp_path):
    flat = kept_for(folder, tmp_path / "flat.json", IsotonicMap((-9.0, -1.0, 5.0), (0.1, 0.5, 0.5)))
    found = load(folder, options={"scores": "calibrated", "calibration": flat}).rerank("word", DOCUMENTS)
    assert found.scores == (0.5, 0.5, 0.5) and found.ids == ("1", "2", "0")


def test_without_a_file_or_with_one_of_another_model_it_is_refused(folder, tmp_path, options):
    with pytest.raises(ConfigError, match="never calibrated") as caught:
        load(folder, options={"scores": "calibrated"})
    assert "rankkit calibrate" in str(caught.value.hint)
    other = kept_for(folder, tmp_path / "other.json", model="other@1")
    with pytest.raises(ConfigError, match=r"^calibration: the calibration is of another model"):
        load(folder, options={"scores": "calibrated", "calibration": other})
    with pytest.raises(ConfigError, match="another model"):
        load(folder, options=options | {"max_length": 9})
    with pytest.raises(ConfigError, match="is not used where scores are raw"):
        load(folder, options={"calibration": other})
    with pytest.raises(ConfigError, match=r"calibration: .*cannot be read"):
        load(folder, options={"scores": "calibrated", "calibration": str(tmp_path / "none.json")})


def test_what_is_relevant_by_a_calibrated_probability(folder, options):
    found = rankkit.filter("word", DOCUMENTS, model=folder, options=options)
    assert found.ids == ("1",) and found.dropped == (2, 0) and not found.steps[-1].warnings
    assert found.steps[-1].notes["kept by a calibrated probability of relevance of at least 0.5"] == 1
    nothing = rankkit.filter("word", ["bad", "bad bad"], model=folder, options=options)
    assert nothing.ids == () and set(nothing.dropped) == {0, 1}
    assert rankkit.filter("word", [], model=folder, options=options).ids == ()
    assert len(rankkit.filter("word", DOCUMENTS, model=folder, options=options, at_least=0.0)) == 3


def test_a_calibration_that_was_fitted_anew_is_read_anew(folder, tmp_path):
    options = {"scores": "calibrated", "calibration": kept_for(folder, tmp_path / "c.json")}
    assert len(rankkit.filter("word", DOCUMENTS, model=folder, options=options)) == 1
    kept_for(folder, tmp_path / "c.json", LogisticMap(1.0, 2.25))
    assert len(rankkit.filter("word", DOCUMENTS, model=folder, options=options)) == 3


def test_a_model_s_own_probability_is_said_to_be_uncalibrated(folder):
    found = rankkit.filter("word", DOCUMENTS, model=folder, options={"scores": "probability"})
    assert found.ids == ("1", "2")
    note = "kept by the model's own probability of relevance of at least 0.5 (never calibrated)"
    assert found.steps[-1].warnings == (note,) and "never calibrated" in repr(found)


def test_logits_are_refused_with_words_that_say_what_to_do(folder):
    with pytest.raises(ConfigError, match=r"scores of the kind logit.*never calibrated") as caught:
        rankkit.filter("word", DOCUMENTS, model=folder)
    assert "rankkit calibrate" in str(caught.value.hint) and 'scores = "probability"' in str(caught.value.hint)


@pytest.mark.parametrize("kind", [one for one in ScoreKind if one.name not in ("PROBABILITY", "CALIBRATED")])
def test_no_other_kind_of_score_says_whether_a_document_is_relevant(kind):
    with pytest.raises(ConfigError, match=f"of the kind {kind.value}"):
        JudgeReranker(oracle(kind), ScoreAll()).keep_if(0.5)


def test_orders_and_comparisons_are_refused(folder):
    for strategy in (AllPairs(),):
        with pytest.raises(ConfigError, match="gives none a score of its own"):
            JudgeReranker(oracle(ScoreKind.PROBABILITY), strategy).keep_if(0.5)
    scored = load(folder, options={"scores": "probability"})
    compared = load(folder, paradigm="pairwise")
    with pytest.raises(ConfigError, match="gives none a score of its own"):
        (scored >> compared).keep_if(0.5)
    with pytest.raises(ConfigError, match="gives none a score of its own"):
        scored.on_failure(compared).keep_if(0.5)
    assert (compared >> scored).keep_if(0.9).rerank("word", DOCUMENTS).ids == ("1",)


def test_a_language_model_s_yes_decides():
    def yes(prompt, text):
        return 0.0 if ("best" in str(prompt)) == (text.strip() == "Yes") else -3.0

    judge = PromptedScoreJudge(ScriptedModel(worth=yes), load_prompt("yes-no", "pointwise"))
    found = JudgeReranker(judge, ScoreAll()).keep_if(0.5).rerank("word", DOCUMENTS)
    assert found.ids == ("1",) and "never calibrated" in found.steps[-1].warnings[0]
    graded = PromptedScoreJudge(ScriptedModel(), load_prompt("graded", "pointwise"))
    with pytest.raises(ConfigError, match="relevance"):
        JudgeReranker(graded, ScoreAll()).keep_if(0.5)


def test_a_service_that_promises_numbers_between_0_and_1_decides():
    class Service:
        score_kind, zero_to_one = ScoreKind.RELEVANCE, True

    made = keep_relevant(Service(), 0.5)  # type: ignore[arg-type]
    assert not made.calibrated and "a service's score" in made.note


@pytest.mark.parametrize("at_least", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(folder, at_least):
    with pytest.raises(ConfigError, match="keep_if"):
        load(folder, options={"scores": "probability"}).keep_if(at_least)


def test_where_it_cannot_be_decided_nothing_passes(folder):
    with pytest.raises(BudgetExhausted):
        rankkit.filter("word", DOCUMENTS, model=folder, options={"scores": "probability"}, budget=Budget(calls=0))
