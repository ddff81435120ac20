"""LlamaIndex: the postprocessor, its events, and its place behind a retriever."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle

import pytest

from tests.lanes import needs

needs("frameworks", "llama_index.core")

from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload, LlamaDebugHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.llms.mock import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers.no_text import NoText
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import ImageNode, MetadataMode, NodeWithScore, QueryBundle, TextNode
from pydantic import ValidationError

from rankkit.core.ranking import Ranking, Request
from rankkit.errors import InputError, UnknownModel
from rankkit.integrations.llama_index import RankkitRerank
from tests.integrations.doubles import (
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


def nodes() -> list[NodeWithScore]:
    return [
        NodeWithScore(node=TextNode(id_="a", text="one", metadata={"relevance": 3}), score=0.9),
        NodeWithScore(node=TextNode(id_="b", text="two", metadata={"relevance": 9}), score=0.5),
        NodeWithScore(node=TextNode(id_="c", text="three", metadata={"relevance": -1})),
    ]


def ids(found: list[NodeWithScore]) -> list[str]:
    return [one.node.node_id for one in found]


class Events(BaseEventHandler):
    """Keeps the events of reranking."""

    seen: list

    @classmethod
    def class_name(cls) -> str:
        return "Events"

    def handle(self, event, **kwargs) -> None:
        if isinstance(event, ReRankStartEvent | ReRankEndEvent):
            self.seen.append(event)


@pytest.fixture
def events():
    dispatcher, handler = get_dispatcher(), Events(seen=[])
    dispatcher.add_event_handler(handler)
    yield handler.seen
    dispatcher.event_handlers.remove(handler)


def test_the_same_nodes_come_out_in_order_with_new_scores():
    given = nodes()
    out = RankkitRerank(model=scoring()).postprocess_nodes(given, query_str=QUERY)
    assert ids(out) == ["b", "a", "c"] and [one.score for one in out] == [9.0, 3.0, -1.0]
    assert all(type(one.score) is float for one in out)
    assert out[0].node is given[1].node and given == nodes()
    assert RankkitRerank(model=scoring()).postprocess_nodes(given, QueryBundle(QUERY)) == out


@pytest.mark.parametrize("arguments", [{"top_n": 2}, {"top_k": 2}, {"threshold": 3.0}], ids=str)
def test_what_is_left(arguments):
    assert ids(RankkitRerank(model=scoring(), **arguments).postprocess_nodes(nodes(), query_str=QUERY)) == ["b", "a"]


def test_a_copy_with_another_model_asks_that_model():
    copied = RankkitRerank(model=scoring()).model_copy(update={"model": Counting(), "top_n": 1})
    assert ids(copied.postprocess_nodes(nodes(), query_str=QUERY)) == ["c"]


def test_both_events_come_always_and_say_how_many(events):
    RankkitRerank(model=scoring()).postprocess_nodes(nodes(), query_str=QUERY)
    start, end = events
    assert start.top_n == 3 and start.model_name == repr(scoring()) and ids(start.nodes) == ["a", "b", "c"]
    assert start.query == QueryBundle(QUERY) and ids(end.nodes) == ["b", "a", "c"]
    assert end.tags["score_kind"] == "logit" and end.tags["warnings"] == []
    events.clear()
    counting = Counting()
    assert RankkitRerank(model=counting, top_n=2).postprocess_nodes([], query_str=QUERY) == []
    start, end = events
    assert (start.top_n, start.nodes, end.nodes, counting.calls) == (2, [], [], [])
    events.clear()
    asyncio.run(RankkitRerank(model=counting).apostprocess_nodes([], query_str=QUERY))
    assert [type(event) for event in events] == [ReRankStartEvent, ReRankEndEvent] and events[0].top_n == 0
    events.clear()
    with pytest.raises(ValueError, match="Missing query bundle in extra info"):
        RankkitRerank(model=scoring()).postprocess_nodes(nodes())
    assert events == []


def test_the_older_callbacks_come_too():
    handler = LlamaDebugHandler(print_trace_on_end=False)
    reranker = RankkitRerank(model=scoring(), callback_manager=CallbackManager([handler]))
    reranker.postprocess_nodes(nodes(), query_str=QUERY)
    [(start, end)] = handler.get_event_pairs(CBEventType.RERANKING)
    assert start.payload[EventPayload.TOP_K] == 3 and ids(end.payload[EventPayload.NODES]) == ["b", "a", "c"]


def test_the_score_of_the_retriever_is_kept_in_a_copy_where_no_prompt_sees_it():
    given = nodes()
    out = RankkitRerank(model=scoring(), keep_retrieval_score=True).postprocess_nodes(given, query_str=QUERY)
    assert [one.node.metadata["retrieval_score"] for one in out] == [0.5, 0.9, None] and ids(out) == ["b", "a", "c"]
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        assert out[0].node.get_content(mode) == given[1].node.get_content(mode)
    assert given == nodes()


class Looking(Counting):
    def rank(self, request: Request) -> Ranking:
        self.seen = [one.text for one in request.candidates]
        return super().rank(request)


@pytest.mark.parametrize("mode", [MetadataMode.EMBED, MetadataMode.LLM, MetadataMode.NONE])
def test_the_model_reads_what_the_metadata_mode_says(mode):
    node = TextNode(text="words", metadata={"title": "T", "secret": "S"}, excluded_embed_metadata_keys=["secret"])
    looking = Looking()
    RankkitRerank(model=looking, metadata_mode=mode).postprocess_nodes([NodeWithScore(node=node)], query_str=QUERY)
    assert looking.seen == [node.get_content(metadata_mode=mode)]
    assert ("S" in looking.seen[0]) == (mode == MetadataMode.LLM)


def test_a_method_without_scores_leaves_none_and_a_node_without_text_is_kept(events):
    given = [*nodes(), NodeWithScore(node=ImageNode(id_="image", image="x"), score=0.99)]
    out = RankkitRerank(model=ordering()).postprocess_nodes(given, query_str=QUERY)
    assert ids(out) == ["b", "a", "c", "image"] and [one.score for one in out] == [None] * 4
    assert events[-1].tags["score_kind"] == "order only" and "without text" in events[-1].tags["warnings"][0]
    with pytest.raises(InputError, match="no scores"):
        RankkitRerank(model=ordering(), threshold=0.5).postprocess_nodes(given, query_str=QUERY)


def test_a_stage_that_failed_is_in_the_events_and_in_the_log(events, caplog):
    out = RankkitRerank(model=failing()).postprocess_nodes(nodes(), query_str=QUERY)
    assert ids(out) == ["b", "a", "c"] and out[0].score == 9.0
    assert any("ConnectionFailed" in words for words in events[-1].tags["warnings"]) and "failed" in caplog.text


def test_on_an_event_loop_the_same_comes_out_and_a_cancelled_task_makes_no_further_call():
    reranker = RankkitRerank(model=scoring(), top_n=2)
    again = asyncio.run(reranker.apostprocess_nodes(nodes(), query_str=QUERY))
    assert again == reranker.postprocess_nodes(nodes(), query_str=QUERY)
    waiting = Waiting()
    run_and_cancel(waiting, RankkitRerank(model=waiting.reranker()).apostprocess_nodes(nodes(), query_str=QUERY))


def test_it_is_written_and_read_by_its_spec():
    for reranker in (RankkitRerank(), RankkitRerank(model={"drop_after": 3}, options={"threads": 1}, top_n=3)):
        values = json.loads(reranker.to_json())
        assert values["class_name"] == "RankkitRerank" == RankkitRerank.class_name() and values["model"]
        for read in (
            RankkitRerank.from_dict(values),
            RankkitRerank.from_json(reranker.to_json()),
            pickle.loads(pickle.dumps(reranker)),
            copy.deepcopy(reranker),
        ):
            assert read.to_dict() == reranker.to_dict() and isinstance(read, RankkitRerank)
    with pytest.raises(ValueError, match="put together in Python"):
        RankkitRerank(model=scoring()).to_dict()


def test_what_cannot_be_pickled_is_an_error_and_not_another_model():
    class Local(Counting):
        pass

    assert isinstance(pickle.loads(pickle.dumps(RankkitRerank(model=Counting()))).model, Counting)
    reranker = RankkitRerank(model=Local())
    with pytest.raises((AttributeError, pickle.PicklingError), match="Local"):
        pickle.dumps(reranker)
    assert ids(reranker.postprocess_nodes(nodes(), query_str=QUERY)) == ["c", "b", "a"]


@pytest.mark.parametrize("wrong", [{"topn": 3}, {"top_n": 0}, {"paradigm": "listwise", "threshold": 1.0}], ids=str)
def test_wrong_arguments_are_refused_at_once(wrong):
    with pytest.raises(ValidationError):
        RankkitRerank(**wrong)
    with pytest.raises(UnknownModel):
        RankkitRerank(model="no-such-model")


class Memory(BaseRetriever):
    """Gives its nodes as they are."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=TextNode(id_=str(at), text=text), score=0.5) for at, text in enumerate(TEXTS)]


@pytest.mark.model
def test_behind_a_retriever_with_a_real_model(minilm_folder):
    with_reranker = RetrieverQueryEngine(
        Memory(),
        response_synthesizer=NoText(llm=MockLLM()),
        node_postprocessors=[RankkitRerank(model=str(minilm_folder), top_n=2)],
    )
    for response in (with_reranker.query(QUERY), asyncio.run(with_reranker.aquery(QUERY))):
        found = response.source_nodes
        assert ids(found)[0] == "2" and len(found) == 2 and found[0].score > found[1].score


@pytest.mark.model
def test_the_example_and_the_page_run(minilm_folder, capsys):
    run_example("llama_index_nodes")
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert "adult" in second and first.split("[")[1] != "'adult', 'cycle', 'pupa'"
    known = run_section("LlamaIndex")
    assert "100 days" in known["best"].text
