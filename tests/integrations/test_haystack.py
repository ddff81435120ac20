"""Haystack: the ranker alone, in pipelines, and written as YAML."""

from __future__ import annotations

import asyncio
import copy
import json
import warnings

import pytest

from tests.lanes import needs

needs("clients", "haystack")

from haystack import Document, Pipeline
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.document_stores.in_memory import InMemoryDocumentStore

from rankkit.core.ranking import Ranking, Request
from rankkit.errors import BackendError, ConfigError, InputError, UnknownModel
from rankkit.integrations.haystack import RankkitRanker
from tests.integrations.doubles import (
    ANSWER,
    QUERY,
    TEXTS,
    Counting,
    Waiting,
    failing,
    ordering,
    run_and_cancel,
    run_example,
    run_section,
    scoring,
)

ALLOWED = ["rankkit.integrations.haystack"]


def documents() -> list[Document]:
    return [
        Document(id="a", content="one", meta={"relevance": 3}, score=0.9, embedding=[0.1, 0.2]),
        Document(id="b", content="two", meta={"relevance": 9}, score=0.5),
        Document(id="c", content="three", meta={"relevance": -1}),
    ]


def ids(found: list[Document]) -> list[str]:
    return [one.id for one in found]


def test_copies_come_out_in_order_with_all_that_they_had_and_new_scores():
    given = documents()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Haystack warns where a document is changed in place
        found = RankkitRanker(scoring()).run(query=QUERY, documents=given)["documents"]
    assert ids(found) == ["b", "a", "c"] and [one.score for one in found] == [9.0, 3.0, -1.0]
    assert all(type(one.score) is float for one in found)
    assert found[1].embedding == [0.1, 0.2] and found[0].meta == {"relevance": 9}
    assert given == documents() and found[0].meta is not given[1].meta


def test_what_is_left_is_said_by_the_component_or_by_the_run():
    ranker = RankkitRanker(scoring(), top_k=2)
    assert ids(ranker.run(QUERY, documents())["documents"]) == ["b", "a"]
    assert ids(ranker.run(QUERY, documents(), top_k=1)["documents"]) == ["b"]
    assert ids(ranker.run(QUERY, documents(), top_k=3, score_threshold=0.0)["documents"]) == ["b", "a"]
    assert ids(RankkitRanker(scoring(), score_threshold=5).run(QUERY, documents())["documents"]) == ["b"]
    assert ids(RankkitRanker(scoring(), score_threshold=5).run(QUERY, documents(), score_threshold=0.0)["documents"])[
        1:
    ] == ["a"]
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="top_k"):
            RankkitRanker(scoring(), top_k=wrong)
        with pytest.raises(ValueError, match="top_k"):
            ranker.run(QUERY, documents(), top_k=wrong)


def test_no_documents_call_no_model():
    counting = Counting()
    ranker = RankkitRanker(counting)
    assert ranker.run("", []) == {"documents": []} == asyncio.run(ranker.run_async(QUERY, []))
    [only] = ranker.run(QUERY, [Document(id="x")])["documents"]  # a document without content, as images are
    assert only.id == "x" and "without text" in only.meta["rerank_warnings"][0] and counting.calls == []


def test_of_documents_with_one_id_the_best_scored_counts():
    twice = [
        Document(id="a", content="one", meta={"relevance": 1}),
        Document(id="b", content="two", meta={"relevance": 2}, score=0.1),
        Document(id="a", content="one", meta={"relevance": 5}, score=0.3),
        Document(id="a", content="one", meta={"relevance": 7}, score=0.2),
    ]
    found = RankkitRanker(scoring()).run(QUERY, twice)["documents"]
    assert [(one.id, one.score) for one in found] == [("a", 5.0), ("b", 2.0)]


class Looking(Counting):
    def rank(self, request: Request) -> Ranking:
        self.seen = [one.text for one in request.candidates]
        return super().rank(request)


def test_the_model_reads_the_meta_fields_that_are_asked_for():
    given = [
        Document(content="words", meta={"title": "T", "page": 0, "none": None, "other": "O"}),
        Document(content=None, meta={"title": "only a title"}),
    ]
    looking = Looking()
    fields = ["title", "page", "none", "missing"]
    RankkitRanker(looking, meta_fields_to_embed=fields, meta_data_separator=" | ").run(QUERY, given)
    assert looking.seen == ["T | 0 | words", "only a title | "]


