from __future__ import annotations

import pytest

from rankkit.core.ranking import Candidate
from rankkit.data.corpus import Corpus
from rankkit.errors import DataError, InvalidDocument

BEIR = """
    {"_id": "1", "title": "Fleas", "text": "They live long.", "metadata": {}}
    {"_id": "2", "title": "", "text": "Floors cost."}
    {"_id": "3", "title": "", "text": ""}
    {"_id": "4", "title": "Only a title", "text": ""}
"""


def test_documents_are_streamed_and_those_without_words_passed_over(write):
    assert list(Corpus(write("corpus.jsonl", BEIR))) == [
        Candidate("1", "They live long.", "Fleas"),
        Candidate("2", "Floors cost."),
        Candidate("4", "", "Only a title"),
    ]


def test_pick_fetches_by_id(write):
    corpus = Corpus(write("corpus.jsonl", BEIR))
    assert corpus.pick(["4", "2"]) == {"2": Candidate("2", "Floors cost."), "4": Candidate("4", "", "Only a title")}


def test_pick_names_what_is_missing_or_empty(write):
    corpus = Corpus(write("corpus.jsonl", BEIR))
    with pytest.raises(DataError, match="2 of 3 documents are not there, or have no text: '3', '9'"):
        corpus.pick(["2", "3", "9"])


def test_pick_refuses_a_document_that_is_there_twice(write):
    corpus = Corpus(write("corpus.jsonl", '{"_id": "1", "text": "a"}\n{"_id": "1", "text": "b"}\n'))
    with pytest.raises(DataError, match="document '1' is there twice"):
        corpus.pick(["1"])


def test_a_wrong_line_is_named(write):
    path = write("corpus.jsonl", '{"_id": "1", "text": "a"}\n{"text": "b"}\n')
    with pytest.raises(InvalidDocument, match=r"corpus\.jsonl:2: document 1 has no id, but text"):
        list(Corpus(path))
