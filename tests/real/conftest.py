"""A real 135M model, in this process and behind a real OpenAI-compatible server.

A model of that size proves the plumbing, not the method: no test asserts that its order is any good.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

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
