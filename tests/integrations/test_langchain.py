"""LangChain: the compressor, the cross-encoder, and the pipeline that people build of them."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import warnings
from typing import Any

import pytest

from tests.lanes import needs

needs("frameworks", "langchain_core", "langchain_classic", "langchain_tests")

from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import CrossEncoderReranker, DocumentCompressorPipeline
from langchain_core.documents import Document
from langchain_core.load import dumpd, dumps, loads
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests
from pydantic import ValidationError

from rankkit.core.ranking import Ranking, Request
from rankkit.errors import EmptyQuery, InputError, UnknownModel
from rankkit.integrations.langchain import RankkitCrossEncoder, RankkitRerank
from tests.integrations.doubles import (
    QUERY,
    ROOT,
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


class Note(Document):
    """A document of one's own."""

    author: str = ""


def documents() -> list[Document]:
    return [
        Document("one", id="a", metadata={"relevance": 3, "tags": ["kept"]}),
        Note(page_content="two", metadata={"relevance": 9}, author="me"),
        Document("three", id="c", metadata={"relevance": 1}),
        Document("one", id="a", metadata={"relevance": 2}),
    ]


def test_copies_come_out_in_order_with_ids_metadata_and_scores():
    given = documents()
    out = RankkitRerank(model=scoring()).compress_documents(given, QUERY, callbacks=None)
    assert [one.metadata["relevance"] for one in out] == [9, 3, 2, 1]
    assert [one.id for one in out] == [None, "a", "a", "c"]
    assert [one.metadata["relevance_score"] for one in out] == [9.0, 3.0, 2.0, 1.0]
    assert all(type(one.metadata["relevance_score"]) is float for one in out)
    assert isinstance(out[0], Note) and out[0].author == "me" and out[1].metadata["tags"] == ["kept"]
    assert "rerank_warnings" not in out[0].metadata
    assert given == documents() and all(one is not other for one in out for other in given)
    json.dumps([one.model_dump() for one in out])


@pytest.mark.parametrize(
    "arguments", [{"top_n": 2}, {"top_k": 2}, {"threshold": 3.0}, {"score_threshold": 2.5}], ids=str
)
def test_what_is_left(arguments):
    compressor = RankkitRerank(model=scoring(), **arguments)
    assert [one.metadata["relevance"] for one in compressor.compress_documents(documents(), QUERY)] == [9, 3]


def test_limits_can_be_changed_and_are_checked_the_model_cannot():
    compressor = RankkitRerank(model=scoring(), top_n=3)
    compressor.top_n = 1
    assert len(compressor.compress_documents(documents(), QUERY)) == 1
    for name, value in {"top_n": 0, "threshold": float("nan"), "model": "other", "paradigm": "listwise"}.items():
        with pytest.raises(ValidationError):
            setattr(compressor, name, value)


def test_a_copy_with_another_model_asks_that_model():
    compressor = RankkitRerank(model=scoring())
    copied = compressor.model_copy(update={"model": Counting(), "top_n": 1})
    assert [one.metadata["relevance"] for one in copied.compress_documents(documents(), QUERY)] == [2]
    assert [one.metadata["relevance"] for one in compressor.compress_documents(documents(), QUERY)] == [9, 3, 2, 1]


def test_no_documents_call_no_model_and_those_without_text_are_kept():
    counting = Counting()
    compressor = RankkitRerank(model=counting)
    assert compressor.compress_documents([], "") == []
    assert asyncio.run(compressor.acompress_documents([], QUERY)) == []
    [out] = compressor.compress_documents([Document("", id="x")], QUERY)
    assert out.id == "x" and "without text" in out.metadata["rerank_warnings"][0] and counting.calls == []
    with pytest.raises(EmptyQuery):
        compressor.compress_documents(documents(), " ")


def test_a_method_without_scores_sets_none_and_says_so():
    [first, *_] = RankkitRerank(model=ordering()).compress_documents(documents(), QUERY)
    assert first.metadata["relevance"] == 9 and "relevance_score" not in first.metadata
    assert first.metadata["rerank_warnings"] == ["order only: there are no scores for it"]
    with pytest.raises(ValidationError, match="without scores"):
        RankkitRerank(paradigm="listwise", threshold=0.5)


def test_a_stage_that_failed_is_seen_in_the_metadata_and_in_the_log(caplog):
    [first, *_] = RankkitRerank(model=failing()).compress_documents(documents(), QUERY)
    assert first.metadata["relevance_score"] == 9.0
    assert any("ConnectionFailed" in words for words in first.metadata["rerank_warnings"])
    assert "stage" in caplog.text and "failed" in caplog.text


def test_on_an_event_loop_the_same_comes_out_and_a_cancelled_task_makes_no_further_call():
    compressor = RankkitRerank(model=scoring(), top_n=2)
    assert asyncio.run(compressor.acompress_documents(documents(), QUERY)) == compressor.compress_documents(
        documents(), QUERY
    )
    waiting = Waiting()
    run_and_cancel(waiting, RankkitRerank(model=waiting.reranker()).acompress_documents(documents(), QUERY))


