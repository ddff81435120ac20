"""Each method on a real 135M model, in this process and through a real OpenAI-compatible server.

A model of that size proves the plumbing, not the method: nothing here asserts that its order is any good.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("llama_cpp", reason="the gguf extra is not installed")

from rankkit.config import load
from rankkit.evaluation.datasets import load_dataset
from rankkit.listwise.constrained import ConstrainedJudge
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.single import Single
from rankkit.prompt import load_prompt
from rankkit.questions import Outcome
from rankkit.ranking import Request
from rankkit.reranker import JudgeReranker
from tests.conftest import pulled_model

pytestmark = [pytest.mark.model, pytest.mark.slow]
SMALL = {"paradigm": "listwise", "window": 4, "step": 2, "prompt": "listwise/small"}


@pytest.fixture(scope="module")
def smollm2() -> str:
    return str(pulled_model("smollm2-135m-instruct"))


@pytest.fixture(scope="module")
def requests(data_dir) -> list[Request]:
    """Two real queries with the beginnings of six real web passages each: short enough to be shown whole.

    A server's tokens are estimated, so it would be shown shorter passages than a model here; equal prompts are needed.
    """
    heads = [request.head(range(6)) for request in load_dataset(data_dir / "noveleval", limit=2).requests]
    return [Request.of(head.query, [" ".join(c.text.split()[:25]) for c in head.candidates]) for head in heads]


@pytest.fixture(scope="module")
def server(smollm2):
    """``python -m llama_cpp.server``, as a user would start it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", smollm2, "--port", str(port)]
    options = ["--n_ctx", "2048", "--logits_all", "true", "--n_threads", "2", "--model_alias", "smollm2"]
    # Idle threads that spin for work would slow down the model in this process.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, *options], env=environment, **quiet)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"llama_cpp.server ended with exit code {process.returncode}")
        try:
            urllib.request.urlopen(f"{url}/models", timeout=2).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail("llama_cpp.server did not come up within two minutes")


METHODS = {
    "generate": SMALL,
    "constrained": SMALL,
    "first-token": {**SMALL, "prompt": "listwise/letters"},
    "setwise": {**SMALL, "prompt": "listwise/setwise", "top_k": 2},
}


@pytest.mark.data
@pytest.mark.parametrize("method", METHODS)
def test_each_method_gives_the_same_order_here_and_over_http(smollm2, server, requests, method):
    here = load({**METHODS[method], "model": smollm2, "method": method, "context": 2048})
    over_http = {"model": "smollm2", "endpoint": server, "method": method, "concurrency": 1}
    # By default this server penalises repeated tokens, which distorts a ranking: labels are in the prompt already.
    there = load({**METHODS[method], **over_http, "extra_body": {"repeat_penalty": 1.0}})
    for request in requests:
        ours, theirs = here.rank(request), there.rank(request)
        assert sorted(ours.order) == sorted(theirs.order) == list(range(6))
        assert ours.usage.calls == sum(ours.steps[0].outcomes.values()) > 0
        if method == "first-token":
            # The server shows the top few only; what both saw, both put into the same order.
            continue
        assert ours.order == theirs.order, (ours.steps, theirs.steps)


def noise_windows(count: int, passages: int) -> list[Request]:
    rng = random.Random(11)
    words = "river stone music window seven orange quiet engine paper moon travel copper".split()
    documents = [[" ".join(rng.choices(words, k=4)) for _ in range(passages)] for _ in range(count)]
    return [Request.of(" ".join(rng.choices(words, k=3)), texts) for texts in documents]


def test_constrained_decoding_is_a_perfect_permutation_in_two_hundred_windows_of_noise(smollm2):
    from rankkit.backends.gguf import GgufModel

    template = load_prompt("listwise/small")
    with GgufModel(smollm2, context=1024) as model:
        ranker = JudgeReranker(ConstrainedJudge(model, template), Single())
        outcomes: list[str] = []
        for request in noise_windows(200, 6):
            ranking = ranker.rank(request)
            assert sorted(ranking.order) == list(range(6))
            outcomes += ranking.steps[0].outcomes
        assert outcomes == [Outcome.OK] * 200
        free = JudgeReranker(GenerateJudge(model, template), Single())
        malformed = [free.rank(request).steps[0].outcomes != {"ok": 1} for request in noise_windows(20, 6)]
    assert any(malformed), "if a 135M model always writes clean permutations, this comparison says nothing"
