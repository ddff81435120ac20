"""Sends what no client library would send, and reads what comes back."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse

from tests.server.fuzz.mutants import Mutant
from tests.server.live import Address

#: An answer that takes longer is none.
SECONDS = 20.0


@dataclass(frozen=True)
class Reply:
    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...]


def as_bytes(mutant: Mutant, address: Address) -> bytes:
    """The request as it goes over the wire. Headers that it has itself come first, and the usual ones if they are
    missing.
    """
    own = {name.lower() for name, _ in mutant.headers}
    usual = [("Host", f"{address.host}:{address.port}"), ("Content-Type", mutant.kind)]
    if mutant.chunked:
        usual.append(("Transfer-Encoding", "chunked"))
    else:
        usual.append(("Content-Length", str(len(mutant.body))))
    lines = [*mutant.headers, *(one for one in usual if one[0].lower() not in own)]
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    start = f"{mutant.method} {mutant.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
    return start + (in_chunks(mutant) if mutant.chunked else mutant.body)


def in_chunks(mutant: Mutant) -> bytes:
    parts = [mutant.body[at : at + 1000] for at in range(0, len(mutant.body), 1000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + (mutant.broken or b"0\r\n\r\n")


def exchanged(mutant: Mutant, address: Address) -> Reply | None:
    """What the server says: nothing where it closed the connection without a word.

    Raises:
        TimeoutError: it says nothing and keeps the connection.
    """
    with socket.create_connection((address.host, address.port), timeout=SECONDS) as sock:
        reply = HTTPResponse(sock, method=mutant.method)
        try:
            sock.sendall(as_bytes(mutant, address))
            if mutant.ends_early:
                sock.shutdown(socket.SHUT_WR)  # no more is to come, whatever was announced
            reply.begin()
            body = reply.read()
        except TimeoutError:
            raise
        except (OSError, HTTPException):
            return None
        finally:
            reply.close()
        return Reply(reply.status, reply.getheader("content-type", ""), body, tuple(reply.getheaders()))
