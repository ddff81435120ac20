"""``python -m benchmarks.serve.rude PORT SECONDS``: clients that hang, send 100 MB, drip and disconnect.

They print what became of them, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

HEAD = b"POST /v1/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
HUGE = 100 * 1000 * 1000
#: A breath between two tries, in seconds.
_PAUSE = 2.0


class Rude:
    def __init__(self, port: int, seconds: float) -> None:
        self._port, self._until = port, time.monotonic() + seconds
        self.seen: Counter[str] = Counter()

    @property
    def over(self) -> bool:
        return time.monotonic() > self._until

    def run(self) -> None:
        kinds = (self.hang, self.hang, self.huge, self.huge_in_chunks, self.drip, self.drip, self.disconnect)
        threads = [threading.Thread(target=self._repeat, args=(kind,), daemon=True) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _repeat(self, kind: Callable[[socket.socket], str]) -> None:
        while not self.over:
            with socket.create_connection(("127.0.0.1", self._port), timeout=30) as sock:
                try:
                    said = kind(sock)
                except OSError as error:
                    said = f"closed ({type(error).__name__})"
            self.seen[f"{kind.__name__}: {said}"] += 1
            time.sleep(_PAUSE)

    def hang(self, sock: socket.socket) -> str:
        """Half a head, and nothing more."""
        sock.sendall(HEAD)
        sock.settimeout(1.0)
        while not self.over:
            with contextlib.suppress(TimeoutError):
                return "closed" if not sock.recv(1) else "answered"
        return "left at the end"

    def huge(self, sock: socket.socket) -> str:
        sock.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % HUGE)
        return self._poured(sock, b"x" * 1_000_000)

    def huge_in_chunks(self, sock: socket.socket) -> str:
        sock.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        return self._poured(sock, b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n")

    def _poured(self, sock: socket.socket, part: bytes) -> str:
        with contextlib.suppress(OSError):
            for _ in range(HUGE // 1_000_000):
                sock.sendall(part)
        return sock.recv(1000).partition(b"\r\n")[0].decode("latin-1") or "closed"

    def drip(self, sock: socket.socket) -> str:
        """A byte ten times a second."""
        sock.sendall(HEAD + b"Content-Length: 100000\r\n\r\n{")
        sock.settimeout(0.1)
        while not self.over:
            with contextlib.suppress(TimeoutError):
                return sock.recv(1000).partition(b"\r\n")[0].decode("latin-1") or "closed"
            sock.sendall(b" ")
        return "left at the end"

    def disconnect(self, sock: socket.socket) -> str:
        """Asks for a long ranking and is gone."""
        body = json.dumps({"query": "how long do fleas live", "documents": ["adult fleas live for long " * 20] * 100})
        sock.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body.encode())
        time.sleep(0.02)
        return "gone"


if __name__ == "__main__":
    rude = Rude(int(sys.argv[1]), min(120.0, float(sys.argv[2])))
    rude.run()
    print(json.dumps(dict(sorted(rude.seen.items()))))
