"""Each search's own results, as its client and its HTTP API give them: order, ids, texts, scores, all the rest."""

from __future__ import annotations

import copy
import sqlite3
from collections import namedtuple
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from rankkit.errors import InputError, InvalidDocument
from rankkit.retrieval.hits import (
    from_chroma,
    from_elasticsearch,
    from_lancedb,
    from_opensearch,
    from_pgvector,
    from_qdrant,
    from_tantivy,
)
from tests.retrieval.hits.shapes import (
    CHROMA,
    ELASTICSEARCH,
    LANCEDB,
    POINTS,
    TANTIVY,
    DslResponse,
    ObjectApiResponse,
    PointGroup,
    ScoredPoint,
    SearchResult,
    TantivySearcher,
)

HITS = ELASTICSEARCH["hits"]["hits"]
CATS = ["fleas live on cats", "cats sleep"]


def texts(request) -> list[str]:
    return [candidate.text for candidate in request.candidates]


def scores(request) -> list[float | None]:
    return [candidate.score for candidate in request.candidates]


# -- Elasticsearch and OpenSearch


@pytest.mark.parametrize(
    "response",
    [ELASTICSEARCH, ObjectApiResponse(ELASTICSEARCH), DslResponse(ELASTICSEARCH), ELASTICSEARCH["hits"], HITS],
    ids=["body", "client", "dsl", "hits", "list"],
)
def test_a_response_of_elasticsearch_in_every_form(response):
    before = copy.deepcopy(ELASTICSEARCH)
    first, second = from_elasticsearch("fleas", response, text_field="article.body").candidates
    assert (first.id, first.text, first.title, first.score) == ("a", CATS[0], "Fleas", 1.5)
    assert dict(first.metadata) == {
        "article": {"body": "fleas live on cats", "lang": "en"},
        "score": 9,
        "year": [2001],
        "_index": "articles",
        "highlight": {"article.body": ["<em>fleas</em> live", "on <em>cats</em>"]},
        "sort": [1.5],
    }
    assert (second.id, second.text, second.score) == ("b", CATS[1], None)  # sorted by a field: no score
    assert before == ELASTICSEARCH


def test_hits_of_the_dsl_without_their_response():
    first, _ = from_elasticsearch("fleas", list(DslResponse(ELASTICSEARCH)), text_field="article.body").candidates
    assert (first.id, first.score, first.metadata["index"]) == ("a", 1.5, "articles")


def test_fragments_of_a_highlight_can_be_the_text():
    [one] = from_opensearch("fleas", HITS[:1], text_field="highlight.article.body").candidates
    assert one.text == "<em>fleas</em> live\non <em>cats</em>" and one.metadata["article"]["lang"] == "en"


def test_fields_without_a_source():
    hit = {"_id": "a", "_index": "i", "_score": 1.0, "fields": {"body": ["one", "two"], "title": ["T"], "year": [1]}}
    [one] = from_elasticsearch("q", [hit], text_field="body").candidates
    assert (one.text, one.title, dict(one.metadata)) == ("one\ntwo", "T", {"year": [1], "_index": "i"})
    assert from_elasticsearch("q", [hit]).candidates == (one,)  # a name that is known


def test_a_field_that_both_have_is_kept_in_both_forms():
    hit = {"_id": "a", "_source": {"body": "x", "at": "2001-01-01"}, "fields": {"at": ["1 January 2001"]}}
    [one] = from_elasticsearch("q", [hit]).candidates
    assert dict(one.metadata) == {"at": "2001-01-01", "fields": {"at": ["1 January 2001"]}}


def test_inner_hits_can_be_the_text():
    inner = {"passages": {"hits": {"hits": [{"_source": {"text": "one"}}, {"_source": {"text": "two"}}]}}}
    hit = {"_id": "a", "_score": 1.0, "_source": {"title": "T"}, "inner_hits": inner}
    [one] = from_elasticsearch("q", [hit], text_field="inner_hits.passages.hits.hits._source.text").candidates
    assert (one.text, one.title, one.metadata["inner_hits"]) == ("one\ntwo", "T", inner)


