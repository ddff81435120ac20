"""A cache folder, a shelf of tiny wheels, and servers on loopback that imitate a package index and the hub."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

WEIGHTS = b"weights " * 250_000
TOKENIZER = b'{"model": "tiny"}'


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and none of this machine's own settings."""
    for name in [*os.environ]:
        if name.startswith(("PIP_", "HF_", "UV_", "RANKKIT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    return tmp_path / "cache"


@pytest.fixture
def shelf(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only place where pip looks."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheel(folder: Path, package: str, version: str, members: dict[str, bytes]) -> Path:
    """A wheel of plain data, as ``pip download`` wants it."""
    module = package.replace("-", "_")
    about = f"{module}-{version}.dist-info"
    contents = {
        **members,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
        for name, data in contents.items()
    )
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
        archive.writestr(f"{about}/RECORD", f"{record}{about}/RECORD,,\n")
    return path


def tiny_wheel(folder: Path, weights: bytes = WEIGHTS) -> Path:
    return write_wheel(folder, "tiny-data", "1.0", {"tiny_data/model.onnx": weights, "tiny_data/tok.json": TOKENIZER})


ROW = f"""
[[model]]
name = "tiny"
title = "A tiny model"
kind = "cross-encoder"
licence = "Apache-2.0"
homepage = "https://example.org/tiny"
languages = ["en"]
aliases = ["tin"]
[[model.file]]
name = "model.onnx"
sha256 = "{sha(WEIGHTS)}"
[[model.file]]
name = "tokenizer.json"
sha256 = "{sha(TOKENIZER)}"
[[model.source]]
kind = "wheel"
[[model.source.wheel]]
package = "tiny-data"
version = "1.0"
[model.source.wheel.members]
"model.onnx" = "tiny_data/model.onnx"
"tokenizer.json" = "tiny_data/tok.json"
"""

TERMS = """
[model.terms]
url = "https://example.org/terms"
text = "Be kind."
"""


@pytest.fixture
def catalogue(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write the further rows that this test's rankkit knows."""

    def write(text: str) -> None:
        (tmp_path / "rows.toml").write_text(text, encoding="utf-8")
        monkeypatch.setenv("RANKKIT_CATALOGUE", str(tmp_path / "rows.toml"))

    return write


@pytest.fixture
def tiny(shelf: Path, catalogue: Callable[[str], None]) -> str:
    """The name of a model that can be pulled from the shelf."""
    catalogue(ROW)
    tiny_wheel(shelf)
    return "tiny"


@pytest.fixture
def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(ThreadingHTTPServer):
    """Answers from ``replies``: path -> (headers, body). The body of ``held`` stops halfway until ``release``;
    that of ``endless`` goes on for 200 MB without a word of how long it is.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, tuple[dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.held = ""
        self.endless = ""
        self.sent = 0
        self.halfway = threading.Event()
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error here."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self._reply(with_body=False)

    def do_GET(self) -> None:
        self._reply(with_body=True)

    def _reply(self, *, with_body: bool) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        headers, body = self.server.replies.get(self.path, ({}, None))
        self.send_response(404 if body is None else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        if with_body and self.path == self.server.endless:
            self._go_on()
            return
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if not with_body or body is None:
            return
        if self.path == self.server.held:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.halfway.set()
            self.server.release.wait(30)
            body = body[len(body) // 2 :]
        self.wfile.write(body)

    def _go_on(self) -> None:
        self.close_connection = True
        self.end_headers()
        for sent in range(200):
            try:
                self.wfile.write(bytes(1_000_000))
            except OSError:
                return
            self.server.sent += 1_000_000
            if sent > 20:  # time for somebody who looks now and then
                self.server.release.wait(0.05)

    def log_message(self, format: str, *args: object) -> None:
        """Tests speak through what they assert."""


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.release.set()
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def index(home: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A package index with the tiny wheel, the only place where pip looks."""
    folder = tmp_path / "published"
    folder.mkdir()
    wheel = tiny_wheel(folder)
    page = f'<html><body><a href="/files/{wheel.name}">{wheel.name}</a></body></html>'.encode()
    server.replies["/simple/tiny-data/"] = ({"Content-Type": "text/html"}, page)
    server.replies[f"/files/{wheel.name}"] = ({"Content-Type": "application/zip"}, wheel.read_bytes())
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    return server


PULL = [
    sys.executable,
    "-c",
    "import sys; from rankkit.models import store;"
    "print(store.pull(sys.argv[1], progress=lambda now: print(now.phase, file=sys.stderr, flush=True)))",
]
