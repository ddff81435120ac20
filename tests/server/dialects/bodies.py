"""Bodies of each dialect, and what becomes of them."""

from __future__ import annotations

import pytest

from rankkit.server.dialects import DIALECTS
from rankkit.server.exchange import WireError

#: Each dialect with the key of its documents and that of its limit.
KEYS = {
    "cohere-v1": ("documents", "top_n"),
    "cohere-v2": ("documents", "top_n"),
    "jina": ("documents", "top_n"),
    "voyage": ("documents", "top_k"),
    "mixedbread": ("input", "top_k"),
    "tei": ("texts", "top_n"),
    "vllm": ("documents", "top_n"),
    "llama.cpp": ("documents", "top_n"),
    "infinity": ("documents", "top_n"),
    "openrouter": ("documents", "top_n"),
    "pinecone": ("documents", "top_n"),
    "shared": ("documents", "top_n"),
    "shared-without-documents": ("documents", "top_n"),
    "litellm": ("documents", "top_n"),
}
BAD_REQUEST = {"vllm", "llama.cpp", "pinecone", "score"}


def body_of(name, documents=("one", "two"), **fields):
    return {"query": "which?", KEYS[name][0]: list(documents) if isinstance(documents, tuple) else documents, **fields}


def read(name, body):
    return DIALECTS[name].read(body)


def refusal(name, body):
    with pytest.raises(WireError) as error:
        read(name, body)
    return error.value.problem