def test_passages_inside_a_list_are_joined():
    hit = {"_id": "a", "_source": {"passages": [{"text": "one"}, {"text": "two"}, {"no": 3}]}}
    assert texts(from_elasticsearch("q", [hit], text_field="passages.text")) == ["one\ntwo"]


def test_a_search_that_is_not_whole_is_seen():
    body = {**ELASTICSEARCH, "timed_out": True, "_shards": {"failed": 2}}
    assert dict(from_elasticsearch("q", body, text_field="article.body").notes) == {
        "shards of the search that failed: their hits are not here": 2,
        "the search ended before its time: more hits may be missing": 1,
    }


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"error": {"reason": "no such index [x]"}, "status": 404}, "the search failed: no such index"),
        ({"responses": [ELASTICSEARCH]}, "several searches"),
        ({"took": 1}, "no hits in took"),
        (3, "no hits in one int"),
        ("hits", "no hits in one str"),
        ([1], "hit 0 is one int"),
        ([{"text": "x"}], "hit 0 has no _id and no _source: text"),
    ],
)
def test_what_is_no_response_is_refused(response, words):
    with pytest.raises(InputError, match=words):
        from_elasticsearch("q", response)


# -- Qdrant


@pytest.mark.parametrize(
    "found",
    [
        SimpleNamespace(points=POINTS[:2]),
        POINTS[:2],
        [asdict(point) for point in POINTS[:2]],
        {"result": {"points": [asdict(point) for point in POINTS[:2]]}, "status": "ok"},
        {"result": [asdict(point) for point in POINTS[:2]]},
        SimpleNamespace(groups=[PointGroup([point], str(point.id)) for point in POINTS[:2]]),
        (POINTS[:2], None),
    ],
    ids=["response", "objects", "mappings", "http", "http-old", "groups", "scroll"],
)
def test_points_of_qdrant_in_every_form(found):
    first, second = from_qdrant("fleas", found, text_field="body").candidates
    assert (first.id, first.text, first.title, first.score) == ("1", CATS[0], "Fleas", 1.0)
    assert dict(first.metadata) == {"year": 2001, "source": {"page": 3}, "version": 0}
    assert (second.text, second.score) == (CATS[1], 0.9938837289810181)
    assert dict(second.metadata) == {"version": "2nd", "hit.version": 0}  # the payload's own name goes first


def test_payloads_of_other_libraries_are_known():
    payload = {"page_content": "cats sleep", "metadata": {"source": "b.txt", "id": 7}}
    [one] = from_qdrant("q", [ScoredPoint("x", 0.5, payload)]).candidates
    assert (one.id, one.text) == ("x", "cats sleep")
    assert dict(one.metadata) == {"source": "b.txt", "id": 7, "version": 0}


def test_metadata_that_would_hide_a_field_stays_whole():
    payload = {"text": "cats", "year": 1, "metadata": {"year": 2}}
    [one] = from_qdrant("q", [{"id": 1, "score": 1, "payload": payload}]).candidates
    assert dict(one.metadata) == {"year": 1, "metadata": {"year": 2}}
    [other] = from_qdrant("q", [{"id": 1, "payload": {"text": "cats", "metadata": "free words"}}]).candidates
    assert dict(other.metadata) == {"metadata": "free words"}


def test_distances_of_qdrant_become_scores_when_that_is_said():
    point = ScoredPoint(1, 4.0, {"text": "cats"})
    [one] = from_qdrant("q", [point], distance_score="inverse").candidates
    assert one.score == 0.2 and one.metadata["distance"] == 4.0


def test_points_without_payload_say_what_to_ask_for():
    with pytest.raises(InvalidDocument, match=r"point 0 \(id '1'\) came without a payload\n.*with_payload=True"):
        from_qdrant("q", [ScoredPoint(1, 1.0, None)])
    with pytest.raises(InputError, match="not one str"):
        from_qdrant("q", "points")
    with pytest.raises(InputError, match="point 0 is one int"):
        from_qdrant("q", [1])


# -- rows of a database


@pytest.fixture
def cursor():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE articles (id INTEGER, body TEXT, year INTEGER, distance REAL)")
    connection.executemany("INSERT INTO articles VALUES (?, ?, ?, ?)", [(7, CATS[0], 2001, 0.25), (8, CATS[1], 2, 0.5)])
    yield connection.execute("SELECT * FROM articles ORDER BY distance")
    connection.close()


