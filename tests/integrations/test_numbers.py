"""A number for each text, whatever there is to be scored and whether it is scored at all."""

from __future__ import annotations

import math

import pytest

from rankkit.core.ranking import Candidate, Query, Ranking, Request, ScoreKind
from rankkit.errors import EmptyQuery, InputError, InvalidDocument
from rankkit.integrations.made_from import RerankerSource
from rankkit.integrations.numbers import Texts, along_order, along_request, as_probability, pair_numbers
from tests.integrations.rerankers_for_tests import Backwards, NotToBeAsked
from tests.tiny import tiny_cross_encoder


def ranking(order, scores=None, dropped=(), **more):
    count = len(order) + len(dropped)
    request = Request(Query("q"), tuple(Candidate(str(place), "text") for place in range(count)))
    return Ranking(request, tuple(order), scores, dropped=tuple(dropped), **more)


def test_scores_are_given_along_the_order_and_along_the_request():
    ranked = ranking((2, 0, 1), (3.0, 1.0, -1.0), score_kind=ScoreKind.LOGIT)
    assert along_order(ranked) == (3.0, 1.0, -1.0)
    assert along_request(ranked) == [1.0, -1.0, 3.0]
    assert along_request(ranked, as_probability)[2] == pytest.approx(1 / (1 + math.exp(-3)))


@pytest.mark.parametrize(
    "ranked",
    [
        ranking((1, 0)),  # a listwise method
        ranking((1, 0), (2.0, None), score_kind=ScoreKind.LOGIT),  # a tail that was not scored
        ranking((1, 0), (1.0, 2.0), score_kind=ScoreKind.LOGIT),  # another stage's, which do not fall
        ranking((1, 0), (2.0, 1.0), score_kind=ScoreKind.LOGIT, scores_from="an earlier stage"),
    ],
)
def test_without_a_score_of_each_in_the_order_it_is_one_by_rank_and_the_log_says_so(ranked, caplog):
    assert along_order(ranked, as_probability) == (1.0, 0.5)
    assert "1 / rank is given instead" in caplog.text


def test_dropped_ones_come_behind_where_each_must_have_a_number(caplog):
    assert along_request(ranking((2, 0), (5.0, 4.0), dropped=(1,))) == [1 / 2, 1 / 3, 1.0]
    assert "dropped" in caplog.text
    assert along_order(ranking((2, 0), (5.0, 4.0), dropped=(1,))) == (5.0, 4.0)


@pytest.mark.parametrize(
    ("score", "kind", "expected"),
    [
        (0.0, ScoreKind.LOGIT, 0.5),
        (-1000.0, ScoreKind.LOGIT, 0.0),
        (math.log(0.25), ScoreKind.LOG_LIKELIHOOD, 0.25),
        (0.7, ScoreKind.PROBABILITY, 0.7),
        (12.0, ScoreKind.BM25, 12.0),
        (3.0, None, 3.0),
    ],
)
def test_what_is_made_a_probability(score, kind, expected):
    assert as_probability(score, kind) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_a_text_without_words_gets_the_lowest_number_of_its_list_and_the_log_says_so(tmp_path, text, caplog):
    source = RerankerSource(str(tiny_cross_encoder(tmp_path)))
    pairs = [("word", text), ("word", "bad"), ("word", "best"), ("good", "best")]
    numbers = pair_numbers(source, pairs)
    assert numbers[:3] == [-0.75, -0.75, 3.25] and numbers[3] > numbers[0]
    assert "documents without text, left at the end (1)" in caplog.text


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_where_there_is_no_other_it_is_what_the_model_makes_of_an_empty_text(tmp_path, text):
    source = RerankerSource(str(tiny_cross_encoder(tmp_path)))
    assert pair_numbers(source, [("word", text)]) == [0.25] == pair_numbers(source, [("word", "\u200b")])
    assert pair_numbers(source, [("word", text), ("word", "")]) == [0.25, 0.25]


def test_texts_without_words_come_last_in_their_first_order_and_no_model_sees_them():
    texts = Texts.of("q", ["", "a", " ", "b"])
    assert [one.id for one in texts.request.candidates] == ["1", "3"]
    assert texts.order(ranking((1, 0))) == [3, 1, 0, 2]
    assert texts.numbers(ranking((1, 0), (2.0, 1.0), score_kind=ScoreKind.LOGIT)) == [2.0, 1.0, 1.0, 1.0]
    assert texts.numbers_of_all(ranking((1, 0), (2.0, 1.0), score_kind=ScoreKind.LOGIT)) == [1.0, 1.0, 1.0, 2.0]


def test_behind_a_cut_there_is_no_place_for_them():
    texts = Texts.of("q", ["", "a", "b"])
    cut = ranking((1,), (2.0,), dropped=(0,), score_kind=ScoreKind.LOGIT)
    assert texts.order(cut) == [2] and texts.numbers(cut) == [2.0]
    assert texts.numbers_of_all(cut) == [0.5, 0.5, 1.0]


def test_pairs_of_one_query_are_ranked_together_whatever_their_order():
    source = RerankerSource(backwards := Backwards())
    assert pair_numbers(source, [("a", "1"), ("b", "2"), ("a", "3")]) == [0.5, 1.0, 1.0]
    assert backwards.asked == [2, 1]


def test_no_pairs_no_call():
    assert pair_numbers(RerankerSource(NotToBeAsked()), []) == []


@pytest.mark.parametrize("query", ["", "  ", None])
def test_a_pair_without_a_query_is_named(query):
    with pytest.raises(InputError, match="pair 1 has no query"):
        pair_numbers(RerankerSource(NotToBeAsked()), [("a", "b"), (query, "b")])


def test_what_is_no_text_is_refused_by_the_models_of_the_data():
    with pytest.raises(InvalidDocument, match="NoneType"):
        Texts.of("q", [None])
    with pytest.raises(EmptyQuery):
        Texts.of(" ", ["a"])
    with pytest.raises(InputError, match="string"):
        Texts.of(None, ["a"])
    assert Texts.of("\ud800", ["\ud800"]).request.candidates[0].text == "\ufffd"
