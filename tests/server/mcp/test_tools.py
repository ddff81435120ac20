"""What the tools take and answer, in this process: limits, texts, orders without scores, failures, cancelled calls."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from rankkit.core.cancellation import current
from rankkit.core.questions import Answer
from rankkit.core.ranking import Candidate
from rankkit.errors import ConfigError, ConnectionFailed
from rankkit.listwise.strategies.single import Single
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.retrieval.bm25 import Bm25Index
from rankkit.retrieval.searcher import Searcher
from rankkit.testing import ScriptedJudge, oracle
from tests.lanes import needs

needs("frameworks", "mcp")

import anyio
from mcp import Client

from rankkit.server.mcp import McpLimits, build_server

POINTWISE = JudgeReranker(oracle(batch=10), ScoreAll())
DOCUMENTS = [
    {"id": "a", "text": "first " * 200, "relevance": 1},
    {"text": "second", "relevance": 3},
    {"id": "c", "title": "Third", "text": "third", "relevance": 2},
]


def call(server, name: str, **arguments):
    async def calling():
        async with Client(server) as client:
            return await client.call_tool(name, arguments)

    return asyncio.run(calling())


def answer(server, name: str, **arguments) -> dict:
    result = call(server, name, **arguments)
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


def refusal(server, name: str = "rerank", **arguments) -> str:
    result = call(server, name, **arguments)
    assert result.is_error and result.structured_content is None
    assert "Traceback" not in result.content[0].text
    return result.content[0].text


def test_results_are_small():
    got = answer(build_server(POINTWISE), "rerank", query="q", documents=DOCUMENTS)
    assert got == {
        "total": 3,
        "score_kind": "relevance",
        "warnings": [],
        "results": [
            {"index": 1, "score": 3.0},
            {"index": 2, "id": "c", "score": 2.0},
            {"index": 0, "id": "a", "score": 1.0},
        ],
    }


def test_texts_are_given_where_asked_and_cut():
    server = build_server(POINTWISE, limits=McpLimits(characters=10))
    got = answer(server, "rerank", query="q", documents=DOCUMENTS, return_text=True)
    assert [row["text"] for row in got["results"]] == ["second", "third", "first fir…"]


def test_only_the_best_are_given():
    server = build_server(POINTWISE, limits=McpLimits(results=2))
    assert len(answer(server, "rerank", query="q", documents=DOCUMENTS, top_n=1)["results"]) == 1
    all_wanted = answer(server, "rerank", query="q", documents=DOCUMENTS, top_n=50)
    assert len(all_wanted["results"]) == 2 and all_wanted["total"] == 3
    assert all_wanted["warnings"] == ["at most 2 results are given"]


def test_an_order_without_scores_has_none():
    listwise = JudgeReranker(oracle(None), Single())
    got = answer(build_server(listwise), "rerank", query="q", documents=DOCUMENTS)
    assert got["score_kind"] is None
    assert [(row["index"], row["score"]) for row in got["results"]] == [(1, None), (2, None), (0, None)]


def test_documents_without_text_are_left_out_and_places_are_those_of_the_list():
    documents = ["", *DOCUMENTS, {"text": None}]
    got = answer(build_server(POINTWISE), "rerank", query="q", documents=documents)
    assert [row["index"] for row in got["results"]] == [2, 3, 1]
    assert got["warnings"] == ["documents without text, left out: 2"]


def test_nothing_to_rank_asks_no_model():
    def never(asked):
        raise AssertionError("the model was asked")

    server = build_server(JudgeReranker(ScriptedJudge(never), ScoreAll()))
    for documents in ([], [""]):
        assert answer(server, "rerank", query="q", documents=documents)["results"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"documents": ["a"]}, "rerank: query: it is needed"),
        ({"query": "q"}, "rerank: documents: it is needed"),
        ({}, "query: it is needed; documents: it is needed"),
        ({"query": 3, "documents": ["a"]}, "query: input should be a valid string, not 3"),
        ({"query": " ", "documents": ["a"]}, "the query is empty"),
        ({"query": "q", "documents": "a"}, "documents: input should be a valid list, not 'a'"),
        ({"query": "q", "documents": [3]}, "document 0 has no text: a int was given"),
        ({"query": "q", "documents": [{"text": "a", "score": 10**400}]}, "larger than any number"),
        ({"query": "q", "documents": [["a"]]}, "document 0 has no text: a list of str was given"),
        ({"query": "q", "documents": [{"text": 3}]}, "document 0: text and title are strings"),
        ({"query": "q", "documents": [{"id": "a", "text": "x"}] * 2}, "given more than once: 'a'"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "top_n: input should be greater than or equal to 1, not 0"),
        ({"query": "q", "documents": ["a"], "topn": 1}, "rerank has no argument 'topn'. Did you mean top_n?"),
        ({"query": "q" * 101, "documents": ["a"]}, "the query has 101 bytes"),
        ({"query": "q", "documents": ["a"] * 6}, "6 documents were given\n  At most 5"),
        ({"query": "q", "documents": ["é" * 600]}, "the documents have 1202 bytes\n  At most 1000"),
        ({"query": "q", "documents": [{"text": "a", "deep": ["x" * 1000]}]}, "At most 1000"),
    ],
)
def test_wrong_arguments_are_answered_in_words(arguments, words):
    server = build_server(POINTWISE, limits=McpLimits(documents=5, bytes=1000, query_bytes=100))
    said = refusal(server, **arguments)
    assert words in said and len(said) < 400 and "pydantic" not in said


def test_an_unknown_tool():
    assert refusal(build_server(POINTWISE), "search", query="q") == "there is no tool 'search'. Known: rerank."


def test_a_model_that_fails_is_an_error_in_its_words():
    def fails(asked):
        raise ConnectionFailed("the server cannot be reached", hint="Start it.")

    failing = JudgeReranker(ScriptedJudge(fails), ScoreAll())
    assert "the server cannot be reached" in refusal(build_server(failing), query="q", documents=["a"])
    kept = JudgeReranker(ScriptedJudge(fails), ScoreAll(), on_call_failure="partial")
    got = answer(build_server(kept), "rerank", query="q", documents=["a", "b"])
    assert [row["index"] for row in got["results"]] == [0, 1]
    assert "the server cannot be reached" in got["warnings"][0]


def test_a_fault_of_ours_says_nothing_of_the_inside():
    def breaks(asked):
        raise KeyError("/home/somebody/secret")

    broken = JudgeReranker(ScriptedJudge(breaks), ScoreAll())
    assert refusal(build_server(broken), query="q", documents=["a"]) == "Error executing tool rerank"


def test_a_cancelled_call_ends_the_work_and_the_server_goes_on():
    began, ended = threading.Event(), threading.Event()

    def waits(asked):
        if asked.request.query.text == "slow":
            began.set()
            with current().ended_by(ended.set):
                ended.wait(30)
        return Answer(1.0)

    server = build_server(JudgeReranker(ScriptedJudge(waits), ScoreAll()))

    async def calling() -> None:
        async with Client(server) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "rerank", {"query": "slow", "documents": ["a", "b"]})
            assert await anyio.to_thread.run_sync(began.wait, 30)
            tasks.cancel_scope.cancel()
        assert ended.is_set()
        async with Client(server) as client:
            again = await client.call_tool("rerank", {"query": "fast", "documents": ["a"]})
            assert again.structured_content["total"] == 1

    asyncio.run(calling())


def test_search_over_a_corpus():
    corpus = [Candidate("a", "fleas live on cats " * 100, "Fleas"), Candidate("b", "cats"), Candidate("c", "rain")]
    server = build_server(searcher=Searcher(Bm25Index.build(corpus)), limits=McpLimits(characters=20))
    got = answer(server, "search", query="cats")
    assert got["score_kind"] == "bm25" and got["total"] == 2
    assert {row["id"]: (row.get("title"), row["text"]) for row in got["results"]} == {
        "a": ("Fleas", "fleas live on cats …"),
        "b": (None, "cats"),
    }
    nothing = answer(server, "search", query="snow")
    assert nothing["results"] == [] and nothing["total"] == 0
    assert "the query is empty" in refusal(server, "search", query=" ")


def test_tools_say_that_they_only_read():
    async def listed():
        async with Client(build_server(POINTWISE)) as client:
            return (await client.list_tools()).tools

    [tool] = asyncio.run(listed())
    assert tool.annotations.read_only_hint and tool.annotations.idempotent_hint
    assert not tool.annotations.destructive_hint and tool.description and tool.output_schema
    assert set(tool.input_schema["properties"]) == {"query", "documents", "top_n", "return_text"}
    assert tool.input_schema["required"] == ["query", "documents"]


class InstructedJudge(ScriptedJudge):
    takes_instruction = True


def test_an_instruction_is_an_argument_only_where_it_is_followed():
    def wants(asked):
        return Answer(float(asked.request.query.instruction in asked.request.candidates[asked.question.index].text))

    server = build_server(JudgeReranker(InstructedJudge(wants), ScoreAll()))
    for wanted, best in (("short", 1), ("long", 0)):
        got = answer(server, "rerank", query="q", documents=["a long text", "a short text"], instruction=wanted)
        assert got["results"][0]["index"] == best
    refused = refusal(build_server(POINTWISE), query="q", documents=["a"], instruction="short")
    assert "rerank has no argument 'instruction'" in refused


def test_there_must_be_something_to_serve():
    with pytest.raises(ConfigError, match="nothing to serve"):
        build_server()
    with pytest.raises(ConfigError, match="documents is 0"):
        McpLimits(documents=0)
