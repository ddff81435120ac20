"""BM25 on corpora whose scores can be worked out on paper."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.ranking import Candidate, Query
from rankkit.errors import ConfigError, DataError, DuplicateIds, EmptyQuery
from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings

FLEAS = [
    Candidate("d1", "fleas live on cats"),
    Candidate("d2", "cats sleep all day"),
    Candidate("d3", "dogs chase cats", title="Fleas"),
    Candidate("d4", "rain"),
]


def index(*texts: str, settings: Bm25Settings | None = None) -> Bm25Index:
    return Bm25Index.build([Candidate(f"d{place}", text) for place, text in enumerate(texts, start=1)], settings)


def found(request) -> list[str]:
    return [candidate.id for candidate in request.candidates]


def test_scores_are_lucenes_formula():
    """Two words a document on average; ``flea`` is in two of three documents, once in the first, twice in the last."""
    fleas = index("flea cat", "cat", "flea flea dog")
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    once = idf * 1 / (1 + 0.9 * (1 - 0.4 + 0.4 * 2 / 2))
    twice = idf * 2 / (2 + 0.9 * (1 - 0.4 + 0.4 * 3 / 2))
    request = fleas.search("fleas")
    assert found(request) == ["d3", "d1"]
    assert [candidate.score for candidate in request.candidates] == pytest.approx([twice, once], rel=1e-6)


def test_k1_of_0_counts_presence_and_b_of_0_forgets_length():
    presence = index("flea flea flea", "flea", "cat", settings=Bm25Settings(k1=0.0))
    first, second = presence.search("flea").candidates
    assert first.score == second.score
    lengths = index("flea", "flea dog dog dog", "cat", settings=Bm25Settings(b=0.0))
    first, second = lengths.search("flea").candidates
    assert first.score == second.score


def test_titles_count_and_documents_come_back_whole():
    request = Bm25Index.build(FLEAS).search(Query("flea", "q1"), k=10)
    assert request.query == Query("flea", "q1")
    assert found(request) == ["d1", "d3"]
    assert (request.candidates[1].title, request.candidates[1].text) == ("Fleas", "dogs chase cats")


def test_equal_scores_stand_in_corpus_order_also_at_the_cut():
    same = index(*["flea"] * 9, "cat")
    assert found(same.search("flea", k=4)) == ["d1", "d2", "d3", "d4"]
    mixed = index("flea dog", "flea", "flea dog", "flea", "flea dog")
    assert found(mixed.search("flea", k=3)) == ["d2", "d4", "d1"]


def test_what_shares_no_word_is_not_found():
    fleas = Bm25Index.build(FLEAS)
    assert found(fleas.search("snow")) == found(fleas.search("the of !?")) == []
    assert found(fleas.search("rain snow")) == ["d4"]


def test_documents_with_stop_words_only_do_no_harm():
    assert found(index("the", "flea", "of").search("flea")) == ["d2"]


def test_chinese_needs_bigrams():
    texts = "科学家测量海洋动物的含氧量", "蒙古军队被陈王朝击败", "药房技术员取得资格"
    chinese = index(*texts, settings=Bm25Settings(tokenizer="bigrams"))
    assert found(chinese.search("蒙古军队在何时被击败了？")) == ["d2"]
    assert found(index(*texts).search("蒙古军队在何时被击败了？")) == []


def test_bad_input_has_its_own_words():
    with pytest.raises(DuplicateIds, match="more than once: 'a'"):
        Bm25Index.build([Candidate("a", "x"), Candidate("a", "y")])
    with pytest.raises(DataError, match="not one word in 0 documents"):
        Bm25Index.build([])
    with pytest.raises(DataError, match="not one word in 1 documents"):
        index("...")
    with pytest.raises(EmptyQuery):
        Bm25Index.build(FLEAS).search(" ")
    with pytest.raises(ConfigError, match="the best 0 documents"):
        Bm25Index.build(FLEAS).search("flea", k=0)
    with pytest.raises(ConfigError, match=r"b is 1\.5"):
        Bm25Settings(b=1.5)
    with pytest.raises(ConfigError, match="k1 is nan"):
        Bm25Settings(k1=math.nan)


def test_the_repr_says_how_it_was_built():
    assert repr(Bm25Index.build(FLEAS)) == "bm25(k1=0.9, b=0.4, words, porter; 4 documents)"
    plain = Bm25Index.build(FLEAS, Bm25Settings(k1=1.5, tokenizer="bigrams"))
    assert repr(plain) == "bm25(k1=1.5, b=0.4, bigrams; 4 documents)"


TEXTS = st.lists(st.sampled_from("flea cat dog the 海 洋 rain".split()), min_size=1, max_size=6).map(" ".join)


@given(st.lists(TEXTS, min_size=1, max_size=12), TEXTS, st.integers(1, 15), st.sampled_from(["words", "bigrams"]))
def test_a_search_finds_at_most_k_different_documents_best_first(texts, query, k, tokenizer):
    searched = index("flea", *texts, settings=Bm25Settings(tokenizer=tokenizer))
    request = searched.search(query, k)
    scores = [candidate.score for candidate in request.candidates]
    assert len(scores) <= k and len(set(found(request))) == len(scores)
    assert all(score > 0 for score in scores)
    # Falling scores, and equal ones by place in the corpus.
    places = [int(name[1:]) for name in found(request)]
    assert list(zip(scores, places, strict=True)) == sorted(
        zip(scores, places, strict=True), key=lambda r: (-r[0], r[1])
    )
    # A smaller k finds the head of what a larger one finds.
    assert request.candidates == searched.search(query, 100).candidates[:k]


def test_many_queries_and_threads_find_what_one_query_finds():
    fleas = Bm25Index.build(FLEAS)
    queries = ["fleas", "cats and dogs", "rain", "snow"] * 8
    alone = [fleas.search(query) for query in queries]
    assert fleas.search_many(queries) == alone
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fleas.search, queries)) == alone
