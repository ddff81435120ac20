"""The numbers of a reply: between 0 and 1, along the order, and nothing passed off as what it is not."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.ranking import Ranking, Request, ScoreKind, Step
from rankkit.server.exchange import WireRequest
from rankkit.server.scores import results_of


def ranking_of(scores, kind=None, *, order=None, dropped=(), scores_from=""):
    n = len(dropped) + (len(order) if order is not None else len(scores or ()))
    request = Request.of("query", [f"document {index}" for index in range(n)])
    return Ranking(request, order or tuple(range(n - len(dropped))), scores, kind, (), (), dropped, scores_from)


def asked(n=3, **options):
    return WireRequest("query", ("text",) * n, ("text",) * n, **options)


def numbers_of(ranking, request=None, **options):
    results, warnings = results_of(ranking, request or asked(len(ranking.request)), **options)
    return [result.score for result in results], list(warnings)


@pytest.mark.parametrize(
    ("kind", "scores", "promised"),
    [
        (ScoreKind.LOGIT, (2.0, 0.0, -2.0), [1 / (1 + math.exp(-2)), 0.5, 1 / (1 + math.exp(2))]),
        (ScoreKind.LOGIT, (800.0, -800.0), [1.0, 0.0]),
        (ScoreKind.PROBABILITY, (1.0, 0.25, 0.0), [1.0, 0.25, 0.0]),
        (ScoreKind.LOG_LIKELIHOOD, (math.log(0.5), -900.0), [0.5, 0.0]),
        (ScoreKind.SIMILARITY, (1.0, 0.0, -1.0), [1.0, 0.5, 0.0]),
    ],
)
def test_scores_with_a_place_between_0_and_1(kind, scores, promised):
    numbers, warnings = numbers_of(ranking_of(scores, kind))
    assert numbers == pytest.approx(promised)
    assert warnings == []


@pytest.mark.parametrize(
    ("kind", "scores", "reason"),
    [
        (ScoreKind.WINS, (2.0, 1.0, 0.0), "wins"),
        (ScoreKind.LOG_ODDS, (9.0, 1.0, -9.0), "log-odds"),
        (ScoreKind.BM25, (12.0, 11.0, 3.0), "bm25"),
        (ScoreKind.FUSED, (0.03, 0.02, 0.01), "fused"),
        (ScoreKind.RELEVANCE, (3.0, 2.0, 0.0), "relevance"),
        (None, (3.0, 2.0, 0.0), "does not name"),
        (ScoreKind.PROBABILITY, (1.5, 0.5, 0.0), "outside 0 to 1"),
        (ScoreKind.SIMILARITY, (40.0, 30.0, 3.0), "outside -1 to 1"),
        (ScoreKind.LOG_LIKELIHOOD, (0.5, 0.1, -1.0), "outside"),
        (ScoreKind.LOGIT, (1.0, 2.0, 0.0), "do not fall"),
        (None, None, "an order without scores"),
        (None, (None, None, None), "an order without scores"),
    ],
)
def test_others_are_said_by_rank_and_a_warning_says_so(kind, scores, reason):
    numbers, warnings = numbers_of(ranking_of(scores, kind, order=(2, 0, 1)))
    assert numbers == [1.0, 1 / 2, 1 / 3]
    assert len(warnings) == 1 and reason in warnings[0] and "rank only" in warnings[0]


@pytest.mark.parametrize("form", ["promised", "raw"])
def test_scores_of_an_earlier_stage_are_not_passed_off_as_the_last_one_s(form):
    ranking = ranking_of((0.9, 0.8), ScoreKind.PROBABILITY, scores_from="cross-encoder")
    numbers, warnings = numbers_of(ranking, asked(2, score_form=form))
    assert numbers == [1.0, 0.5]
    assert "cross-encoder, an earlier stage" in warnings[0]


@pytest.mark.parametrize("kind", [ScoreKind.LOGIT, ScoreKind.WINS, ScoreKind.FUSED, ScoreKind.BM25, None])
def test_raw_scores_are_the_model_s_own(kind):
    assert numbers_of(ranking_of((3.5, -1.0), kind), asked(2, score_form="raw")) == ([3.5, -1.0], [])


def test_raw_scores_of_a_reranker_that_gives_probabilities_are_these_and_said_to_be():
    numbers, warnings = numbers_of(ranking_of((0.9, 0.2), ScoreKind.PROBABILITY), asked(2, score_form="raw"))
    assert numbers == [0.9, 0.2] and "probabilities" in warnings[0]


def test_documents_without_a_score_have_a_number_that_keeps_their_place():
    scores = (None, 0.5, None, 0.25, None)
    numbers, warnings = numbers_of(ranking_of(scores, ScoreKind.PROBABILITY))
    assert numbers == [0.75, 0.5, 0.375, 0.25, 0.125]
    assert "place only: 3" in warnings[0]
    raw, _ = numbers_of(ranking_of(scores, ScoreKind.LOGIT), asked(5, score_form="raw"))
    assert raw == [1.5, 0.5, 0.375, 0.25, -0.75]


def test_dropped_documents_come_back_only_where_every_document_has_to():
    ranking = ranking_of((0.8,), ScoreKind.PROBABILITY, order=(1,), dropped=(2, 0))
    assert [r.index for r in results_of(ranking, asked())[0]] == [1]
    results, _ = results_of(ranking, asked(complete=True))
    assert [result.index for result in results] == [1, 2, 0]
    assert [result.score for result in results] == pytest.approx([0.8, 0.8 * 2 / 3, 0.8 / 3])


def test_positions_are_those_of_the_body_and_documents_without_text_stand_last():
    ranking = ranking_of((0.8, 0.4), ScoreKind.PROBABILITY, order=(1, 0))
    results, warnings = results_of(ranking, asked(4), places=(1, 3), without_text=(0, 2))
    assert [result.index for result in results] == [3, 1, 0, 2]
    assert any("2 documents without text" in words for words in warnings)
    assert [result.index for result in results_of(ranking, asked(4, top_n=1), places=(1, 3))[0]] == [3]


def test_nothing_to_rank_is_nothing_to_say():
    assert results_of(ranking_of((), None), asked(0)) == ((), ())
    results, _ = results_of(ranking_of(None, None, order=()), asked(1), places=(), without_text=(0,))
    assert [(result.index, result.score) for result in results] == [(0, 1.0)]


score = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1, 1)


@given(
    scores=st.none() | st.lists(score, max_size=8),
    kind=st.none() | st.sampled_from(ScoreKind),
    falling=st.booleans(),
    form=st.sampled_from(["promised", "raw"]),
    dropped=st.integers(0, 3),
    carried=st.sampled_from(["", "stage"]),
)
def test_numbers_are_finite_never_rise_and_lie_between_0_and_1(scores, kind, falling, form, dropped, carried):
    if scores and falling:
        fall = iter(sorted((one for one in scores if one is not None), reverse=True))
        scores = [None if one is None else next(fall) for one in scores]
    n = len(scores or ())
    given_scores = None if scores is None else tuple(scores)
    ranking = ranking_of(
        given_scores, kind, order=tuple(range(n)), dropped=tuple(range(n, n + dropped)), scores_from=carried
    )
    numbers, warnings = numbers_of(ranking, asked(n + dropped, complete=True, score_form=form))
    assert len(numbers) == n + dropped
    assert all(type(number) is float and math.isfinite(number) for number in numbers)
    assert all(later <= earlier for earlier, later in pairwise(numbers))
    if form == "promised":
        assert all(0.0 <= number <= 1.0 for number in numbers)
    if numbers and (not n or carried or not any(one is not None for one in scores)):
        assert warnings and len(set(numbers)) == len(numbers)


def test_calibrated_probabilities_are_promised_as_they_are_and_raw_ones_are_the_model_s():
    ranking = ranking_of((0.9, 0.2), ScoreKind.CALIBRATED)
    step = Step("one", raw_scores=dict(zip(ranking.ids, (4.0, -1.0), strict=True)), raw_kind="logit")
    ranking = replace(ranking, steps=(step,))
    assert numbers_of(ranking) == ([0.9, 0.2], [])
    assert numbers_of(ranking, asked(score_form="raw")) == ([4.0, -1.0], [])
