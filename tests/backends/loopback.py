"""A small OpenAI-compatible server on the loopback address that does what a script says, misbehaviour included."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class BoundQuestion:
    """One request, as the server saw it."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Says:
    """An ordinary reply: a JSON value, or raw text."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Hangs:
    """Never answers, until the server is closed."""


class Cuts:
    """Promises a reply and cuts the connection in the middle of it."""


Behaviour = Callable[[BoundQuestion], Says | Hangs | Cuts]


def chat(content: str | None = "Yes", *, finish: str = "stop", logprobs: object = None, **message: object) -> Says:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return Says({"choices": [{**choice, "logprobs": logprobs}], "usage": usage})


def completion(text: str, *, logprobs: object = None) -> Says:
    return Says({"choices": [{"index": 0, "text": text, "finish_reason": "stop", "logprobs": logprobs}]})


def error(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **more: object) -> Says:
    return Says(
        {"error": {"message": message, "type": "error", "param": None, "code": None, **more}}, status, headers or {}
    )


class Loopback:
    """``server.behaviour`` answers each request; ``server.asked`` holds those that came."""

    def __init__(self) -> None:
        self.asked: list[BoundQuestion] = []
        self.behaviour: Behaviour = lambda asked: chat()
        self.models: Says | Hangs | None = Says({"object": "list", "data": [{"id": "little", "max_model_len": 4096}]})
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.loopback = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def script(self, *replies: Says | Hangs | Cuts) -> None:
        """Give these replies in turn; the last one for ever."""
        left = list(replies)

        def play(asked: BoundQuestion) -> Says | Hangs | Cuts:
            with self._lock:
                return left.pop(0) if len(left) > 1 else left[0]

        self.behaviour = play

    def answer(self, asked: BoundQuestion) -> Says | Hangs | Cuts:
        if asked.path == "/v1/models":
            return self.models or error(404, "no such page")
        with self._lock:
            self.asked.append(asked)
        return self.behaviour(asked)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    loopback: Loopback

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that gave up is part of the tests
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._reply({})

    def do_POST(self) -> None:
        self._reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _reply(self, body: Mapping[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.loopback.answer(BoundQuestion(self.path, headers, body))
        if isinstance(reply, Hangs):
            self.server.loopback.closing.wait()
            self.close_connection = True
            return
        if isinstance(reply, Cuts):
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"choi')
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        raw = isinstance(reply.body, str)
        data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html" if raw else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass
