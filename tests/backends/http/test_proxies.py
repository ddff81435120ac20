"""A proxy that is down, refuses or answers by itself is named: which variable, and its value without the password."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rankkit.backends.http.proxies import proxy_for
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.protocols import Message
from rankkit.errors import AuthenticationFailed, ConnectionFailed, EndpointError, EndpointTimeout, ServerFailed
from tests.backends.loopback import Loopback, chat, error

PROMPT = (Message("user", "Is the sky blue?"),)
PASSWORD = "hunter2-and-more"
LOGIN = f"me:{PASSWORD}"
VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def answering(data: bytes | None) -> Iterator[int]:
    """A port where every request gets these bytes; without any, nothing at all."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.02)

        def serve() -> None:
            kept = []
            while not stop.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                if data is None:
                    kept.append(connection)
                    continue
                with connection:
                    connection.recv(65_536)
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):
                        pass
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def scheme_of(variable: str) -> str:
    return "https" if variable.lower().startswith("https") else "http"


def failure(url: str, *, timeout: float = 5.0) -> EndpointError:
    with (
        Endpoint("little", base_url=url, retries=0, timeout=timeout) as endpoint,
        pytest.raises(EndpointError) as caught,
    ):
        endpoint.generate(PROMPT, max_tokens=5)
    shown = str(caught.value)
    assert PASSWORD not in shown and "me:" not in shown
    return caught.value


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("login", ["", f"{LOGIN}@"])
def test_a_proxy_that_is_down(monkeypatch: pytest.MonkeyPatch, variable: str, login: str):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening
        port = unused.getsockname()[1]
        monkeypatch.setenv(variable, f"http://{login}127.0.0.1:{port}")
        failed = failure(f"{scheme_of(variable)}://api.example.test/v1")
    assert isinstance(failed, ConnectionFailed) and not failed.sent
    assert f"to the proxy http://127.0.0.1:{port} that {variable} names" in failed.message
    assert "refused" in failed.message and "api.example.test to NO_PROXY" in failed.hint


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "https_proxy"])
def test_a_proxy_that_says_nothing(monkeypatch: pytest.MonkeyPatch, variable: str):
    with answering(None) as port:
        monkeypatch.setenv(variable, f"{LOGIN}@127.0.0.1:{port}")
        failed = failure(f"{scheme_of(variable)}://api.example.test/v1", timeout=0.3)
    assert isinstance(failed, EndpointTimeout)
    assert f"the proxy http://127.0.0.1:{port} that {variable} names" in failed.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [("407 Proxy Authentication Required", AuthenticationFailed), ("403 Forbidden", ConnectionFailed)]
    + [(status, ConnectionFailed) for status in ("502 Bad Gateway", "503 Service Unavailable", "504 Timeout")],
)
def test_a_proxy_that_opens_no_tunnel(monkeypatch: pytest.MonkeyPatch, status: str, kind: type[EndpointError]):
    with answering(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@127.0.0.1:{port}")
        failed = failure("https://api.example.test/v1")
    assert type(failed) is kind and not failed.sent
    assert f"the proxy http://127.0.0.1:{port} that HTTPS_PROXY names" in failed.message and status in failed.message
    assert "HTTPS_PROXY" in failed.hint


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (407, {"Proxy-Authenticate": "Basic"}, "the proxy http://127.0.0.1:{} that http_proxy names answered 407"),
        (403, {"X-Squid-Error": "ERR_ACCESS_DENIED 0"}, "the proxy http://127.0.0.1:{} that http_proxy names answered"),
        (503, {"Server": "squid/6.1"}, "names answered 503"),
        (502, {}, "the server, or the proxy http://127.0.0.1:{} that http_proxy names, answered 502"),
        (400, {}, "the server answered 400"),
        (500, {}, "the server answered 500"),
    ],
)
def test_a_proxy_that_answers_in_the_servers_place(monkeypatch, status: int, headers: dict[str, str], words: str):
    with Loopback() as proxy:
        port = proxy.url.split(":")[2].removesuffix("/v1")
        monkeypatch.setenv("http_proxy", f"http://{LOGIN}@127.0.0.1:{port}")
        proxy.behaviour = lambda asked: error(status, f"no way for {PASSWORD}", headers)
        failed = failure("http://api.example.test/v1")
    assert words.format(port) in failed.message
    assert failed.sent == (status != 407)


def test_what_breaks_off_behind_a_proxy_names_it(monkeypatch: pytest.MonkeyPatch):
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{") as port:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{port}")
        failed = failure("http://api.example.test/v1")
    assert f"through the proxy http://127.0.0.1:{port} that ALL_PROXY names" in failed.message and failed.sent


def test_an_answer_through_a_proxy(monkeypatch: pytest.MonkeyPatch):
    with Loopback() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        proxy.script(chat("Yes"), error(500, "oops"))
        with Endpoint("little", base_url="http://api.example.test/v1", retries=0) as endpoint:
            assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
            with pytest.raises(ServerFailed):
                endpoint.generate(PROMPT, max_tokens=5)
        assert proxy.asked[0].path == "http://api.example.test/v1/chat/completions"


@pytest.mark.parametrize(
    "exception", ["api.example.test", "example.test", ".example.test", "api.example.test:8000", "*"]
)
def test_exceptions(monkeypatch: pytest.MonkeyPatch, exception: str):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert proxy_for("http://api.example.test:8000/v1") is not None
    monkeypatch.setenv("NO_PROXY", exception)
    assert proxy_for("http://api.example.test:8000/v1") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_is_asked_directly(monkeypatch: pytest.MonkeyPatch, host: str):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert proxy_for(f"http://{host}:8000/v1") is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://proxy.example.test:3128", "http://proxy.example.test:3128"),
        ("proxy.example.test:3128", "http://proxy.example.test:3128"),
        (f"http://{LOGIN}@proxy.example.test:3128/path", "http://proxy.example.test:3128"),
        ("https://a%40b:p%3Aw@[::1]:3128", "https://[::1]:3128"),
        ("http://me:12#secret@proxy.example.test:3128", "http://***"),
    ],
)
def test_how_it_is_shown(monkeypatch: pytest.MonkeyPatch, value: str, shown: str):
    monkeypatch.setenv("HTTPS_PROXY", value)
    proxy = proxy_for("https://api.example.test/v1")
    assert proxy is not None and str(proxy) == f"the proxy {shown} that HTTPS_PROXY names"
    assert "#" not in repr(proxy) and PASSWORD not in repr(proxy)


def test_the_small_spelling_holds_as_everywhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://big.example.test")
    monkeypatch.setenv("https_proxy", "http://small.example.test")
    proxy = proxy_for("https://api.example.test/v1")
    assert proxy is not None and (proxy.variable, proxy.address) == ("https_proxy", "http://small.example.test")
