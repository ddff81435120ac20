"""The official SDK's client on the server of another process, over each transport."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

ROOT = Path(__file__).resolve().parents[3]


def surroundings(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **more}


@contextlib.contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[str]:
    """``rankkit mcp --transport http`` in a process of its own; gives its URL."""
    command = ["rankkit", "mcp", "--transport", "http", "--port", "0", *arguments]
    with served_by(*command, **environment) as url:
        yield url


@contextlib.contextmanager
def served_by(*arguments: str, **environment: str) -> Iterator[str]:
    """A module as a server, which names its URL on standard error."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=surroundings(**environment)) as process:
        try:
            assert process.stderr
            said = ""
            for line in process.stderr:
                said += line
                if found := re.search(r" at (http://\S+)", line):
                    yield found[1]
                    break
            else:
                raise AssertionError(said)
        finally:
            process.terminate()
            process.communicate(timeout=30)


@contextlib.asynccontextmanager
async def over_stdio(*arguments: str) -> AsyncIterator[Client]:
    async with client_of("rankkit", "mcp", *arguments) as client:
        yield client


@contextlib.asynccontextmanager
async def client_of(*arguments: str) -> AsyncIterator[Client]:
    """A module as a server, which the client starts."""
    with tempfile.TemporaryFile("w+") as log:
        server = StdioServerParameters(command=sys.executable, args=["-m", *arguments], env=surroundings())
        async with Client(stdio_client(server, errlog=log)) as client:
            yield client


@contextlib.asynccontextmanager
async def over_http(*arguments: str) -> AsyncIterator[Client]:
    with serving(*arguments) as url:
        async with Client(url) as client:
            yield client
