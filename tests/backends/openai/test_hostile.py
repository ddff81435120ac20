"""Servers that send without end, send elsewhere, or compress a bomb: a typed error, soon, and flat memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest

from rankkit.backends.http.reading import LONGEST_REPLY
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.protocols import Message
from rankkit.errors import ConnectionFailed, EndpointTimeout, InvalidReply, RequestRefused, ServerFailed
from tests.backends.loopback import Drips, Loopback, Raw, Says, chat, error

PROMPT = (Message("user", "Is the sky blue?"),)
ANSWER = b'{"choices": [{"message": {"content": "Yes"}, "finish_reason": "stop"}]}'
LONG = b" " * (LONGEST_REPLY + 1)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)
def test_a_reply_is_read_up_to_its_limit_compressed_or_not(server: Loopback, encoding: str, pack):
    with Endpoint("little", base_url=server.url, retries=2) as endpoint:
        server.script(Raw(pack(ANSWER), {"Content-Encoding": encoding}))
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
        server.script(Raw(pack(LONG), {"Content-Encoding": encoding}))
        with pytest.raises(InvalidReply, match="longer than 16 MB"):
            endpoint.generate(PROMPT, max_tokens=5)
    assert len(server.asked) == 2


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip"])
def test_what_cannot_be_decompressed_is_given_up(server: Loopback, encoding: str):
    server.script(Raw(ANSWER, {"Content-Encoding": encoding}))
    with Endpoint("little", base_url=server.url) as endpoint, pytest.raises(InvalidReply, match="given up"):
        endpoint.generate(PROMPT, max_tokens=5)


def test_of_an_endless_error_the_beginning_is_told(server: Loopback):
    server.script(Raw(b"the prompt overflows " + LONG, status=400))
    with Endpoint("little", base_url=server.url) as endpoint, pytest.raises(RequestRefused, match="overflows"):
        endpoint.generate(PROMPT, max_tokens=5)


def test_very_many_containers_are_no_reply(server: Loopback):
    server.script(Raw(b'{"choices": [' + b"[]," * 1_000_000 + b"[]]}"))
    with Endpoint("little", base_url=server.url) as endpoint, pytest.raises(InvalidReply):
        endpoint.generate(PROMPT, max_tokens=5)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_told_and_not_followed(server: Loopback, status: int):
    with Loopback() as elsewhere:
        location = elsewhere.url.replace("127.0.0.1", "localhost")
        server.script(Says({}, status, {"Location": f"{location}/chat/completions?key=abc"}))
        told = r"sends on to http://localhost.*nothing was sent there"
        endpoint = Endpoint("little", base_url=server.url, api_key="sk-123456789")
        with endpoint, pytest.raises(RequestRefused, match=told) as caught:
            endpoint.generate(PROMPT, max_tokens=5)
        assert "abc" not in caught.value.message
        assert elsewhere.asked == [] and elsewhere.connections == 0


def test_a_server_that_drips_is_given_up_after_the_timeout(server: Loopback):
    server.script(Drips())
    server.models = Drips()
    with Endpoint("little", base_url=server.url, timeout=0.3, retries=1, total_timeout=0.5) as endpoint:
        with pytest.raises(EndpointTimeout) as caught:
            endpoint.generate(PROMPT, max_tokens=5)
        assert caught.value.sent
        assert endpoint.context_length is None


def test_no_try_begins_that_the_total_does_not_leave_time_for(server: Loopback):
    server.script(error(503, "busy", {"Retry-After": "60"}))
    endpoint = Endpoint("little", base_url=server.url, retries=5, total_timeout=30)
    with endpoint, pytest.raises(ServerFailed, match="busy"):
        endpoint.generate(PROMPT, max_tokens=5)
    assert len(server.asked) == 1


def test_whether_a_request_went_out(server: Loopback):
    url = server.url
    with Loopback() as gone:
        url = gone.url
    with Endpoint("little", base_url=url, retries=1) as endpoint, pytest.raises(ConnectionFailed) as caught:
        endpoint.generate(PROMPT, max_tokens=5)
    assert not caught.value.sent


def test_the_library_logs_no_text_and_no_key(server: Loopback, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    server.script(chat("Yes"))
    with Endpoint("little", base_url=server.url, api_key="sk-123456789") as endpoint:
        endpoint.generate(PROMPT, max_tokens=5)
    assert caplog.messages == []
    caplog.set_level("DEBUG", logger="rankkit")
    with Endpoint("little", base_url=server.url, api_key="sk-123456789") as endpoint:
        endpoint.generate(PROMPT, max_tokens=5)
    assert [message.split(" in ")[0] for message in caplog.messages if "completions" in message] == [
        "POST /chat/completions: 200"
    ]
