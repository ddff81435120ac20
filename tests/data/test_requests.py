from __future__ import annotations

import json

import pytest

from rankkit.core.ranking import Candidate, Query, Request
from rankkit.data.requests import read_requests
from rankkit.errors import DataError, DuplicateIds, EmptyQuery, InputError, InvalidDocument

OURS = {"qid": 7, "query": "fleas", "candidates": [{"docid": 1, "text": "long", "title": "Fleas", "score": 2}]}
RANKLLM = {
    "query": {"text": "fleas", "qid": "7"},
    "candidates": [{"docid": "1", "score": 2.0, "doc": {"_id": "other", "title": "Fleas", "contents": "long"}}],
}


@pytest.mark.parametrize("shape", [OURS, RANKLLM], ids=["ours", "rankllm"])
def test_both_shapes_give_the_same_request(write, shape: dict):
    path = write("requests.jsonl", json.dumps(shape))
    assert list(read_requests(path)) == [Request(Query("fleas", "7"), (Candidate("1", "long", "Fleas", 2.0),))]


@pytest.mark.parametrize("key", ["text", "segment", "contents", "content", "body", "passage"])
def test_the_body_has_many_names(write, key: str):
    shape = {"qid": "7", "query": "fleas", "candidates": [{"docid": "1", "doc": {key: "long"}}]}
    (request,) = read_requests(write("requests.jsonl", json.dumps(shape)))
    assert request.candidates == (Candidate("1", "long"),)


def test_a_document_may_be_a_plain_string(write):
    shape = {"qid": "7", "query": "fleas", "candidates": [{"docid": "1", "doc": "long"}]}
    (request,) = read_requests(write("requests.jsonl", json.dumps(shape)))
    assert request.candidates == (Candidate("1", "long"),)


def test_other_fields_become_metadata(write):
    shape = {"qid": "7", "query": "fleas", "candidates": [{"docid": "1", "doc": {"text": "long", "url": "u"}}]}
    (request,) = read_requests(write("requests.jsonl", json.dumps(shape)))
    assert request.candidates[0].metadata == {"url": "u"}


def test_depth_keeps_the_first_candidates(write):
    shape = {"qid": "7", "query": "fleas", "candidates": [{"docid": str(n), "text": "long"} for n in range(5)]}
    (request,) = read_requests(write("requests.jsonl", json.dumps(shape)), depth=2)
    assert [item.id for item in request.candidates] == ["0", "1"]


def test_a_query_may_have_no_candidates(write):
    (request,) = read_requests(write("requests.jsonl", '{"qid": "7", "query": "fleas", "candidates": []}'))
    assert len(request) == 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"candidates": None}, DataError, "no list of candidates, but qid, query, candidates"),
        ({"qid": None}, DataError, "no query id among qid, query, candidates"),
        ({"query": None}, DataError, "no query text among"),
        ({"query": " "}, EmptyQuery, "the query is empty"),
        ({"candidates": ["long"]}, InvalidDocument, "document 0 is a str"),
        ({"candidates": [{"text": "long"}]}, InvalidDocument, "document 0 has no id, but text"),
        ({"candidates": [{"docid": "1"}]}, InvalidDocument, "document 0 has no text"),
        ({"candidates": [{"docid": "1", "text": 5}]}, InvalidDocument, "text and title are strings"),
        ({"candidates": [{"docid": "1", "doc": 5}]}, InvalidDocument, "doc is a int"),
        ({"candidates": [{"docid": "1", "text": "a"}, {"docid": 1, "text": "b"}]}, DuplicateIds, "more than once: '1'"),
    ],
)
def test_a_wrong_line_is_refused_with_its_place(write, change: dict, error: type, message: str):
    path = write("requests.jsonl", json.dumps({**OURS, "qid": "6"}) + "\n" + json.dumps({**OURS, **change}))
    with pytest.raises(error, match=message) as caught:
        list(read_requests(path))
    assert caught.value.message.startswith(f"{path}:2: ")


def test_a_query_that_is_there_twice(write):
    path = write("requests.jsonl", json.dumps(OURS) + "\n" + json.dumps(RANKLLM))
    with pytest.raises(DataError, match=r":2: query '7' is there a second time, after .*:1"):
        list(read_requests(path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "candidates.jsonl",
            '{"qid": "q", "query": "x", "candidates": [{"docid": "a", "text": "t", "score": 1e999}]}\n',
        ),
        (
            "candidates.jsonl",
            '{"qid": "q", "query": "x", "candidates": [{"docid": "a", "text": "t", "score": -1e999}]}\n',
        ),
        ("candidates.tsv", "qid\tid\tquery\ttext\tscore\nq\ta\tx\tt\tnan\n"),
        ("candidates.csv", "qid,id,query,text,score\nq,a,x,t,inf\n"),
    ],
)
def test_scores_that_are_no_finite_numbers(write, name: str, text: str):
    with pytest.raises(
        InvalidDocument, match=r"candidates\.\w+:\d: document 'a': the score -?(inf|nan) is not a finite"
    ):
        list(read_requests(write(name, text)))


def test_a_listener_is_given_every_fault_and_the_rest_is_read(write):
    lines = [
        '{"qid": "q1", "query": "x", "candidates": ['
        '{"docid": "a", "text": "t"}, {"docid": "b"}, {"docid": "a", "text": "u"}]}',
        "no JSON",
        '{"qid": "q1", "query": "again", "candidates": []}',
        '{"qid": "q2", "query": "y", "candidates": [{"docid": "a", "text": "t"}]}',
    ]
    faults: list[InputError] = []
    requests = list(read_requests(write("candidates.jsonl", "\n".join(lines)), on_fault=faults.append))
    assert [(one.query.id, [document.id for document in one.candidates]) for one in requests] == [
        ("q1", ["a"]),
        ("q2", ["a"]),
    ]
    places = [fault.message.rpartition("candidates.jsonl:")[2].partition(":")[0] for fault in faults[:3]]
    assert places == ["1", "1", "2"]
    assert "a second time" in faults[3].message
