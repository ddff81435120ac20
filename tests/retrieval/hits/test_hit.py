"""What holds for the hits of every search: which field is the text, hits without one, repeated ids, broken scores."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from rankkit.core.ranking import Query
from rankkit.errors import DuplicateIds, EmptyQuery, InputError, InvalidDocument
from rankkit.retrieval.hits import from_qdrant
from rankkit.retrieval.hits.paths import has_path, names_of, value_at


def points(*payloads: dict, names: tuple = (), scores: tuple = ()) -> list[dict]:
    return [
        {"id": names[at] if names else at, "score": scores[at] if scores else 1.0, "payload": payload}
        for at, payload in enumerate(payloads)
    ]


def test_a_path_leads_inside_and_a_name_with_dots_goes_first():
    fields = {"a": {"b": {"c": 1}}, "x.y": {"z": 2}, "a.b": "flat", "many": [{"t": "p"}, {"t": ["q", "r"]}, 3]}
    assert value_at(fields, "a.b") == "flat" and value_at(fields, "a.b.c") == 1
    assert value_at(fields, "x.y.z") == 2 and value_at(fields, "many.t") == ["p", "q", "r"]
    assert value_at(fields, "a.x") is None and value_at({}, "a") is None
    assert has_path({"a": {"b": None}}, "a.b") and not has_path({"a": {"b": None}}, "a.c")
    assert list(names_of(fields)) == ["a.b.c", "x.y.z", "a.b", "many.t"]


@pytest.mark.parametrize("on_empty", ["error", "skip"])
def test_a_field_that_no_hit_has_is_a_mistake_and_the_others_are_named(on_empty):
    found = points({"title": "Fleas", "article": {"body": "x"}}, {"year": 1})
    with pytest.raises(InvalidDocument) as caught:
        from_qdrant("q", found, text_field="article.bdy", on_empty=on_empty)
    assert "none of 2 hits has a field 'article.bdy'; they have: title, article.body, year" in str(caught.value)
    assert "text_field" in caught.value.hint


def test_a_text_that_goes_by_no_name_that_is_known():
    with pytest.raises(InvalidDocument, match="none of 1 hits has a text under a name that is known; they have: words"):
        from_qdrant("q", points({"words": "x"}), on_empty="skip")


def test_hits_without_text():
    found = points({"body": "cats"}, {"body": " "}, {"body": None}, {"year": 1}, {"body": "", "title": "Dogs"})
    with pytest.raises(InvalidDocument, match=r"hit 1 \(id '1'\) has no text in 'body'; it has: body\n.*on_empty"):
        from_qdrant("q", found, text_field="body")
    request = from_qdrant("q", found, text_field="body", on_empty="skip")
    assert [one.content for one in request.candidates] == ["cats", "Dogs "]
    assert request.notes == {"documents without text, skipped": 3}
    assert len(from_qdrant("q", points({"body": ""}), text_field="body", on_empty="skip")) == 0
    assert len(from_qdrant("q", [], text_field="body")) == 0


@pytest.mark.parametrize("text", [3, {"a": "b"}, ["a", 3], True])
def test_a_text_is_a_string(text):
    with pytest.raises(InvalidDocument, match=r"hit 0 .*the text is a string, not"):
        from_qdrant("q", points({"body": text}), text_field="body")


def test_title_and_id_from_fields_of_ones_own():
    [one] = from_qdrant(
        "q",
        points({"text": "cats", "title": "other", "head": {"line": "Cats"}, "doc": {"key": 12}}, names=("uuid",)),
        title_field="head.line",
        id_field="doc.key",
    ).candidates
    assert (one.id, one.title, one.text) == ("12", "Cats", "cats")
    assert dict(one.metadata) == {"title": "other", "head": {"line": "Cats"}, "doc": {"key": 12}, "_id": "uuid"}


def test_repeated_ids():
    found = points({"text": "a"}, {"text": "b"}, {"text": "c"}, {"text": "d"}, names=("x", "x", "x#2", "x"))
    with pytest.raises(DuplicateIds, match=r"1 id\(s\) are those of several hits: 'x'\n.*on_duplicate"):
        from_qdrant("q", found)
    best = from_qdrant("q", found, on_duplicate="first")
    assert [(one.id, one.text) for one in best.candidates] == [("x", "a"), ("x#2", "c")]
    assert best.notes == {"hits with the id of a better one, left out": 2}
    every = from_qdrant("q", found, on_duplicate="suffix")
    assert [one.id for one in every.candidates] == ["x", "x#3", "x#2", "x#4"]
    assert [one.text for one in every.candidates] == ["a", "b", "c", "d"]
    assert [one.metadata.get("_id") for one in every.candidates] == [None, "x", None, "x"]
    assert every.notes == {"hits with the id of a better one, given an id of their own": 2}


def test_hits_without_an_id_get_their_position():
    found = points({"text": "a"}, {"text": "b"}, names=(None, "0"))
    assert [one.id for one in from_qdrant("q", found).candidates] == ["2", "0"]


def test_scores_that_are_no_numbers():
    found = points(
        *[{"text": str(at)} for at in range(6)], scores=(math.nan, math.inf, None, 10**400, Decimal("0.5"), 2)
    )
    request = from_qdrant("q", found)
    assert [one.score for one in request.candidates] == [None, None, None, None, 0.5, 2.0]
    assert all(type(one.score) in (float, type(None)) for one in request.candidates)
    assert request.notes == {"scores that were no finite numbers, left out": 3}
    for wrong in ("0.5", True, [1]):
        with pytest.raises(InvalidDocument, match="a hit's score is a number"):
            from_qdrant("q", points({"text": "a"}, scores=(wrong,)))


def test_what_tables_have_in_place_of_nothing():
    class NAType:
        """As pandas has it: any comparison with it is itself."""

        def __eq__(self, other):
            return self

        def __bool__(self):
            raise TypeError("boolean value of NA is ambiguous")

        __hash__ = None

    for absent in (math.nan, NAType()):
        found = points({"body": "a", "title": absent}, {"body": absent}, names=(absent, absent))
        request = from_qdrant("q", found, text_field="body", on_empty="skip")
        assert [(one.id, one.content) for one in request.candidates] == [("0", "a")]
        request = from_qdrant("q", points({"text": "a"}, scores=(absent,)))
        assert request.candidates[0].score is None


def test_queries_and_choices_are_checked():
    assert from_qdrant(Query("q", "7"), points({"text": "a"})).query == Query("q", "7")
    with pytest.raises(EmptyQuery):
        from_qdrant(" ", points({"text": "a"}))
    for wrong in ({"on_empty": "skp"}, {"on_duplicate": "frst"}):
        with pytest.raises(InputError, match="Did you mean"):
            from_qdrant("q", [], **wrong)
    assert from_qdrant("q", points({"text": "a\ud800"})).candidates[0].text == "a�"
