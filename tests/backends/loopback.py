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


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, compressed perhaps."""

    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


class Drips:
    """Sends a blank now and then, and never an end."""


Reply = Says | Hangs | Cuts | Raw | Drips
Behaviour = Callable[[BoundQuestion], Reply]


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
        self.models: Reply | None = Says({"object": "list", "data": [{"id": "little", "max_model_len": 4096}]})
        self.closing = threading.Event()
        #: Set when a client has closed its connection before it had an answer.
        self.left = threading.Event()
        self.connections = 0
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.loopback = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def script(self, *replies: Reply) -> None:
        """Give these replies in turn; the last one for ever."""
        left = list(replies)

        def play(asked: BoundQuestion) -> Reply:
            with self._lock:
                return left.pop(0) if len(left) > 1 else left[0]

        self.behaviour = play

    def answer(self, asked: BoundQuestion) -> Reply:
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

    def process_request(self, request: Any, client_address: Any) -> None:
        self.loopback.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that gave up is part of the tests
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: the second would wait for the client to confirm
    server: _Server

    def do_GET(self) -> None:
        self._reply({})

    def do_POST(self) -> None:
        self._reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _reply(self, body: Mapping[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.loopback.answer(BoundQuestion(self.path, headers, body))
        if isinstance(reply, Hangs):
            self._wait_for_the_client_to_go()
            self.close_connection = True
            return
        if isinstance(reply, Cuts):
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"choi')
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if isinstance(reply, Drips):
            self._drip()
            return
        if isinstance(reply, Raw):
            self._send(reply.status, {"Content-Type": "application/json", **reply.headers}, reply.data)
            return
        raw = isinstance(reply.body, str)
        data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        self._send(reply.status, {**reply.headers, "Content-Type": "text/html" if raw else "application/json"}, data)

    def _send(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _wait_for_the_client_to_go(self) -> None:
        self.connection.settimeout(0.02)
        while not self.server.loopback.closing.is_set():
            try:
                gone = not self.connection.recv(1)
            except TimeoutError:
                continue
            except ConnectionError:
                gone = True
            if gone:
                self.server.loopback.left.set()
                return

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while not self.server.loopback.closing.wait(0.05):
                self.wfile.write(b"1\r\n \r\n")
        except ConnectionError:
            self.server.loopback.left.set()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass
