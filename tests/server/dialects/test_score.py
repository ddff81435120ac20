"""vLLM's ``/score``: both sides by all their names, and replies in the order of the request."""

from __future__ import annotations

import pytest

from rankkit.server.dialects import DIALECTS
from rankkit.server.exchange import Result, WireError
from rankkit.server.pairs import groups_of, joined
from tests.server.dialects.answering import ranked

SCORE = DIALECTS["score"]


@pytest.mark.parametrize("keys", [("queries", "documents"), ("queries", "items"), ("data_1", "data_2")])
@pytest.mark.parametrize("query", ["q", ["q"], ["q", "q"]])
def test_one_query_and_several_texts(keys, query):
    wire = SCORE.read({keys[0]: query, keys[1]: ["a", "bbb"], "model": "m"})
    assert (wire.query, wire.documents, wire.complete, wire.top_n) == ("q", ("a", "bbb"), True, None)
    assert wire.warnings == ()


def test_scores_come_in_the_order_of_the_request():
    wire = SCORE.read(
        {"text_1": "What?", "text_2": ["short", "a longer text", ""], "model": "m", "encoding_format": "float"}
    )
    reply = SCORE.write(ranked(wire)).json
    assert reply["object"] == "list" and reply["model"] == "m" and reply["id"] == "request-1"
    assert [row["index"] for row in reply["data"]] == [0, 1, 2]
    assert all(row["object"] == "score" for row in reply["data"])
    first, second, third = (row["score"] for row in reply["data"])
    assert second > first > third
    assert reply["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


def test_a_query_for_each_text():
    wire = SCORE.read({"text_1": ["p", "q", "p"], "text_2": ["a", "b", "c"]})
    assert (wire.query, wire.queries, wire.documents) == ("p", ("p", "q", "p"), ("a", "b", "c"))
    first, second = groups_of(wire)
    assert (first.wire.query, first.wire.documents, first.wire.queries, first.places) == ("p", ("a", "c"), (), [0, 2])
    assert (second.wire.query, second.wire.documents, second.places) == ("q", ("b",), [1])
    results = joined([(first, (Result(1, 0.9), Result(0, 0.1))), (second, (Result(0, 0.5),))])
    assert [(result.index, result.score) for result in results] == [(2, 0.9), (1, 0.5), (0, 0.1)]


def test_a_request_of_one_query_is_one_part():
    wire = SCORE.read({"text_1": "p", "text_2": ["a", "b"]})
    [part] = groups_of(wire)
    assert part.wire is wire and list(part.places) == [0, 1]


def test_one_pair():
    assert SCORE.read({"text_1": "q", "text_2": "a"}).documents == ("a",)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "the two sides of the pairs are not there"),
        ({"text_1": "a"}, "the two sides"),
        ({"queries": "a", "text_2": "b"}, "the two sides"),
        ({"text_1": ["a", ""], "text_2": ["c", "d"]}, "a query is a text with words"),
        ({"text_1": [{"content": []}], "text_2": ["c"]}, "a query is a text with words"),
        ({"text_1": ["a", "a"], "text_2": ["c"]}, "2 texts for 1"),
        ({"text_1": [], "text_2": ["c"]}, "0 texts for 1"),
        ({"text_1": "q", "text_2": []}, "there are no documents"),
        ({"text_1": 5, "text_2": ["c"]}, "text_1: it is a text (seen: 5)"),
        ({"text_1": "q", "text_2": ["c", None]}, "text_2.1: it is a text (seen: null)"),
        ({"text_1": "", "text_2": ["c"]}, "a query is a text with words"),
    ],
)
def test_what_cannot_be_scored_is_refused(body, words):
    with pytest.raises(WireError) as error:
        SCORE.read(body)
    assert error.value.problem.status == 400 and words in error.value.problem.message
