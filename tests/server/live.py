"""Servers that listen: in a thread of this process, or in a process of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import uvicorn
from starlette.applications import Starlette

from rankkit.server.connections import PatientProtocol

_PATIENCE = 60.0


class Address:
    """Where a server listens, and how it is asked."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=_PATIENCE)

    def ask(
        self, path: str = "/rerank", body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON (or text) and headers of a request: a GET without a body."""
        connection = HTTPConnection(self.host, self.port, timeout=_PATIENCE)
        try:
            data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
            more = {"Content-Type": "application/json"} if data is not None else {}
            connection.request("GET" if data is None else "POST", path, data, {**more, **(headers or {})})
            reply = connection.getresponse()
            text = reply.read().decode()
            known = {name.lower(): value for name, value in reply.getheaders()}
            return reply.status, json.loads(text) if "json" in known.get("content-type", "") else text, known
        finally:
            connection.close()


@contextmanager
def listening(app: Starlette, **attributes: object) -> Iterator[Address]:
    """The application on a port of this machine; attributes of its connections may be others than usual."""
    protocol = type("Protocol", (PatientProtocol,), attributes)
    config = uvicorn.Config(app, http=protocol, ws="none", log_config=None, access_log=False, lifespan="on")
    config.timeout_graceful_shutdown = 5
    server = uvicorn.Server(config)
    started = threading.Event()
    sock = socket.create_server(("127.0.0.1", 0))

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await uvicorn.Server.startup(server, sockets)
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        assert started.wait(_PATIENCE)
        yield Address("127.0.0.1", sock.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        assert not thread.is_alive()


class Process:
    """``rankkit serve`` (or another program that says "ready at URL" on stderr), and what it has printed."""

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None, program: str = "") -> None:
        command = [sys.executable, *(["-c", program] if program else ["-m", "rankkit", "serve"]), *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1", **(environment or {})},
            start_new_session=True,
        )
        self.said: list[str] = []
        self.lines: list[str] = []
        self.address: Address | None = None
        self._ready = threading.Event()
        self._readers = [
            threading.Thread(target=self._read_stderr, daemon=True),
            threading.Thread(target=self._read_stdout, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"ready at http://([\d.]+):(\d+)", line):
                self.address = Address(found[1], int(found[2]))
                self._ready.set()
        self._ready.set()

    def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    def ready(self) -> Address:
        assert self._ready.wait(_PATIENCE) and self.address is not None, "".join(self.said)
        return self.address

    def send(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        code = self.process.wait(_PATIENCE)
        for reader in self._readers:
            reader.join(_PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


@contextmanager
def serving(*arguments: str, environment: Mapping[str, str] | None = None, program: str = "") -> Iterator[Process]:
    process = Process(*arguments, environment=environment, program=program)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.send(signal.SIGKILL)
        process.wait()
