"""``rankkit serve`` on loopback, in a process of its own, as long as the tests of the official clients run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rankkit.judging.batched import logistic
from tests.server.live import Address, serving
from tests.tiny import tiny_cross_encoder

# LiteLLM fetches a table of prices when it is imported, and others say over the network that they are used.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

KEY = "secret-of-the-tests"
ENVIRONMENT = {"RANKKIT_API_KEYS": KEY}

#: What is asked in most tests, and what the tiny model makes of it: the order, and a logit for each place in it.
QUERY = "word"
DOCUMENTS = ["bad word", "good", "best word", "word"]
ORDER = [2, 1, 3, 0]
LOGITS = [3.5, 1.25, 0.5, -0.5]
SCORES = [logistic(logit) for logit in LOGITS]

#: The first is the default. The second sorts by comparisons, so that there is an order and no score.
CONFIGS = {
    "mini.toml": 'model = "{model}"',
    "order.toml": 'paradigm = "pairwise"\nmethod = "difference"\nstrategy = "heapsort"\nmodel = "{model}"',
}


@dataclass(frozen=True)
class Server:
    address: Address
    key: str = KEY

    @property
    def url(self) -> str:
        return f"http://{self.address.host}:{self.address.port}"

    @property
    def huge(self) -> list[str]:
        """Documents that are more than a body may hold."""
        return ["word " * 30_000]

    def post(self, path: str, body: object, *, key: str = KEY) -> tuple[int, object, dict[str, str]]:
        """Without any client: status, what the body says, and headers in lower case."""
        status, said, headers = self.address.ask(path, body, headers={"Authorization": f"Bearer {key}"})
        return status, said, dict(headers)


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """Its models are ``mini``, and ``order``, which gives no scores."""
    folder = tmp_path_factory.mktemp("server")
    model = tiny_cross_encoder(folder / "model")
    arguments = ["--port", "0", "--max-body", "100000"]
    for name, text in CONFIGS.items():
        (folder / name).write_text(text.format(model=model), encoding="utf-8")
        arguments += ["--config", str(folder / name)]
    with serving(*arguments, environment=ENVIRONMENT) as process:
        yield Server(process.ready())


#: The server with a reranker of one's own, for what a real one does not do on demand.
PROGRAM = """
import socket, sys, time
from pathlib import Path
import uvicorn
from rankkit.server import FixedKeys, Settings, application

class Broken:
    def rank(self, request):
        raise RuntimeError("a bug, of which no client may read")

class Stays:
    def rank(self, request):
        Path(sys.argv[2]).touch()
        time.sleep(3600)

settings = Settings(in_flight=1, queue=0, deadline=300)
keys = FixedKeys({"tests": sys.argv[3]})
app = application({"only": Broken() if sys.argv[1] == "broken" else Stays()}, settings=settings, keys=keys)
server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
listener = socket.create_server(("127.0.0.1", 0))
print(f"ready at http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
server.run(sockets=[listener])
"""


@pytest.fixture(scope="session")
def broken_server() -> Iterator[Server]:
    """Every request ends in a 500."""
    with serving("broken", "", KEY, program=PROGRAM) as process:
        yield Server(process.ready())


@pytest.fixture(scope="session")
def full_server(tmp_path_factory) -> Iterator[Server]:
    """It takes one request, has it, and refuses all others."""
    mark = tmp_path_factory.mktemp("full") / "mark"
    with serving("stays", str(mark), KEY, program=PROGRAM) as process:
        server = Server(process.ready())
        threading.Thread(target=_posted, args=(server,), daemon=True).start()
        while not mark.exists():
            time.sleep(0.05)
        yield server


def _posted(server: Server) -> None:
    try:
        server.post("/rerank", {"query": QUERY, "documents": DOCUMENTS})
    except OSError:
        return  # the server was ended, as it is meant to be