EXPECTED = [("7", CATS[0], {"year": 2001, "distance": 0.25}), ("8", CATS[1], {"year": 2, "distance": 0.5})]


def read(request) -> list[tuple]:
    return [(one.id, one.text, dict(one.metadata)) for one in request.candidates]


def test_rows_of_a_real_database(cursor):
    description, rows = cursor.description, cursor.fetchall()
    names = [column[0] for column in description]
    for columns in (description, names, cursor, [SimpleNamespace(name=name) for name in names]):
        request = from_pgvector("q", rows, columns=columns, text_field="body", distance_field="distance")
        assert read(request) == EXPECTED and scores(request) == [None, None]  # a distance is no score
    tuples = namedtuple("Row", names)
    for named in ([dict(zip(names, row, strict=True)) for row in rows], [tuples(*row) for row in rows]):
        assert read(from_pgvector("q", named, text_field="body")) == EXPECTED
    assert read(from_pgvector("q", [SimpleNamespace(_mapping=tuples(*row)._asdict()) for row in rows])) == EXPECTED


def test_rows_that_know_their_columns(cursor):
    cursor.row_factory = sqlite3.Row
    assert read(from_pgvector("q", cursor, text_field="body")) == EXPECTED


def test_a_distance_becomes_a_score_only_when_that_is_said(cursor):
    rows = cursor.fetchall()
    for rule, expected in (
        ("cosine", [0.75, 0.5]),
        ("negative", [-0.25, -0.5]),
        ("inverse", [0.8, 2 / 3]),
        (lambda distance: 10 - distance, [9.75, 9.5]),
    ):
        request = from_pgvector(
            "q", rows, columns=cursor, text_field="body", distance_field="distance", distance_score=rule
        )
        assert scores(request) == expected and read(request) == EXPECTED
    similar = from_pgvector("q", rows[::-1], columns=cursor, text_field="body", score_field="distance")
    assert scores(similar) == [0.5, 0.25] and [one.id for one in similar.candidates] == ["8", "7"]  # the rows' order
    assert dict(similar.candidates[0].metadata) == {"year": 2}


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        ([("a", "x")], {}, "row 0 is a tuple without names"),
        ([("a", "x")], {"columns": ["id"]}, "row 0 has 2 values, and there are 1 columns"),
        ([("a", "x")], {"columns": ["id", "id"]}, "several columns are called 'id'"),
        ([("a", "x")], {"columns": "id"}, "columns are names, not one str"),
        ([("a", "x")], {"columns": SimpleNamespace(description=None)}, "the cursor has no columns"),
        ([{"id": 1, "text": "x"}], {"score_field": "scor"}, "row 0 has no column 'scor'"),
        ([{"id": 1, "text": "x"}], {"distance_score": "cosine"}, "Name its column: distance_field"),
        ([{"id": 1}], {"distance_field": "id", "distance_score": "cosin"}, "Did you mean cosine"),
        ([], {"distance_score": "cosine", "score_field": "x"}, "not both"),
        ({"id": 1}, {}, "not one dict"),
        ([3], {}, "row 0 is one int, and no row"),
    ],
)
def test_rows_that_cannot_be_read(rows, options, words):
    with pytest.raises(InputError, match=words):
        from_pgvector("q", rows, **options)


# -- LanceDB


def test_rows_of_lancedb_in_every_form():
    before = copy.deepcopy(LANCEDB)
    query = SimpleNamespace(to_list=lambda: LANCEDB)
    arrow = SimpleNamespace(to_pylist=lambda: LANCEDB)
    pandas = SimpleNamespace(to_dict=lambda orient: LANCEDB, columns=[*LANCEDB[0]])
    for results in (LANCEDB, query, arrow, pandas):
        request = from_lancedb("q", results)
        assert texts(request) == CATS and scores(request) == [None, None]
        assert dict(request.candidates[0].metadata) == {"vector": [1.0, 0.0], "year": 2001, "_distance": 0.0}
    nearest = from_lancedb("q", query, distance_score="cosine")
    assert scores(nearest) == [1.0, -1.0] and nearest.candidates[1].metadata["_distance"] == 2.0
    assert before == LANCEDB


