"""Documents in the shapes of search engines, vector stores and frameworks. The classes have the attributes of the real
ones (LangChain, LlamaIndex, Haystack, Qdrant), looked at in their packages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest

from rankkit.core.ranking import Candidate, Query, Request
from rankkit.errors import InputError, InvalidDocument


def read(*documents: object) -> tuple[Candidate, ...]:
    return Request.of("q", documents).candidates


@dataclass
class LangChainDocument:
    page_content: str
    metadata: dict = field(default_factory=dict)
    id: str | None = None


@dataclass
class TextNode:
    text: str
    id_: str
    metadata: dict = field(default_factory=dict)

    @property
    def node_id(self) -> str:
        return self.id_

    def get_content(self, metadata_mode: str = "none") -> str:
        return self.text


@dataclass
class NodeWithScore:
    node: TextNode
    score: float | None = None

    @property
    def text(self) -> str:
        if not isinstance(self.node, TextNode):
            raise ValueError("Node must be a TextNode to get text.")
        return self.node.text

    @property
    def metadata(self) -> dict:
        return self.node.metadata

    @property
    def node_id(self) -> str:
        return self.node.id_

    def get_content(self) -> str:
        return self.node.get_content()


@dataclass
class OtherNode:
    id_: str

    def get_content(self) -> str:
        return "content of a node of another kind"


@dataclass
class HaystackDocument:
    id: str
    content: str | None
    meta: dict = field(default_factory=dict)
    score: float | None = None


@dataclass
class ScoredPoint:
    id: int | str
    score: float
    payload: dict | None
    version: int = 1


class Passage(NamedTuple):
    id: str
    text: str


def test_objects_of_frameworks_are_read_with_their_ids_scores_and_metadata():
    documents = [
        LangChainDocument("from langchain", {"page": 4}),
        LangChainDocument("with an id", id="l2"),
        TextNode("from llama-index", "n1", {"file": "a"}),
        NodeWithScore(TextNode("found", "n2", {"file": "b"}), 0.5),
        NodeWithScore(OtherNode("n3"), 0.25),  # type: ignore[arg-type]
        HaystackDocument("h1", "from haystack", {"lang": "en"}, 2.0),
        ScoredPoint(7, 0.75, {"text": "from qdrant", "title": "T", "year": 1999, "metadata": {"a": 1}}),
        ScoredPoint("u", 0.5, {"page_content": "as langchain stores it", "metadata": {"page": 2}}),
        Passage("p", "a named tuple"),
    ]
    assert read(*documents) == (
        Candidate("0", "from langchain", metadata={"page": 4}),
        Candidate("l2", "with an id"),
        Candidate("n1", "from llama-index", metadata={"file": "a"}),
        Candidate("n2", "found", score=0.5, metadata={"file": "b"}),
        Candidate("n3", "content of a node of another kind", score=0.25),
        Candidate("h1", "from haystack", score=2.0, metadata={"lang": "en"}),
        Candidate("7", "from qdrant", "T", 0.75, {"year": 1999, "a": 1}),
        Candidate("u", "as langchain stores it", score=0.5, metadata={"page": 2}),
        Candidate("p", "a named tuple"),
    )


def test_hits_of_search_engines_have_their_words_one_level_down():
    hits = [
        {"_index": "web", "_id": "e1", "_score": 12.5, "_source": {"title": "T", "body": "fleas", "id": "inner"}},
        {"_id": "e2", "_score": None, "_source": {"text": "unscored"}},
        {"id": "v1", "score": 0.5, "metadata": {"text": "a vector store that has metadata only", "lang": "en"}},
        {"docid": "r1", "score": 3, "doc": {"contents": "as RankLLM has it", "score": 99}},
    ]
    assert read(*hits) == (
        Candidate("e1", "fleas", "T", 12.5, {"_index": "web"}),
        Candidate("e2", "unscored"),
        Candidate("v1", "a vector store that has metadata only", score=0.5, metadata={"lang": "en"}),
        Candidate("r1", "as RankLLM has it", score=3.0),
    )


def test_an_empty_first_key_is_passed_over_and_leaves_nothing_behind():
    [found] = read({"text": "", "content": "fleas live", "body": None, "id": "", "score": None})
    assert found == Candidate("0", "fleas live")


def test_ids_that_are_missing_are_made_up_and_never_somebody_elses():
    documents = [{"id": "1", "text": "a"}, {"text": "b"}, {"text": "c"}, {"id": "4", "text": "d"}, "e", "f"]
    assert [one.id for one in read(*documents)] == ["1", "6", "2", "4", "7", "5"]
    assert [one.id for one in read({"text": "a"}, {"id": 0, "text": "b"})] == ["2", "0"]


def test_bytes_are_utf8_or_refused():
    assert [one.text for one in read(b"fl\xc3\xb6he", bytearray(b"a"), memoryview(b"b"))] == ["flöhe", "a", "b"]
    assert read({"id": b"x", "text": b"fleas", "title": b"T"}) == (Candidate("x", "fleas", "T"),)
    with pytest.raises(InvalidDocument, match=r"document 1 is bytes that are not UTF-8 .* at byte 2"):
        read("fine", b"fl\xf6he")


def test_rows_of_tables_have_missing_values():
    class NAType: ...

    row = {
        "id": np.int64(3),
        "text": np.str_("fleas"),
        "title": float("nan"),
        "score": np.float32("nan"),
        "x": NAType(),
    }
    [found] = read(row)
    assert (found.id, found.text, found.title, found.score) == ("3", "fleas", "", None)
    assert read({"text": "x", "score": Decimal("1.5")})[0].score == 1.5


class Table:
    columns = ("id", "text")

    def __iter__(self):
        return iter(self.columns)


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        (Table(), 'not one Table\n.*to_dict\\("records"\\)'),
        ({"a": "text of a", "b": "text of b"}, r"not one dict\n.*values\(\)"),
        ("one string", "not one str\n.*list"),
        (b"bytes", "not one bytes"),
        (5, "not one int\n.*Give a list"),
        (None, "not one NoneType"),
    ],
)
def test_what_is_no_sequence_of_documents_is_refused(documents, words):
    with pytest.raises(InputError, match=words):
        Request.of("q", documents)


def test_any_iterable_of_documents_will_do():
    assert [one.text for one in Request.of("q", (text for text in ("a", "b"))).candidates] == ["a", "b"]
    assert [one.text for one in Request.of("q", {"x": "a", "y": "b"}.values()).candidates] == ["a", "b"]
    # A set has no order that the next process would have, too.
    assert [one.text for one in Request.of("q", {"c", "a", "b"}).candidates] == ["a", "b", "c"]
    assert [one.text for one in Request.of("q", np.array(["a", "b"])).candidates] == ["a", "b"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (("fleas", 0.5), "document 0 has no text: a tuple of str and float was given"),
        ((LangChainDocument("x"), 0.5), "a tuple of LangChainDocument and float was given"),
        (("id", "text"), "a tuple of str and str was given"),
        (5, "a int was given"),
        (True, "a bool was given"),
        (["a"], "a list of str was given"),
        (date(2020, 1, 1), "a date was given"),
        (ScoredPoint(1, 0.5, None), "a ScoredPoint with id, score was given"),
        (HaystackDocument("h", None), "a HaystackDocument with id, meta was given"),
        ({"text": ["a"]}, "text and title are strings, not list"),
    ],
)
def test_what_is_no_document_is_refused_in_words(document, words):
    with pytest.raises(InvalidDocument, match=words):
        Request.of("q", [document])


def test_documents_without_text_are_skipped_where_that_is_asked_for():
    documents = ["a", "  ", {"id": "x", "text": ""}, None, {"id": "y", "title": "only a title"}, "b"]
    with pytest.raises(InvalidDocument, match="document '1' has no text"):
        Request.of("q", documents)
    request = Request.of("q", documents, on_empty="skip")
    assert [one.id for one in request.candidates] == ["0", "y", "5"]
    assert request.notes == {"documents without text, skipped": 3}
    assert request.select([1]).notes == request.notes
    with pytest.raises(InvalidDocument, match="a int was given"):
        Request.of("q", [5], on_empty="skip")
    with pytest.raises(InputError, match=r"on_empty is 'ignore'\n.*error, skip"):
        Request.of("q", ["a"], on_empty="ignore")  # type: ignore[arg-type]


def test_lone_surrogates_in_plain_values_are_read_as_a_mark_and_counted():
    request = Request.of("caf\udce9", ["fine", "half \ud83d", {"text": "x", "title": "\udc00"}])
    assert request.query.text == "caf\ufffd"
    assert [one.content for one in request.candidates] == ["fine", "half \ufffd", "\ufffd x"]
    assert request.notes == {"lone surrogates read as U+FFFD, query": 1, "lone surrogates read as U+FFFD, documents": 2}
    # What is a candidate already stays the object that it is.
    ready = Candidate("a", "half \ud83d")
    same = Request.of(Query("half \ud83d"), [ready])
    assert same.candidates[0] is ready and same.notes == {}


def test_only_documents_without_words_are_skipped():
    documents = [{"document": "real text"}, {"text": None, "year": 2020}, {"id": "x"}, None]
    kept = Request.of("q", documents[:3], on_empty="skip")
    assert [candidate.text for candidate in kept.candidates] == ["real text"] and sum(kept.notes.values()) == 2
    with pytest.raises(InvalidDocument, match="has no text"):
        Request.of("q", [{"words": "under a name that nobody knows"}], on_empty="skip")


def test_a_score_beyond_all_numbers_is_refused():
    with pytest.raises(InvalidDocument, match="larger than any number"):
        Candidate.of({"text": "one", "score": 10**400})
