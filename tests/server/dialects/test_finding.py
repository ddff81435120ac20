"""Which dialect a request speaks: the table of path, headers and keys, row by row."""

from __future__ import annotations

import pytest

from rankkit.server.dialects import DIALECTS, PATHS, find
from rankkit.server.exchange import Dialect

PLAIN = {"query": "q", "documents": ["a"]}
COHERE = {"user-agent": "cohere/7.3.1", "x-fern-sdk-name": "cohere"}
LITELLM = {"user-agent": "litellm/1.110.2"}


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/rerank", {"query": "q", "texts": ["a"]}, "tei"),
        ("/rerank", {"query": "q", "texts": ["a"], "top_k": 1, "documents": []}, "tei"),
        ("/v1/rerank", {"query": "q", "input": ["a"]}, "mixedbread"),
        ("/v1/rerank", {**PLAIN, "top_k": None, "truncation": True}, "voyage"),
        ("/v1/rerank", {**PLAIN, "top_k": 2}, "voyage"),
        ("/v1/rerank", {**PLAIN, "truncation": False}, "voyage"),
        ("/v1/rerank", {**PLAIN, "rank_fields": ["title"]}, "cohere-v1"),
        ("/v1/rerank", {**PLAIN, "max_chunks_per_doc": 3}, "cohere-v1"),
        ("/v1/rerank", {"query": "q", "documents": [{"title": "t", "text": "a"}]}, "cohere-v1"),
        ("/v1/rerank", {"query": "q", "documents": [{"text": "a"}, {"image": "i"}]}, "shared"),
        ("/rerank", {**PLAIN, "raw_scores": False}, "infinity"),
        ("/rerank", {**PLAIN, "model": "default/not-specified"}, "infinity"),
        ("/rerank", {**PLAIN, "truncate_prompt_tokens": -1}, "vllm"),
        ("/rerank", {**PLAIN, "use_activation": False}, "vllm"),
        ("/v1/rerank", {**PLAIN, "max_tokens_per_query": 0}, "vllm"),
        ("/v1/rerank", {**PLAIN, "instruction": "find"}, "vllm"),
        ("/v1/rerank", {**PLAIN, "max_tokens_per_doc": 512}, "shared-without-documents"),
        ("/v1/rerank", {**PLAIN, "max_doc_length": 512}, "jina"),
        ("/v1/rerank", {**PLAIN, "return_documents": True}, "shared"),
        ("/v1/rerank", {**PLAIN, "top_n": None, "model": "m"}, "shared"),
        ("/rerank", PLAIN, "shared"),
        ("/v2/rerank", PLAIN, "cohere-v2"),
        ("/v2/rerank", {**PLAIN, "top_k": 2}, "cohere-v2"),
        ("/v2/rerank/", PLAIN, "cohere-v2"),
        ("/v1/v2/rerank", PLAIN, "cohere-v2"),
        ("/providers/cohere/v2/rerank", PLAIN, "cohere-v2"),
        ("/v1/reranking", {"query": "q", "input": ["a"]}, "mixedbread"),
        ("/v1/reranking", PLAIN, "llama.cpp"),
        ("/reranking", PLAIN, "llama.cpp"),
        ("/reranking", {"query": "q", "texts": ["a"]}, "tei"),
        ("/v1/reranking", {"query": "q"}, "mixedbread"),
        ("/score", {"text_1": "a", "text_2": "b"}, "score"),
        ("/v1/score/", {}, "score"),
        ("/api/v1/rerank", PLAIN, "openrouter"),
    ],
)
def test_path_and_keys_tell(path, body, name):
    assert find(path, {}, body).name == name


@pytest.mark.parametrize(
    ("path", "headers", "body", "name"),
    [
        ("/v1/rerank", COHERE, PLAIN, "cohere-v1"),
        ("/v1/rerank", {"x-fern-sdk-name": "cohere"}, PLAIN, "cohere-v1"),
        ("/v1/v1/rerank", COHERE, PLAIN, "cohere-v1"),
        ("/v1/rerank", LITELLM, {**PLAIN, "return_documents": True}, "litellm"),
        ("/rerank", LITELLM, {**PLAIN, "rank_fields": None, "return_documents": True}, "litellm"),
        ("/rerank", LITELLM, {**PLAIN, "max_tokens_per_doc": 9}, "shared-without-documents"),
        ("/rerank", LITELLM, {**PLAIN, "instruction": "find"}, "vllm"),
        ("/v1/rerank", LITELLM, {**PLAIN, "top_k": 2, "return_documents": True}, "voyage"),
        ("/rerank", LITELLM, {"query": "q", "texts": ["a"], "return_text": True}, "tei"),
        ("/rerank", {"x-pinecone-api-version": "2026-07"}, {**PLAIN, "rank_fields": ["text"]}, "pinecone"),
    ],
)
def test_headers_tell_where_keys_cannot(path, headers, body, name):
    assert find(path, headers, body).name == name


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        ("/v2/rerank", {}, "cohere-v2"),
        ("/v1/rerank", COHERE, "cohere-v1"),
        ("/v1/rerank", {"user-agent": "python-requests/2.32"}, "unread"),
        ("/v1/reranking", {}, "mixedbread"),
        ("/score", {}, "score"),
        ("/nowhere", {}, "unread"),
        ("/", {}, "unread"),
    ],
)
def test_a_body_that_was_not_read_still_has_a_dialect(path, headers, name):
    assert find(path, headers, None).name == name


def test_every_dialect_is_reached_and_keeps_the_protocol():
    assert all(name == row.name for name, row in DIALECTS.items())
    for row in DIALECTS.values():
        written: Dialect = row
        assert callable(written.read) and callable(written.write) and callable(written.write_problem)
    assert all(find(path, {}, PLAIN).name in DIALECTS for path in PATHS)
    assert len(set(PATHS)) == len(PATHS)
