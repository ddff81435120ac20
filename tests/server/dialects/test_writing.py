"""Replies as each client reads them, and what has to be said with them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rankkit.server.dialects import DIALECTS
from rankkit.server.exchange import Result
from tests.server.dialects.answering import ranked
from tests.server.dialects.bodies import KEYS, body_of

DOCUMENTS = ["aa", "a", "aaaa"]
SCORES = [0.8, 1 - 1 / 3, 0.5]


def reply(name, documents=DOCUMENTS, *, tokens=7, warnings=(), **fields):
    dialect = DIALECTS[name]
    written = dialect.write(ranked(dialect.read(body_of(name, documents, **fields)), tokens=tokens, warnings=warnings))
    assert written.status == 200
    json.dumps(written.json, allow_nan=False)
    return written


def rows(score="relevance_score", document=None):
    order = (2, 0, 1)
    return [
        {"index": at, score: value, **({} if document is None else document(DOCUMENTS[at]))}
        for at, value in zip(order, SCORES, strict=True)
    ]


def as_object(text):
    return {"document": {"text": text}}


def as_string(text):
    return {"document": text}


TOKENS = {"prompt_tokens": 7, "total_tokens": 7}


def test_cohere():
    meta = {"billed_units": {"input_tokens": 7}, "tokens": {"input_tokens": 7}}
    v1 = {"id": "request-1", "results": rows(), "meta": {"api_version": {"version": "1"}, **meta}}
    assert reply("cohere-v1").json == v1
    assert reply("cohere-v1", return_documents=True).json == {**v1, "results": rows(document=as_object)}
    assert reply("cohere-v2").json == {**v1, "meta": {"api_version": {"version": "2"}, **meta}}
    assert reply("cohere-v2", tokens=None).json["meta"] == {
        "api_version": {"version": "2"},
        "billed_units": {},
        "tokens": {},
    }


def test_a_document_that_came_as_an_object_goes_back_as_it_came():
    document = {"title": "A", "body": "B"}
    [row] = reply("cohere-v1", [document], return_documents=True).json["results"]
    assert row["document"] == {"text": "title: A\nbody: B", **document}
    [row] = reply("cohere-v1", [{"text": None, "title": "A"}], return_documents=True).json["results"]
    assert row["document"] == {"text": "A", "title": "A"}


def test_shared_and_jina():
    whole = reply("shared").json
    assert whole == {
        "id": "request-1",
        "model": "reranker",
        "object": "list",
        "usage": TOKENS,
        "meta": {"api_version": {"version": "1"}, "billed_units": {"input_tokens": 7}, "tokens": {"input_tokens": 7}},
        "results": rows(),
    }
    assert reply("shared", return_documents=True).json == {**whole, "results": rows(document=as_object)}
    assert reply("shared-without-documents", return_documents=True).json["results"] == rows()
    litellm = reply("litellm", return_documents=True).json
    assert (litellm["results"], litellm["data"]) == (rows(), rows(document=as_string))
    assert reply("litellm").json["data"] == rows()
    assert reply("jina").json == {**whole, "results": rows(document=as_object)}
    assert reply("shared", tokens=None).json["usage"] == {}


def test_voyage():
    expected = {"object": "list", "data": rows(), "model": "reranker", "usage": {"total_tokens": 7}}
    assert reply("voyage").json == expected
    assert reply("voyage", return_documents=True).json == {**expected, "data": rows(document=as_string)}
    assert reply("voyage", tokens=None).json["usage"] == {"total_tokens": None}


def test_mixedbread():
    def row(text, **document):
        return {"input": document.get("input"), "object": "rank_result"}

    expected = {
        "usage": TOKENS,
        "model": "reranker",
        "data": rows("score", row),
        "object": "list",
        "top_k": 3,
        "return_input": False,
    }
    assert reply("mixedbread").json == expected
    with_input = reply("mixedbread", return_input=True, top_k=2).json
    assert with_input["data"] == rows("score", lambda text: {"input": text, "object": "rank_result"})[:2]
    assert (with_input["top_k"], with_input["return_input"]) == (2, True)


def test_tei():
    assert reply("tei").json == rows("score")
    assert reply("tei", return_text=True).json == rows("score", lambda text: {"text": text})
    assert reply("tei", top_n=1).json == rows("score")[:1]


def test_equal_scores_come_in_tei_s_order():
    assert [row["index"] for row in reply("tei", ["a", "bb", "b", "c", "dd"]).json] == [4, 1, 3, 2, 0]


def test_vllm():
    def document(text):
        return {"document": {"text": text, "multi_modal": None}}

    assert reply("vllm").json == {
        "id": "request-1",
        "model": "reranker",
        "usage": TOKENS,
        "results": rows(document=document),
    }


def test_llama_cpp():
    assert reply("llama.cpp").json == {"model": "reranker", "object": "list", "usage": TOKENS, "results": rows()}
    assert reply("llama.cpp", top_n=0).json["results"] == []


def test_infinity():
    whole = reply("infinity").json
    assert isinstance(whole.pop("created"), int)
    expected = {"object": "rerank", "model": "reranker", "usage": TOKENS, "id": "request-1"}
    assert whole == {**expected, "results": rows(document=lambda text: {"document": None})}
    assert reply("infinity", return_documents=True).json["results"] == rows(document=as_string)


def test_openrouter_and_pinecone():
    assert reply("openrouter").json == {
        "id": "request-1",
        "model": "reranker",
        "provider": "rankkit",
        "results": rows(document=as_object),
        "usage": {"total_tokens": 7},
    }
    expected = {"model": "reranker", "usage": {"rerank_units": 0}}
    assert reply("pinecone").json == {**expected, "data": rows("score", as_object)}
    assert reply("pinecone", return_documents=False).json == {**expected, "data": rows("score")}
    [row] = reply("pinecone", [{"id": "7", "text": "aa"}]).json["data"]
    assert row["document"] == {"id": "7", "text": "aa"}


@pytest.mark.parametrize("name", KEYS)
def test_the_model_is_called_what_the_client_called_it(name):
    body = reply(name, model="mine").json
    if isinstance(body, dict) and "model" in body:
        assert body["model"] == "mine"


# -- warnings


@pytest.mark.parametrize("name", KEYS)
def test_what_has_to_be_said_stands_in_the_reply(name):
    written = reply(name, unknown=5, warnings=("2 documents were cut", "2 documents were cut"))
    said = ["unknown has no meaning here and was left aside", "2 documents were cut"]
    assert json.loads(written.headers["X-Rankkit-Warnings"]) == said
    if name != "tei":
        assert written.json["meta"]["warnings"] == said
    silent = reply(name)
    assert silent.headers == {}
    assert name == "tei" or "warnings" not in silent.json.get("meta", {})


def test_the_header_is_short_and_ascii_whatever_is_said():
    warnings = tuple(f"{number} ünîcode\r\nX-Other: yes \x7f{'x' * 500}" for number in range(100))
    written = reply("tei", warnings=warnings)
    header = written.headers["X-Rankkit-Warnings"]
    assert len(header) <= 2000 and header.isascii() and header.isprintable()
    said = json.loads(header)
    assert said[-1] == "and more" and said[0].startswith("0 ünîcode X-Other")
    body = reply("shared", warnings=warnings).json["meta"]["warnings"]
    assert len(body) == 21 and body[-1] == "and 80 more" and all(len(words) <= 300 for words in body)


def test_results_of_the_application_are_written_as_they_are():
    dialect = DIALECTS["shared"]
    done = replace(ranked(dialect.read(body_of("shared"))), results=(Result(1, 0.25),))
    assert dialect.write(done).json["results"] == [{"index": 1, "relevance_score": 0.25}]
