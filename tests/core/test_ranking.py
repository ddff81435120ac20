"""The data model: what may come in, and what a ranking promises."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.ranking import Candidate, Query, Ranking, Request, ScoreKind, Step
from rankkit.core.usage import Usage
from rankkit.errors import ContractViolation, DuplicateIds, EmptyQuery, InputError, InvalidDocument
from rankkit.testing import request_of


@dataclass
class FrameworkDocument:
    page_content: str
    metadata: dict


def three() -> Request:
    return Request.of("q", ["zero", "one", "two"])


def test_strings_mappings_and_objects_are_documents():
    documents = [
        "plain words",
        {"id": 7, "text": "with an id", "title": "T", "metadata": {"a": 1}, "url": "kept too"},
        {"docid": "x", "contents": "another field's word for text", "score": 3},
        FrameworkDocument("from a framework", {"page": 4}),
        Candidate("ready", "made"),
    ]
    plain, rich, other, framework, ready = Request.of("q", documents).candidates
    assert plain == Candidate("0", "plain words")
    assert rich == Candidate("7", "with an id", "T", metadata={"a": 1, "url": "kept too"})
    assert rich.content == "T with an id"
    assert (other.id, other.text, other.score) == ("x", "another field's word for text", 3.0)
    assert (framework.id, framework.text, framework.metadata) == ("3", "from a framework", {"page": 4})
    assert ready is documents[4]


def test_what_was_handed_in_is_not_changed():
    document = {"id": "a", "text": "words", "tags": ["x"]}
    candidate = Request.of("q", [document]).candidates[0]
    assert document == {"id": "a", "text": "words", "tags": ["x"]}
    with pytest.raises(FrozenInstanceError):
        candidate.text = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("documents", "error", "words"),
    [
        ([{"id": "a"}], InvalidDocument, "document 0 has no text: a dict with id was given"),
        ([{"text": "  "}], InvalidDocument, "document '0' has no text"),
        ([{"text": 5}], InvalidDocument, "are strings, not int"),
        ([None], InvalidDocument, "a NoneType with nothing"),
        ([{"text": "x", "metadata": "y"}], InvalidDocument, "metadata is a mapping, not str"),
        ([{"text": "x", "score": "high"}], InvalidDocument, "score is a number, not 'high'"),
        ([{"id": 1, "text": "x"}, {"id": "1", "text": "y"}], DuplicateIds, "given more than once: '1'"),
        ("one string", InputError, "not one str"),
    ],
)
def test_what_cannot_be_ranked_is_refused_with_what_was_seen(documents, error, words):
    with pytest.raises(error, match=words):
        Request.of("q", documents)


@pytest.mark.parametrize("query", ["", "  \n"])
def test_an_empty_query_is_refused(query):
    with pytest.raises(EmptyQuery, match="empty"):
        Request.of(query, ["x"])


def test_equal_texts_are_different_documents():
    assert len(Request.of("q", ["same", "same"])) == 2


@given(st.lists(st.integers(-2, 6), max_size=6))
def test_a_ranking_is_a_permutation_or_is_not_made(order):
    request = Request.of("q", ["a", "b", "c", "d"])
    if sorted(order) == [0, 1, 2, 3]:
        assert len(Ranking(request, tuple(order))) == 4
    else:
        with pytest.raises(ContractViolation):
            Ranking(request, tuple(order))


@pytest.mark.parametrize("scores", [(1.0,), (1.0, 2.0, float("nan")), (float("inf"), 0.0, 0.0)])
def test_scores_are_finite_and_as_many_as_candidates(scores):
    with pytest.raises(ContractViolation):
        Ranking(three(), (0, 1, 2), scores)


def test_cutting_remembers_what_was_dropped():
    ranking = Ranking(three(), (2, 0, 1), (0.9, 0.5, None), ScoreKind.PROBABILITY)
    assert ranking.top(2).ids == ("2", "0") and ranking.top(2).dropped == (1,)
    assert ranking.above(0.6).ids == ("2",) and ranking.above(0.6).dropped == (0, 1)
    assert ranking.top(9) is ranking and len(ranking.top(0)) == 0
    with pytest.raises(InputError, match="-1"):
        ranking.top(-1)
    with pytest.raises(InputError, match="no scores"):
        Ranking(three(), (0, 1, 2)).above(0.5)


def test_rows_have_ranks_from_one_and_know_where_they_were():
    [first, *_] = Ranking(three(), (2, 0, 1), (0.9, 0.5, 0.1))
    assert (first.rank, first.index, first.candidate.text, first.score) == (1, 2, "two", 0.9)


def test_a_ranking_survives_json_and_prints_readably():
    step = Step("pointwise(m)", Usage(calls=3), outcomes={"ok": 3})
    ranking = Ranking(three(), (2, 0, 1), (0.9, 0.5, 0.1), ScoreKind.PROBABILITY, Usage(calls=3), (step,))
    data = json.loads(json.dumps(ranking.to_dict()))
    assert [row["id"] for row in data["results"]] == ["2", "0", "1"]
    assert data["score_kind"] == "probability" and data["steps"][0]["outcomes"] == {"ok": 3}
    assert repr(ranking).splitlines()[0] == "Ranking of 3 for 'q' (probability)"
    assert "0.9000  2" in repr(ranking)
    assert "<td>0.9000</td><td>2</td>" in ranking._repr_html_()


def test_html_of_documents_is_escaped():
    ranking = Ranking(Request(Query("<q>"), (Candidate("<i>", "<script>"),)), (0,))
    assert "<script>" not in ranking._repr_html_() and "&lt;script&gt;" in ranking._repr_html_()


def test_a_ranking_is_a_sequence_of_rows():
    ranking = Ranking(request_of([1, 2, 3]), (2, 0, 1), (3.0, 2.0, 1.0))
    assert ranking[0].candidate.id == "d2" and (ranking[-1].rank, ranking[-1].score) == (3, 1.0)
    assert [row.rank for row in ranking[1:]] == [2, 3] and ranking[::2][1].candidate.id == "d1"
    assert ranking.texts == ("document 2", "document 0", "document 1") and ranking.ids == ("d2", "d0", "d1")
    with pytest.raises(IndexError):
        ranking[3]


def test_what_a_document_says_does_not_reach_the_terminal():
    hostile = "\x1b[2J\x1b]0;title\x07 \u202egnp.exe"
    ranking = Ranking(Request.of(hostile, [{"id": hostile, "text": hostile}]), (0,))
    shown = repr(ranking)
    assert all(char.isprintable() or char == "\n" for char in shown) and "[2J" in shown


def test_a_selection_names_places_that_are_there():
    request = request_of([1, 2, 3])
    assert [candidate.id for candidate in request.select([2, 0]).candidates] == ["d2", "d0"]
    with pytest.raises(InputError, match="no candidate at position -1"):
        request.select([-1])
    with pytest.raises(InputError, match="no candidate at position 3"):
        request.select([0, 3])
