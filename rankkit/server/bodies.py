"""Reading a body within limits, and the JSON in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from rankkit.server.exchange import WireError
from rankkit.server.problems import refused
from rankkit.server.settings import Limits

if TYPE_CHECKING:
    from starlette.types import Receive

#: What a page of somebody else's may send without being asked whether it may: none of them is JSON.
_OF_FORMS = ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded")
#: What holds values takes a hundred bytes where it is empty: two in a body are many in memory.
_MOST_CONTAINERS = 200_000


class ClientGone(Exception):  # no error: nobody is left whom it could be reported to
    """The client closed its connection."""


class HeldBytes:
    """How many bytes of bodies are in memory, over all requests of a process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = 0

    def take(self, count: int) -> None:
        if self.now + count > self._most:
            raise refused(429, "overloaded", "the server holds as many bodies as it can: try again", retry=1)
        self.now += count

    def give_back(self, count: int) -> None:
        self.now -= count


async def read_body(receive: Receive, headers: Mapping[str, str], limits: Limits, held: HeldBytes) -> bytes:
    """All bytes of a body; whoever gets them gives them back to ``held``.

    Raises:
        WireError: it is too large (413, before it is read as a whole), too slow (408), compressed, or of a form (415).
        ClientGone: the client went away before it was there.
    """
    _check_headers(headers, limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk = message.get("body", b"")
                if len(body) + len(chunk) > limits.body_bytes:
                    raise _too_large(limits)
                held.take(len(chunk))
                body += chunk
                more = message.get("more_body", False)
    except BaseException as error:
        held.give_back(len(body))
        if isinstance(error, TimeoutError):
            words = f"the body did not arrive within {limits.body_seconds:g} seconds"
            raise refused(408, "timeout", words) from error
        raise
    return bytes(body)


def _check_headers(headers: Mapping[str, str], limits: Limits) -> None:
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise refused(415, "unsupported", "compressed bodies are not taken: send the JSON as it is")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _OF_FORMS:
        raise refused(415, "unsupported", f"the body is called {kind}: send JSON with Content-Type: application/json")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.body_bytes:
        raise _too_large(limits)


def _too_large(limits: Limits) -> WireError:
    return refused(413, "too_large", f"the body is larger than the {limits.body_bytes} bytes that are allowed")


def parse(body: bytes, nesting: int) -> Mapping[str, Any]:
    """The object in a body. Where a name stands twice the last counts, as everywhere.

    Raises:
        WireError: 400 where it is no JSON, or no object.
    """
    if not body:
        raise refused(400, "invalid_request", "the body is empty: send a JSON object")
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except RecursionError as error:
        raise _too_deep(nesting) from error
    except ValueError as error:
        raise refused(400, "invalid_request", f"the body is not JSON: {_place(error)}") from error
    if not isinstance(value, dict):
        raise refused(400, "invalid_request", f"the body is a JSON {_name(value)}, not an object")
    if body.count(b"[") + body.count(b"{") > nesting:  # most bodies have too few of them to be looked at
        _check_nesting(value, nesting)
    return value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _place(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:100]


def _name(value: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


def _check_nesting(value: object, most: int) -> None:
    level, seen = [value], 0
    for _ in range(most):
        inside: list[object] = []
        for one in level:
            inside += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level = [one for one in inside if isinstance(one, dict | list)]
        seen += len(level)
        if seen > _MOST_CONTAINERS:
            raise refused(400, "invalid_request", f"the body has more than {_MOST_CONTAINERS} arrays and objects")
        if not level:
            return
    raise _too_deep(most)


def _too_deep(nesting: int) -> WireError:
    return refused(400, "invalid_request", f"the body is nested more than {nesting} brackets deep")