def test_a_method_without_scores_leaves_none_so_that_no_joiner_undoes_the_order():
    found = RankkitRanker(ordering()).run(QUERY, documents())["documents"]
    assert ids(found) == ["b", "a", "c"] and [one.score for one in found] == [None] * 3
    assert ids(DocumentJoiner().run([found])["documents"]) == ["b", "a", "c"]
    with pytest.raises(InputError, match="without scores"):
        RankkitRanker(paradigm="listwise", score_threshold=0.5)


def test_a_stage_that_failed_is_seen_in_the_meta_and_in_the_log(caplog):
    found = RankkitRanker(failing()).run(QUERY, documents())["documents"]
    assert found[0].score == 9.0 and any("ConnectionFailed" in words for words in found[0].meta["rerank_warnings"])
    assert "failed" in caplog.text


def test_on_an_event_loop_the_same_comes_out_and_a_cancelled_task_makes_no_further_call():
    ranker = RankkitRanker(scoring(), top_k=2)
    assert asyncio.run(ranker.run_async(QUERY, documents())) == ranker.run(QUERY, documents())
    waiting = Waiting()
    run_and_cancel(waiting, RankkitRanker(waiting.reranker()).run_async(QUERY, documents()))


def test_it_is_written_and_read_by_its_spec():
    spec = {"stages": [{"drop_after": 3}, {"paradigm": "pairwise", "reorder_top": 2}]}
    for ranker in (
        RankkitRanker(),
        RankkitRanker(spec, top_k=3, meta_fields_to_embed=["title"], meta_data_separator=" "),
        RankkitRanker(paradigm="pointwise", options={"threads": 1}, score_threshold=0.5),
    ):
        written = json.loads(json.dumps(ranker.to_dict()))
        assert written["type"] == "rankkit.integrations.haystack.RankkitRanker"
        assert written["init_parameters"]["model"]  # the default is said too
        assert RankkitRanker.from_dict(written).to_dict() == ranker.to_dict() == copy.deepcopy(ranker).to_dict()
    with pytest.raises(ConfigError, match="put together in Python"):
        RankkitRanker(scoring()).to_dict()
    with pytest.raises(UnknownModel):
        RankkitRanker("no-such-model")


def test_a_pipeline_is_dumped_and_loaded():
    pipeline = Pipeline()
    pipeline.add_component("ranker", RankkitRanker(top_k=2, options={"threads": 1}))
    read = Pipeline.loads(pipeline.dumps(), allowed_modules=ALLOWED)
    assert read == pipeline and read.get_component("ranker").top_k == 2


@pytest.mark.model
def test_in_a_pipeline_with_a_real_model_loaded_by_warm_up_and_closed(minilm_folder):
    store = InMemoryDocumentStore()
    store.write_documents([Document(content=text) for text in [*TEXTS, "How long do dogs live? Dogs live long."]])
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=6))
    pipeline.add_component("ranker", RankkitRanker(str(minilm_folder), top_k=2))
    pipeline.connect("retriever.documents", "ranker.documents")
    data = {"retriever": {"query": QUERY}, "ranker": {"query": QUERY}}
    first = pipeline.run(data, include_outputs_from={"retriever"})
    assert first["ranker"]["documents"][0].content == TEXTS[ANSWER]
    assert first["retriever"]["documents"][0].content != TEXTS[ANSWER]  # the order is not the input's
    again = asyncio.run(pipeline.run_async(data))
    assert again["ranker"]["documents"] == first["ranker"]["documents"]
    ranker = pipeline.get_component("ranker")
    ranker.warm_up()
    asyncio.run(ranker.warm_up_async())
    inside = ranker._source.reranker()
    asyncio.run(ranker.close_async())
    with pytest.raises(BackendError, match="closed"):
        inside.rerank(QUERY, TEXTS)


@pytest.mark.model
def test_the_example_and_the_page_run(minilm_folder, capsys):
    run_example("haystack_pipeline")
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert "adult" in second and first.split("[")[1] != "'adult', 'cycle', 'pupa'"
    known = run_section("Haystack")
    assert "100 days" in known["result"]["ranker"]["documents"][0].content
