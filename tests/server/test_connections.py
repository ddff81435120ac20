"""Clients that go away, hang, drip, or send what nobody wants, on real connections: the others do not notice."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.client import HTTPResponse

import pytest

from rankkit.server.settings import Limits, Settings
from tests.server.live import Address, listening
from tests.server.plain import BODY, ByLength, app
from tests.server.test_in_time import scoring

HEAD = "POST /rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def until(condition: object) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen")


def send_ranking(address: Address, documents: int = 3) -> socket.socket:
    body = json.dumps({"query": "q", "documents": ["a"] * documents})
    sock = address.connect()
    sock.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return sock


def test_a_client_that_goes_away_cancels_its_work():
    calls: list[int] = []

    def before() -> None:
        calls.append(1)
        time.sleep(0.02)

    with listening(app(scoring(before))) as address:
        gone = send_ranking(address, documents=1000)
        until(lambda: len(calls) >= 2)
        gone.close()
        until(lambda: "rankkit_in_flight 0.0" in address.ask("/metrics")[1])
        time.sleep(0.1)  # one may have been handed to a thread
        made = len(calls)
        time.sleep(0.1)
        assert len(calls) == made < 900
        assert 'status="499"' in address.ask("/metrics")[1]


def test_one_that_waits_in_the_queue_and_goes_away_makes_room():
    end = threading.Event()
    with listening(app(ByLength(lambda request: end.wait(30)), settings=Settings(in_flight=1, queue=1))) as address:
        first, second = send_ranking(address), None
        until(lambda: "rankkit_in_flight 1.0" in address.ask("/metrics")[1])
        second = send_ranking(address)
        until(lambda: "rankkit_queued 1.0" in address.ask("/metrics")[1])
        status, reply, headers = address.ask(body=BODY)
        assert (status, reply["kind"], int(headers["retry-after"])) == (429, "overloaded", 1)
        second.close()
        until(lambda: "rankkit_queued 0.0" in address.ask("/metrics")[1])
        end.set()
        assert address.ask(body=BODY)[0] == 200
        assert b"200 OK" in first.recv(100)
        first.close()


def test_slow_heads_and_slow_bodies_come_to_an_end():
    limits = Limits(body_seconds=0.3)
    with listening(app(settings=Settings(limits=limits)), head_seconds=0.3) as address:
        head, body = address.connect(), address.connect()
        head.sendall(b"POST /rerank HT")
        body.sendall(f'{HEAD}Content-Length: 100\r\n\r\n{{"query":'.encode())
        assert address.ask(body=BODY)[0] == 200
        with head, body:
            assert drip(head) == b""
            assert b"408 Request Timeout" in drip(body)


def drip(sock: socket.socket) -> bytes:
    """A byte now and then, until the other side has had enough."""
    said = b""
    sock.settimeout(0.05)
    for _ in range(400):
        try:
            sock.sendall(b"x")
            received = sock.recv(10_000)
        except TimeoutError:
            continue
        except OSError:
            break
        if not received:
            break
        said += received
    else:
        raise AssertionError("it never had enough")
    return said


def test_a_huge_body_is_refused_while_it_is_sent_and_its_client_can_read_why():
    with listening(app(settings=Settings(limits=Limits(body_bytes=100_000)))) as address:
        for length in ("Content-Length: 100000000", "Transfer-Encoding: chunked"):
            sock = address.connect()
            sock.sendall(f"{HEAD}{length}\r\n\r\n".encode())
            chunk = b"x" * 65_536
            framed = chunk if "Content" in length else b"10000\r\n" + chunk + b"\r\n"
            for _ in range(400):  # 26 MB of it
                sock.sendall(framed)
            sock.shutdown(socket.SHUT_WR)
            assert b"413" in sock.recv(10_000).partition(b"\r\n")[0]
            sock.close()
        assert address.ask(body=BODY)[0] == 200


def test_more_connections_than_are_allowed_are_closed():
    with listening(app(), most_connections=3) as address:
        lasting = [address.connect() for _ in range(3)]
        until(lambda: closed(address.connect()))
        for sock in lasting:
            sock.close()
        until(lambda: asked(address))


def closed(sock: socket.socket) -> bool:
    with sock:
        sock.settimeout(1)
        try:
            return sock.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


def asked(address: Address) -> bool:
    try:
        return address.ask(body=BODY)[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    "sent",
    [
        "nonsense\r\n\r\n",
        "POST /rerank HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n",
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        # Answered without its body, whose end is broken.
        "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_answered_once_and_in_json(sent, caplog):
    with listening(app()) as address, address.connect() as sock:
        sock.sendall(sent.encode())
        reply = HTTPResponse(sock)
        reply.begin()
        assert (reply.status, reply.getheader("content-type")) == (400, "application/json")
        assert "no HTTP request" in json.loads(reply.read())["message"]
        assert sock.recv(10) == b""
        assert address.ask(body=BODY)[0] == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
