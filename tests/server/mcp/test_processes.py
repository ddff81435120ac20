"""``rankkit mcp`` in a process of its own, called by the official SDK's client over both transports."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.conftest import pulled_model
from tests.lanes import needs

needs("frameworks", "mcp")

import anyio
from mcp import Client

from tests.server.mcp.connection import client_of, over_http, over_stdio, served_by, serving, surroundings

BOTH = pytest.mark.parametrize("connected", [over_stdio, over_http], ids=["stdio", "http"])
MINILM = "ms-marco-MiniLM-L-12-v2"
DOCUMENTS = [
    {"id": "rain", "text": "It rains in spring."},
    {"id": "fleas", "title": "Fleas", "text": "Adult fleas live for up to 100 days on a host."},
    {"id": "cats", "text": "Cats may have fleas."},
]
QUERY = "how long do fleas live?"
KEY = "one-long-key"


@pytest.fixture
def corpus(tmp_path) -> str:
    file = tmp_path / "corpus.jsonl"
    file.write_text("".join(json.dumps(document) + "\n" for document in DOCUMENTS))
    return str(file)


@BOTH
@pytest.mark.model
def test_the_tools_are_listed_and_called_over_both_transports(connected, corpus, tmp_path):
    pulled_model(MINILM)

    config = tmp_path / "search.toml"
    config.write_text(f'model = "{MINILM}"\n[first_stage]\ncorpus = "corpus.jsonl"\n')
    named = ("--config", str(config)) if connected is over_http else ("--model", MINILM, "--corpus", corpus)

    async def calls() -> None:
        async with connected(*named) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["rerank", "search"]
            reranked = await client.call_tool("rerank", {"query": QUERY, "documents": DOCUMENTS, "top_n": 2})
            assert not reranked.is_error and reranked.structured_content["total"] == 3
            best, second = reranked.structured_content["results"]
            assert (best["index"], best["id"], second["id"]) == (1, "fleas", "cats") and best["score"] > second["score"]
            found = await client.call_tool("search", {"query": QUERY})
            assert [row["id"] for row in found.structured_content["results"]] == ["fleas", "cats"]
            assert found.structured_content["results"][0]["text"].startswith("Adult fleas")
            # Two at once, and each gets its own answer.
            one, two = await asyncio.gather(
                client.call_tool("rerank", {"query": QUERY, "documents": DOCUMENTS}),
                client.call_tool("rerank", {"query": "weather", "documents": DOCUMENTS}),
            )
            assert [answer.structured_content["results"][0]["id"] for answer in (one, two)] == ["fleas", "rain"]

    asyncio.run(calls())


@BOTH
def test_wrong_calls_are_answered_in_words_and_the_next_one_works(connected, corpus):
    async def calls() -> None:
        async with connected("--corpus", corpus) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["search"]
            for name, arguments, words in (
                ("rerank", {"query": "q", "documents": ["a"]}, "there is no tool 'rerank'. Known: search."),
                ("search", {}, "query: it is needed"),
                ("search", {"query": "q", "top_k": 3}, "no argument 'top_k'. Did you mean top_n?"),
                ("search", {"query": "q" * 100_000}, "the query has 100000 bytes"),
            ):
                wrong = await client.call_tool(name, arguments)
                assert wrong.is_error and words in wrong.content[0].text
                assert "Traceback" not in wrong.content[0].text and "pydantic" not in wrong.content[0].text
            found = await client.call_tool("search", {"query": QUERY, "top_n": 1, "return_text": False})
            [row] = found.structured_content["results"]
            assert row["id"] == "fleas" and "text" not in row and found.structured_content["score_kind"] == "bm25"

    asyncio.run(calls())


def test_nothing_but_the_protocol_is_on_standard_output(corpus):
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    call = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "search", "arguments": {"query": QUERY}},
    }
    lines = "".join(json.dumps(message) + "\n" for message in (hello, ready, call)) + "no JSON\n"
    command = [sys.executable, "-m", "rankkit", "mcp", "--corpus", corpus]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings()
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(lines)
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        rest, _ = process.communicate(timeout=30)  # which closes standard input: the server ends
    assert {answer["id"] for answer in answers} == {1, 2} and process.returncode == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_it_though_standard_input_is_open(corpus):
    command = [sys.executable, "-m", "rankkit", "mcp", "--corpus", corpus]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings()
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT


def _post(url: str, body: bytes = b"{}", **headers: str) -> int:
    asked = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, asked), timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_foreign_pages_names_and_bodies_are_refused(corpus):
    with serving("--corpus", corpus, "--max-bytes", "1000") as url:
        assert _post(url, Origin="http://evil.example") == 403
        assert _post(url, Host="evil.example") == 421
        assert _post(url, b" " * 100_000) == 413
        assert _post(url, Origin="http://localhost:1234") == 400  # no call at all, but let in


def test_keys_over_http(corpus):
    with serving("--corpus", corpus, RANKKIT_API_KEYS=f"{KEY}, ours:another-key") as url:
        assert _post(url) == 401 and _post(url, Authorization="Bearer a-third-key") == 401
        assert _post(url, Authorization=f"Basic {KEY}") == 401 and _post(url, Authorization="Bearer ours") == 401
        assert _post(url, Authorization="Bearer another-key") == 400  # past the keys
        assert _post(url, Authorization=KEY) == 400 == _post(url, X_Api_Key=KEY)  # as `rankkit serve` takes them


def test_keys_of_a_file_are_read_again(corpus, tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"ours:{KEY}\n")
    with serving("--corpus", corpus, "--keys", file) as url:
        assert _post(url, Authorization=f"Bearer {KEY}") == 400
        file.write_text("theirs:another-key\n")
        assert _post(url, Authorization=f"Bearer {KEY}") == 401
        assert _post(url, Authorization="Bearer another-key") == 400


async def _until(words: str, marks) -> None:
    """Waits for a line of the slow server's; a test that never sees it ends with the deadline."""
    with anyio.fail_after(30):
        while not marks.exists() or words not in marks.read_text():
            await anyio.sleep(0.02)


