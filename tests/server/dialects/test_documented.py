"""Requests in the form of the services' own documentation, word for word in their keys, from JSON to JSON."""

from __future__ import annotations

import json

import pytest

from rankkit.server.dialects import find
from tests.server.dialects.answering import ranked

SENT = {
    "cohere v1": (
        "/v1/rerank",
        '{"model": "rerank-v3.5", "query": "Which city is the seat of government?", "top_n": 2,'
        ' "return_documents": true, "documents": [{"text": "A town in the hills."},'
        ' {"text": "The seat of government is a city by the river."},'
        ' {"text": "A harbour."}], "rank_fields": ["text"], "max_chunks_per_doc": 10}',
    ),
    "cohere v2": (
        "/v2/rerank",
        '{"model": "rerank-v3.5", "query": "Which city is the seat of government?", "top_n": 2, "documents":'
        ' ["A town in the hills.", "The seat of government is a city by the river.", "A harbour."],'
        ' "max_tokens_per_doc": 4096}',
    ),
    "jina": (
        "/v1/rerank",
        '{"model": "jina-reranker-v2-base-multilingual", "query": "skin care", "top_n": 2, "documents":'
        ' ["A cream.", "A cream for skin that is easily hurt.", "Une crème."]}',
    ),
    "voyage": (
        "/v1/rerank",
        '{"query": "Sample query", "documents": ["One.", "Another document.", "A third."], "model": "rerank-2.5",'
        ' "top_k": 2, "truncation": true, "return_documents": true}',
    ),
    "mixedbread": (
        "/v1/reranking",
        '{"model": "mixedbread-ai/mxbai-rerank-large-v2", "query": "Who wrote it?", "input": ["A short one.",'
        ' "A novel by a writer of the north.", "A play."], "top_k": 2, "return_input": true}',
    ),
    "tei": (
        "/rerank",
        '{"query": "What is Deep Learning?", "texts": ["Deep it is not.", "Deep learning has many layers.", "No."],'
        ' "raw_scores": false, "return_text": false, "truncate": true, "truncation_direction": "Right"}',
    ),
    "vllm": (
        "/v1/rerank",
        '{"model": "BAAI/bge-reranker-base", "query": "What is the capital of France?", "documents": ["Brasilia.",'
        ' "The capital of France is Paris.", "Horses."], "truncate_prompt_tokens": -1}',
    ),
    "infinity": (
        "/rerank",
        '{"query": "What is it?", "documents": ["A.", "It is a package for servers.", "No."], "raw_scores": false,'
        ' "return_documents": false, "model": "default/not-specified"}',
    ),
    "llama.cpp": (
        "/reranking",
        '{"model": "some-model", "query": "What is panda?", "top_n": 3, "documents": ["hi", "The panda is a bear.",'
        ' "it is."]}',
    ),
    "openrouter": (
        "/api/v1/rerank",
        '{"model": "cohere/rerank-v3.5", "query": "What is the capital?", "documents": ["No.",'
        ' {"text": "The capital is a city."}, "Yes!"]}',
    ),
}


@pytest.mark.parametrize("service", SENT)
def test_a_documented_request_is_answered(service):
    path, text = SENT[service]
    body = json.loads(text)
    dialect = find(path, {"user-agent": "curl/8.7.1"}, body)
    wire = dialect.read(body)
    said = json.loads(json.dumps(dialect.write(ranked(wire)).json))
    rows = said if isinstance(said, list) else said.get("results", said.get("data"))
    assert rows[0]["index"] == 1
    assert len(rows) == (wire.top_n or 3)
    meant = "max_chunks_per_doc has no meaning here: documents are not scored chunk by chunk"
    assert wire.warnings == ((meant,) if service == "cohere v1" else ())
    if service == "cohere v1":
        assert rows[0]["document"] == {"text": "The seat of government is a city by the river."}
    if service == "voyage":
        assert rows[0]["document"] == "Another document." and said["usage"] == {"total_tokens": 7}
    if service == "mixedbread":
        assert rows[0]["input"] == "A novel by a writer of the north."
