"""A real 135M model, in this process and behind a real OpenAI-compatible server.

A model of that size proves the plumbing, not the method: no test asserts that its order is any good.
"""

from __future__ import annotations

import pytest

from benchmarks.llama_server import LlamaServer
from rankkit.evaluation.datasets import load_dataset
from rankkit.ranking import Request
from tests.conftest import pulled_model


@pytest.fixture(scope="session")
def smollm2() -> str:
    pytest.importorskip("llama_cpp", reason="the gguf extra is not installed")
    return str(pulled_model("smollm2-135m-instruct"))


@pytest.fixture(scope="session")
def requests(data_dir) -> list[Request]:
    """Two real queries with the beginnings of six real web passages each: short enough to be shown whole.

    A server's tokens are estimated, so it would be shown shorter passages than a model here; equal prompts are needed.
    """
    heads = [request.head(range(6)) for request in load_dataset(data_dir / "noveleval", limit=2).requests]
    return [Request.of(head.query, [" ".join(c.text.split()[:25]) for c in head.candidates]) for head in heads]


@pytest.fixture(scope="session")
def server(smollm2):
    with LlamaServer(smollm2, name="smollm2") as running:
        yield running.url
