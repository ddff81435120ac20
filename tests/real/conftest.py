"""Real models of 135M and 270M, in this process and behind a real OpenAI-compatible server.

Models of that size prove the plumbing, not the method: no test asserts that their order is any good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from benchmarks.llama_server import LlamaServer
from rankkit.core.ranking import Request
from rankkit.data.datasets import load_dataset
from tests.conftest import pulled_model

#: How each is asked over HTTP, and how many queries and passages it is shown. A base model has no chat template.
MODELS: Mapping[str, tuple[Mapping[str, str], int, int]] = {
    "smollm2-135m-instruct": ({}, 2, 6),
    "gemma-3-270m": ({"style": "completion"}, 1, 5),
}


@dataclass(frozen=True)
class Served:
    """One model twice: a file for this process, and a spec's keys for the server that runs it."""

    path: str
    over_http: Mapping[str, object]
    requests: tuple[Request, ...]


@pytest.fixture(scope="session")
def smollm2() -> str:
    pytest.importorskip("llama_cpp", reason="the gguf extra is not installed")
    return str(pulled_model("smollm2-135m-instruct"))


@pytest.fixture(scope="session")
def requests(data_dir) -> list[Request]:
    """Two real queries with the beginnings of six real web passages each: short enough to be shown whole.

    A server's tokens are estimated, so it would be shown shorter passages than a model here; equal prompts are needed.
    """
    heads = [request.select(range(6)) for request in load_dataset(data_dir / "noveleval", limit=2).requests]
    return [Request.of(head.query, [" ".join(c.text.split()[:25]) for c in head.candidates]) for head in heads]


@pytest.fixture(scope="session")
def server(smollm2):
    with LlamaServer(smollm2, name="smollm2") as running:
        yield running.url


@pytest.fixture(scope="session", params=MODELS)
def served(request, requests) -> Iterator[Served]:
    pytest.importorskip("llama_cpp", reason="the gguf extra is not installed")
    path = str(pulled_model(request.param))
    options, queries, passages = MODELS[request.param]
    shown = tuple(each.select(range(passages)) for each in requests[:queries])
    with LlamaServer(path, name=request.param) as running:
        # By default this server penalises repeated tokens, which distorts a ranking: labels are in the prompt already.
        fixed = {"concurrency": 1, "timeout": 600, "extra_body": {"repeat_penalty": 1.0}}
        yield Served(path, {"model": request.param, "endpoint": running.url, **fixed, **options}, shown)
