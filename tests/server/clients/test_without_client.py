"""Requests as the services' own documentation has them, without any client."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.lanes import needs

needs("clients", "starlette", "uvicorn")

from tests.conftest import pulled_model
from tests.server.clients.conftest import (
    DOCUMENTS,
    ENVIRONMENT,
    LOGITS,
    ORDER,
    QUERY,
    SCORES,
    Server,
)
from tests.server.live import serving


def test_scores_are_those_that_the_format_promises(server):
    status, reply, headers = server.post("/rerank", {"query": QUERY, "texts": DOCUMENTS})
    assert status == 200 and "x-rankkit-warnings" not in headers
    assert [row["index"] for row in reply] == ORDER
    assert [row["score"] for row in reply] == pytest.approx(SCORES, rel=1e-5)
    _, reply, _ = server.post("/rerank", {"query": QUERY, "texts": DOCUMENTS, "raw_scores": True})
    assert [row["score"] for row in reply] == pytest.approx(LOGITS, rel=1e-5)
    body = {"query": QUERY, "documents": DOCUMENTS, "use_activation": False, "model": "mini"}
    _, reply, _ = server.post("/v1/rerank", body)
    assert [row["relevance_score"] for row in reply["results"]] == pytest.approx(LOGITS, rel=1e-5)


def test_a_reranker_without_scores_says_so(server):
    body = {"query": QUERY, "documents": DOCUMENTS, "model": "order"}
    _, reply, headers = server.post("/v2/rerank", body)
    assert [row["relevance_score"] for row in reply["results"]] == [1.0, 1 / 2, 1 / 3, 1 / 4]
    [said] = reply["meta"]["warnings"]
    assert "rank only" in said and json.loads(headers["x-rankkit-warnings"]) == [said]


def test_scores_of_pairs_come_in_their_order(server):
    _, reply, _ = server.post("/score", {"text_1": QUERY, "text_2": DOCUMENTS, "model": "mini"})
    assert [row["index"] for row in reply["data"]] == [0, 1, 2, 3]
    assert [row["score"] for row in reply["data"]] == pytest.approx([SCORES[ORDER.index(at)] for at in range(4)])


def test_pairs_with_queries_of_their_own(server):
    body = {"text_1": ["word", "bad", "word"], "text_2": ["good", "best", "bad"], "model": "mini"}
    _, reply, _ = server.post("/v1/score", body | {"use_activation": False})
    assert [(row["index"], row["score"]) for row in reply["data"]] == [(0, 1.25), (1, 2.0), (2, -0.75)]
    assert reply["usage"]["total_tokens"] > 0
    assert server.post("/score", body | {"text_1": ["word", "bad"]})[0] == 400


def test_documents_without_text_stand_last(server):
    body = {"query": QUERY, "documents": ["", "bad", " ", "best"], "model": "mini"}
    _, reply, _ = server.post("/v1/rerank/", body)
    assert [row["index"] for row in reply["results"]] == [3, 1, 0, 2]
    assert "2 documents without text stand last" in reply["meta"]["warnings"]


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank", "/v1/reranking", "/score"])
def test_errors_are_json(server, path):
    assert server.post(path, {"query": QUERY})[0] in (400, 422)
    assert server.post(path, {}, key="wrong-key")[0] == 401


# -- curl

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


def curl(server, path, *options):
    command = ["curl", "--silent", "--show-error", f"{server.url}{path}", *options]
    command += ["--header", f"Authorization: Bearer {server.key}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


COHERE = """{
  "model": "mini",
  "query": "What is the capital of the best word?",
  "documents": [
    "bad word", "good word",
    "best good word"
  ],
  "top_n": 2
}"""


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_curl_as_in_cohere_s_documentation(server, path):
    options = [
        "--request",
        "POST",
        "--header",
        "accept: application/json",
        "--header",
        "content-type: application/json",
    ]
    reply = curl(server, path, *options, "--data", COHERE)
    assert [row["index"] for row in reply["results"]] == [2, 1]
    assert reply["id"] and reply["meta"]["api_version"]["version"] in "12"


def test_curl_as_in_tei_s_documentation(server):
    body = '{"query": "word", "texts": ["bad word", "best"], "raw_scores": false}'
    reply = curl(server, "/rerank", "-X", "POST", "-d", body, "-H", "Content-Type: application/json")
    assert [(row["index"], sorted(row)) for row in reply] == [(1, ["index", "score"]), (0, ["index", "score"])]


# -- a real model


@pytest.mark.model
def test_a_real_model_ranks_and_its_scores_are_probabilities():
    pulled_model("ms-marco-MiniLM-L-12-v2")
    texts = [
        "Harbours are places where ships are moored.",
        "Fleas on a dog live for up to a hundred days.",
        "A flea is an insect.",
    ]
    with serving("--model", "ms-marco-MiniLM-L-12-v2", "--port", "0", environment=ENVIRONMENT) as process:
        server = Server(process.ready())
        reply = curl(server, "/rerank", "--json", json.dumps({"query": "how long do fleas live?", "texts": texts}))
        assert [row["index"] for row in reply] == [1, 2, 0]
        assert reply[0]["score"] > 0.9 and reply[-1]["score"] < 0.01
        asked = {"query": "how long do fleas live?", "documents": texts, "top_n": 1}
        reply = curl(server, "/v2/rerank", "--json", json.dumps(asked))
        assert [row["index"] for row in reply["results"]] == [1] and "warnings" not in reply["meta"]
