"""Values that a person can check by hand: gains over log2(rank + 1), against the best possible order."""

from __future__ import annotations

from math import log2

import pytest

from rankkit.errors import ConfigError, DataError
from rankkit.evaluation.measures import evaluate, parse_measures

QRELS = {"q1": {"a": 0, "b": 2, "c": 1, "g": 3}, "q2": {"x": 1}}
ORDERS = {"q1": ("a", "b", "unjudged", "c"), "q2": ("w", "x")}

IDEAL = 3 / log2(2) + 2 / log2(3) + 1 / log2(4)


@pytest.mark.parametrize(
    ("name", "q1", "q2"),
    [
        ("nDCG@10", (2 / log2(3) + 1 / log2(5)) / IDEAL, 1 / log2(3)),  # linear gain: 3, 2, 1 and not 7, 3, 1
        ("nDCG@2", (2 / log2(3)) / (3 / log2(2) + 2 / log2(3)), 1 / log2(3)),
        ("nDCG@1", 0, 0),
        ("MRR@10", 1 / 2, 1 / 2),
        ("RR(rel=2)@10", 1 / 2, 0),
        ("RR@1", 0, 0),
        ("P@2", 1 / 2, 1 / 2),
        ("R@4", 2 / 3, 1),
        ("AP", (1 / 2 + 2 / 4) / 3, 1 / 2),
        ("Success@2", 1, 1),
        ("Judged@4", 3 / 4, 1 / 2),
    ],
)
def test_values(name: str, q1: float, q2: float):
    figures = evaluate(QRELS, ORDERS, parse_measures(name))
    assert figures.per_query[name] == pytest.approx({"q1": q1, "q2": q2})
    assert figures.means == pytest.approx({name: (q1 + q2) / 2})


def test_many_measures_at_once_keep_the_names_and_the_order_that_were_asked_for():
    figures = evaluate(QRELS, ORDERS, parse_measures(" MRR@10, nDCG@10,,P(rel=2,judged_only=True)@1,AP "))
    assert list(figures.means) == ["MRR@10", "nDCG@10", "P(rel=2,judged_only=True)@1", "AP"]


def test_a_measure_under_two_names_is_kept_once():
    assert [measure.name for measure in parse_measures("MRR@10,RR@10,nDCG@10")] == ["MRR@10", "nDCG@10"]


def test_a_judged_query_without_documents_counts_as_zero_and_an_unjudged_one_not_at_all():
    orders = {"q2": ("x",), "q1": (), "q9": ("a",)}
    figures = evaluate(QRELS, orders, parse_measures("nDCG@10,RR@10"))
    assert figures.means == {"nDCG@10": 1 / 2, "RR@10": 1 / 2}
    assert figures.per_query["nDCG@10"] == {"q1": 0.0, "q2": 1.0}
    assert evaluate(QRELS, {}, parse_measures("nDCG@10")).means == {"nDCG@10": 0.0}


def test_negative_grades_are_not_relevant():
    figures = evaluate({"q1": {"spam": -2, "b": 1}}, {"q1": ("spam", "b")}, parse_measures("nDCG@10,RR@10"))
    assert figures.means == pytest.approx({"nDCG@10": 1 / log2(3), "RR@10": 1 / 2})


def test_the_best_order_has_ndcg_one():
    assert evaluate(QRELS, {"q1": "gbca", "q2": "xw"}, parse_measures("nDCG@10")).means == {"nDCG@10": 1.0}


def test_only_positions_count_not_names():
    """A tool that breaks ties by document id would prefer z."""
    qrels = {"q1": {"a": 1}}
    assert evaluate(qrels, {"q1": ("a", "z")}, parse_measures("RR@10")).means == {"RR@10": 1.0}


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("ndcg@10", "there is no measure 'ndcg@10'", "Did you mean nDCG@10?"),
        ("nDGC@10", "there is no measure", "Did you mean nDCG@10?"),
        ("ndcg_cut_10", "there is no measure", "Did you mean nDCG@10?"),
        ("map", "there is no measure", "Did you mean AP?"),
        ("quality", "there is no measure", "Known: AP, Bpref,"),
        ("nDCG@", "cannot be read", "nDCG@10, P(rel=2)@5, AP"),
        ("nDCG@ten", "cannot be read", "nDCG@10, P(rel=2)@5, AP"),
        ("P", "has a missing, wrong or unknown parameter", "P takes cutoff (needed), rel, judged_only."),
        ("nDCG(rel=2)@10", "has a missing, wrong or unknown parameter", "nDCG takes cutoff, dcg, gains, judged_only."),
        ("nDCG@10.5", "has a missing, wrong or unknown parameter", "nDCG takes"),
        ("nDCG@0", "looks at no document", "A cutoff is 1 or more."),
        ("ERR@20", "is known, but not computed here", "Computed here, without software outside Python: AP, Bpref"),
        ("nDCG(dcg='exp-log2')@10", "not computed here in this form", "Computed here"),
        (" , ", "no measure is given", "nDCG@10"),
    ],
)
def test_a_name_that_is_no_measure(name: str, message: str, hint: str):
    with pytest.raises(ConfigError) as caught:
        parse_measures(name)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_nothing_to_measure_by():
    with pytest.raises(DataError, match="no judgements"):
        evaluate({}, ORDERS, parse_measures("AP"))


def test_an_order_with_a_document_twice():
    with pytest.raises(DataError, match="the order for query 'q1' holds a document twice"):
        evaluate(QRELS, {"q1": ("a", "b", "a")}, parse_measures("AP"))
