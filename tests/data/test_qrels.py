from __future__ import annotations

import pytest

from rankkit.data.qrels import read_qrels
from rankkit.errors import DataError


def test_trec_judgements(write):
    path = write("qrels.txt", "q1 0 a 2\nq1\t0\tb\t0\nq2 Q0 a -1\n")
    assert read_qrels(path) == {"q1": {"a": 2, "b": 0}, "q2": {"a": -1}}


def test_beir_judgements_have_a_header_and_tabs(write):
    path = write("test.tsv", "query-id\tcorpus-id\tscore\nq1\tdoc one\t2\nq2\tb\t0\n")
    assert read_qrels(path) == {"q1": {"doc one": 2}, "q2": {"b": 0}}


def test_the_same_judgement_twice_is_one(write):
    assert read_qrels(write("qrels.txt", "q1 0 a 2\nq1 0 a 2\n")) == {"q1": {"a": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1 0 a 2\nq1 0 a\n", r"qrels.txt:2: 3 columns instead of 4: 'q1 0 a'"),
        ("q1 0 a 2\nq1 0 b high\n", r"qrels.txt:2: the grade 'high' is not an integer"),
        ("q1 0 a 1.5\n", r"qrels.txt:1: the grade '1.5' is not an integer"),
        ("q1 0 a 2\nq1 0 a 1\n", r"qrels.txt:2: document 'a' has grade 1 for query 'q1', and 2 before"),
        ("", r"qrels.txt: no judgements"),
        ("query-id\tcorpus-id\tscore\n", r"qrels.txt: no judgements"),
        ("query-id\tcorpus-id\tscore\nq1 a 1\n", r"qrels.txt:2: 1 columns instead of 3"),
    ],
)
def test_malformed_judgements(write, text: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        read_qrels(write("qrels.txt", text))
    assert caught.value.hint
