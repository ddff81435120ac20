"""The server on loopback, in a process of its own, as long as the tests of the official clients run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rankkit.judging.batched import logistic
from tests.server.clients.serving import KEY

# LiteLLM fetches a table of prices when it is imported, and others say over the network that they are used.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

#: What is asked in most tests, and what the tiny model makes of it: the order, and a logit for each place in it.
QUERY = "word"
DOCUMENTS = ["bad word", "good", "best word", "word"]
ORDER = [2, 1, 3, 0]
LOGITS = [3.5, 1.25, 0.5, -0.5]
SCORES = [logistic(logit) for logit in LOGITS]


@dataclass(frozen=True)
class Server:
    url: str
    key: str = KEY

    @property
    def huge(self) -> list[str]:
        """Documents that are more than a body may hold."""
        return ["word " * 30_000]

    def post(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, str], object]:
        """Without any client: status, headers in lower case, and what the body says."""
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}", **headers}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), sent)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, {key.lower(): value for key, value in reply.headers.items()}, json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {key.lower(): value for key, value in error.headers.items()}, json.load(error)


def _started(folder: Path, *kind: str) -> tuple[subprocess.Popen[bytes], Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.server.clients.serving", str(port), str(folder), *kind]
    process = subprocess.Popen(command)
    server = Server(f"http://127.0.0.1:{port}")
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{server.url}/health", timeout=5):
                return process, server
        except OSError:
            assert process.poll() is None, "the server did not start"
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """Its models are ``mini``, ``order`` (which gives no scores) and ``broken``."""
    process, server = _started(tmp_path_factory.mktemp("server"))
    yield server
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def full_server(tmp_path_factory) -> Iterator[Server]:
    """It takes one request, has it, and refuses all others."""
    folder = tmp_path_factory.mktemp("full")
    process, server = _started(folder, "full")
    body = {"query": QUERY, "documents": DOCUMENTS, "model": "stays"}
    threading.Thread(target=_posted, args=(server, body), daemon=True).start()
    while not (folder / "mark").exists():
        time.sleep(0.05)
    yield server
    process.kill()
    process.wait()


def _posted(server: Server, body: object) -> None:
    try:
        server.post("/rerank", body)
    except OSError:
        return  # the server was ended, as it is meant to be