def test_arguments_that_are_not_known_and_models_that_are_not_are_refused_at_once():
    with pytest.raises(ValidationError, match="topn"):
        RankkitRerank(topn=3)
    with pytest.raises(UnknownModel, match="Did you mean"):
        RankkitRerank(model="ms-marco-MiniLM-L-12")


def test_it_is_written_and_read_by_its_spec():
    spec = {"paradigm": "pointwise", "model": "ms-marco-MiniLM-L-12-v2"}
    file = RankkitRerank(model=ROOT / "examples" / "minilm.toml")
    for compressor in (
        RankkitRerank(),
        file,
        RankkitRerank(model=spec, options={"threads": 1}, top_n=3, threshold=0.5),
    ):
        values = json.loads(json.dumps(compressor.model_dump()))
        assert RankkitRerank(**values) == RankkitRerank.model_validate_json(compressor.model_dump_json()) == compressor
        assert pickle.loads(pickle.dumps(compressor)) == copy.deepcopy(compressor) == compressor
        assert values["model"]  # the default is said too
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that LangChain calls `loads` a beta
            read = loads(dumps(compressor), valid_namespaces=["rankkit"], allowed_objects=[RankkitRerank])
        assert read == compressor


def test_what_no_values_can_name_is_said_to_be_so():
    compressor = RankkitRerank(model=scoring())
    with pytest.raises(ValueError, match="put together in Python"):
        compressor.model_dump()
    assert dumpd(compressor)["type"] == "not_implemented"
    assert pickle.loads(pickle.dumps(RankkitRerank(model=Counting()))) == RankkitRerank(model=Counting())


class Worth:
    """Scores a text by its length: pairs come without metadata."""

    def rank(self, request: Request) -> Ranking:
        order = sorted(range(len(request)), key=lambda at: -len(request.candidates[at].text))
        return Ranking(request, tuple(order), tuple(float(len(request.candidates[at].text)) for at in order))


def test_the_cross_encoder_scores_pairs_in_langchains_own_reranker():
    encoder = RankkitCrossEncoder(Worth())
    assert encoder.score([("q", "a"), ("other", "aaa"), ("q", "aa")]) == [1.0, 3.0, 2.0] and encoder.score([]) == []
    out = CrossEncoderReranker(model=encoder, top_n=2).compress_documents(documents(), QUERY)
    assert [one.page_content for one in out] == ["three", "one"]
    with pytest.raises(InputError, match="a score of every pair"):
        RankkitCrossEncoder(Counting()).score([("q", "a")])
    encoder.close()


class Memory(BaseRetriever):
    """Gives its documents as they are."""

    inside: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return self.inside


def test_in_a_pipeline_of_compressors():
    pipeline = DocumentCompressorPipeline(
        transformers=[RankkitRerank(model=failing(), top_n=3), RankkitRerank(model=Counting(), top_n=2)]
    )
    retriever = ContextualCompressionRetriever(base_compressor=pipeline, base_retriever=Memory(inside=documents()))
    for out in (retriever.invoke(QUERY), asyncio.run(retriever.ainvoke(QUERY))):
        assert [one.metadata["relevance"] for one in out] == [2, 3]
        failed, unscored = out[0].metadata["rerank_warnings"]  # of both
        assert "ConnectionFailed" in failed and "order only" in unscored


class Reranking(BaseRetriever):
    """A retriever with ``k`` around the compressor, as LangChain's own tests want one."""

    k: int = 4

    def _get_relevant_documents(self, query: str, *, run_manager: Any, k: int | None = None) -> list[Document]:
        return list(self._compressor(k).compress_documents(documents(), query, run_manager.get_child()))

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any, k: int | None = None) -> list[Document]:
        return list(await self._compressor(k).acompress_documents(documents(), query, run_manager.get_child()))

    def _compressor(self, k: int | None) -> RankkitRerank:
        return RankkitRerank(model=scoring(), top_n=k or self.k)


class TestLangChainsOwn(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[Reranking]:
        return Reranking

    @property
    def retriever_query_example(self) -> str:
        return QUERY

    test_ainvoke_returns_documents = pytest.mark.asyncio(RetrieversIntegrationTests.test_ainvoke_returns_documents)


@pytest.mark.model
def test_a_real_model_by_its_name(minilm_folder):
    compressor = RankkitRerank(model=str(minilm_folder), top_n=2, options={"scores": "probability"})
    out = compressor.compress_documents([Document(text) for text in TEXTS], QUERY)
    encoder = CrossEncoderReranker(model=RankkitCrossEncoder(str(minilm_folder)), top_n=2)
    assert [one.page_content for one in encoder.compress_documents([Document(text) for text in TEXTS], QUERY)] == [
        one.page_content for one in out
    ]
    assert out[0].page_content == TEXTS[2] and 0.9 < out[0].metadata["relevance_score"] <= 1.0
    compressor.close()
    assert len(compressor.compress_documents([Document(text) for text in TEXTS], QUERY)) == 2
    compressor.close()


@pytest.mark.model
def test_the_example_and_the_page_run(minilm_folder, capsys):
    run_example("langchain_retriever")
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert "adult" in second and first.split("[")[1] != "'adult', 'cycle', 'pupa'"
    known = run_section("LangChain")
    assert "100 days" in known["best"].page_content