async def _cancel_one(client, marks) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.call_tool, "rerank", {"query": "slow", "documents": ["a", "b", "c"]})
        await _until("began", marks)
        tasks.cancel_scope.cancel()
    await _until("ended", marks)
    again = await client.call_tool("rerank", {"query": "fast", "documents": ["a"]})
    assert again.structured_content["total"] == 1
    assert marks.read_text().splitlines() == ["began", "ended"]  # and no other document was begun


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_call_that_nobody_waits_for_is_ended(transport, tmp_path):
    marks = tmp_path / "marks"

    async def calls() -> None:
        slow = ("tests.server.mcp.slow_server", transport, str(marks))
        if transport == "stdio":
            async with client_of(*slow) as client:
                await _cancel_one(client, marks)
        else:
            with served_by(*slow) as url:
                async with Client(url) as client:
                    await _cancel_one(client, marks)

    asyncio.run(calls())


def test_off_loopback_keys_and_names_are_checked(corpus):
    off = ("--corpus", corpus, "--host", "0.0.0.0", "--allowed-host", "search.example")
    with serving(*off, RANKKIT_API_KEYS=KEY) as url:
        here = url.replace("0.0.0.0", "127.0.0.1")
        assert _post(here, Host="search.example:80") == 401
        assert _post(here, Host="search.example", Authorization=f"Bearer {KEY}") == 400  # past both
        assert _post(here, Authorization=f"Bearer {KEY}") == 421  # by its address
        assert _post(here, Host="search.example", Origin="null", Authorization=f"Bearer {KEY}") == 403


def _refused(*arguments: str, **environment: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "rankkit", "mcp", *arguments]
    ended = subprocess.run(
        command, input="", capture_output=True, text=True, check=False, env=surroundings(COLUMNS="200", **environment)
    )
    assert ended.stdout == ""
    return ended.returncode, " ".join(ended.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "there is nothing to serve"),
        (["--k", "3"], 2, "give --corpus, or --index, too"),
        (["--corpus", "{corpus}", "--seed", "1"], 2, "give --model or --config too"),
        (["--corpus", "{corpus}/none"], 5, "there is no such file or folder"),
        (["--corpus", "{corpus}", "--transport", "http", "--host", "0.0.0.0"], 2, "RANKKIT_API_KEYS"),
        (["--corpus", "{corpus}", "--transport", "http", "--port", "99999"], 2, "cannot be listened on"),
        (["--corpus", "{corpus}", "--transport", "sse"], 2, "stdio"),
        (["--corpus", "{corpus}", "--keys", "keys"], 2, "Add --transport http"),
        (["--corpus", "{corpus}", "--transport", "http", "--keys", "{corpus}/none"], 2, "cannot be read"),
    ],
)
def test_what_cannot_be_served_is_said_before(arguments, code, words, corpus):
    got, said = _refused(*(argument.format(corpus=corpus) for argument in arguments))
    assert got == code and words in said


def test_off_loopback_a_name_is_needed_too(corpus):
    arguments = ("--corpus", corpus, "--transport", "http", "--host", "0.0.0.0", "--port", "0")
    got, said = _refused(*arguments, RANKKIT_API_KEYS=KEY)
    assert got == 2 and "--allowed-host NAME" in said


def test_without_a_corpus_nothing_of_searching_is_needed():
    code = """
import sys
sys.modules.update(bm25s=None, Stemmer=None)  # an import raises ModuleNotFoundError
import rankkit
from rankkit.server.mcp import build_server, serve_http
print(build_server(rankkit.from_function(lambda query, texts: [1.0 for _ in texts])).name)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=surroundings())
    assert done.returncode == 0, done.stderr