def test_scores_of_lancedb():
    rows = [{"id": "b", "text": "cats", "_score": 0.5}, {"id": "a", "text": "dogs", "_score": 0.25}]
    assert scores(from_lancedb("q", rows)) == [0.5, 0.25]
    hybrid = [{**row, "_relevance_score": 0.03, "_distance": 1.0} for row in rows]
    request = from_lancedb("q", hybrid, distance_score="negative")
    assert scores(request) == [0.03, 0.03]
    assert dict(request.candidates[0].metadata) == {"_score": 0.5, "_distance": 1.0}
    with pytest.raises(InputError, match="not one dict"):
        from_lancedb("q", rows[0])


# -- Chroma


def test_a_result_of_chroma():
    request = from_chroma("q", CHROMA, position=1, on_empty="skip", distance_score="inverse")
    assert [one.id for one in request.candidates] == ["b", "a"] and texts(request) == CATS[::-1]
    assert scores(request) == [1.0, 1 / 3] and request.candidates[1].title == "Fleas"
    assert dict(request.candidates[1].metadata) == {"year": 2001, "distance": 2.0}
    assert request.notes == {"documents without text, skipped": 1}
    assert scores(from_chroma("q", CHROMA, position=0, on_empty="skip")) == [None, None]


def test_a_result_of_chroma_needs_its_documents_or_a_field():
    alone = {"ids": [["a"]], "documents": None, "metadatas": [[{"abstract": "cats"}]], "distances": [[0.1]]}
    with pytest.raises(InvalidDocument, match=r'no documents\n.*include=\["documents"'):
        from_chroma("q", alone)
    assert texts(from_chroma("q", alone, text_field="abstract")) == ["cats"]
    both = {**alone, "documents": [["dogs"]]}
    assert dict(from_chroma("q", both, text_field="abstract").candidates[0].metadata) == {
        "distance": 0.1,
        "document": "dogs",
    }


def test_what_chroma_gets_without_a_query():
    got = {"ids": ["a", "b"], "documents": CATS, "metadatas": [None, {"year": 1}], "embeddings": None}
    request = from_chroma("q", got)
    assert texts(request) == CATS and dict(request.candidates[1].metadata) == {"year": 1}
    assert len(from_chroma("q", {"ids": [], "documents": []})) == 0
    assert len(from_chroma("q", {"ids": [[]], "documents": [[]], "metadatas": [[]], "distances": [[]]})) == 0


def test_which_query_of_chroma():
    with pytest.raises(InputError, match=r"that of 2 queries\n.*position=0"):
        from_chroma("q", CHROMA)
    with pytest.raises(InputError, match="there is no query 2"):
        from_chroma("q", CHROMA, position=2)
    with pytest.raises(InputError, match="the result has 3 ids, and 2 documents"):
        from_chroma("q", {**CHROMA, "documents": [CATS, CATS]}, position=0)
    with pytest.raises(InputError, match="lists of ids"):
        from_chroma("q", [CHROMA])


# -- Tantivy


def test_hits_of_tantivy():
    first, second = from_tantivy("q", TANTIVY, TantivySearcher(), text_field="body").candidates
    assert (first.id, first.text, first.score) == ("b", "cats sleep", 0.2210828810930252)
    assert (second.id, second.text, second.title) == ("a", "fleas live on cats\nand dogs", "Fleas")
    assert dict(second.metadata) == {"year": 2001}
    assert from_tantivy("q", TANTIVY.hits, TantivySearcher()).candidates == (first, second)
    assert from_tantivy("q", TANTIVY, TantivySearcher(), id_field="id").candidates == (first, second)


def test_hits_of_tantivy_that_a_field_ordered():
    ordered = SearchResult([(2001, TANTIVY.hits[1][1]), (None, TANTIVY.hits[0][1])])
    request = from_tantivy("q", ordered, TantivySearcher())
    assert scores(request) == [None, None] and request.candidates[0].metadata["order_value"] == 2001
    with pytest.raises(InputError, match="not one dict"):
        from_tantivy("q", {}, TantivySearcher())
    with pytest.raises(InputError, match="hit 0 is one int"):
        from_tantivy("q", [1], TantivySearcher())
