"""Read a reply up to a limit, compressed or not, so that no server can fill the memory."""

from __future__ import annotations

import zlib
from typing import Any

#: The most bytes of a reply, decompressed.
LONGEST_REPLY = 16 * 1024 * 1024
#: What is read of a reply that is an error.
LONGEST_ERROR = 64 * 1024
#: A list or an object of a JSON text takes fifty times its two characters in memory.
MOST_CONTAINERS = 250_000

#: No compression is asked for, but some proxies do it all the same. Others are not understood.
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Unreadable(Exception):
    """Says why a reply was given up."""


async def read_reply(response: Any, *, limit: int, whole: bool) -> bytes:
    """The decompressed bytes. What is more than ``limit`` is an error if the ``whole`` is needed, else left away.

    Raises:
        Unreadable: it is longer, or compressed in a way that was not asked for, or not what it says.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", *_WINDOW_BITS):
        raise Unreadable(f"it is encoded as {encoding[:40]!r}, which was not asked for")
    decode = _Decoder(encoding)
    read, on_wire, parts = 0, 0, []
    async for chunk in response.stream:
        on_wire += len(chunk)
        parts.append(decode(chunk, limit - read + 1))
        read += len(parts[-1])
        if max(read, on_wire) > limit:
            if whole:
                raise Unreadable(f"it is longer than {limit >> 20} MB")
            break
    return b"".join(parts)[:limit]


class _Decoder:
    """Takes one piece after the other, and gives at most so many bytes for each."""

    def __init__(self, encoding: str) -> None:
        self._bits = _WINDOW_BITS.get(encoding)
        self._inflate = None if self._bits is None else zlib.decompressobj(self._bits)
        self._begun = False

    def __call__(self, chunk: bytes, most: int) -> bytes:
        if self._inflate is None:
            return chunk[:most]
        try:
            given = self._inflate.decompress(chunk, most)
        except zlib.error as error:
            if self._begun or self._bits != zlib.MAX_WBITS:
                raise Unreadable(f"it cannot be decompressed ({error})") from None
            # "deflate" is zlib's format; some servers send it without zlib's frame.
            self._bits, self._inflate = -zlib.MAX_WBITS, zlib.decompressobj(-zlib.MAX_WBITS)
            return self(chunk, most)
        self._begun = True
        return given
