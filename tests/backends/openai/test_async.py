"""One body of logic for threads and event loops: cancelled in time, on kept connections, in forked children, copied."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.openai.probe import Capabilities
from rankkit.backends.openai.structure import Form
from rankkit.backends.protocols import (
    AsyncContinuationScorer,
    AsyncPermutationDecoder,
    AsyncTextGenerator,
    Message,
)
from rankkit.core.cancellation import Cancellation
from rankkit.errors import Cancelled
from tests.backends.loopback import Drips, Hangs, Loopback, chat, error

PROMPT = (Message("user", "Is the sky blue?"),)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def new_threads() -> Callable[[], set[threading.Thread]]:
    """Threads of endpoints that came after the test began."""
    before = set(threading.enumerate())
    return lambda: {thread for thread in threading.enumerate() if thread.name == "rankkit-http"} - before


def test_each_of_the_three_can_be_awaited(server: Loopback, new_threads):
    top = [{"token": "Yes", "logprob": -0.1}]
    server.script(chat('{"order": ["[2]", "[1]"]}', logprobs={"content": [{"top_logprobs": top}]}))
    able = Capabilities(log_probabilities=20, structure=Form.JSON_SCHEMA)

    async def ask() -> None:
        async with Endpoint("little", base_url=server.url, capabilities=able) as endpoint:
            for capability in (AsyncTextGenerator, AsyncContinuationScorer, AsyncPermutationDecoder):
                assert isinstance(endpoint, capability)
            assert (await endpoint.generate_async(PROMPT, max_tokens=5)).text.startswith("{")
            assert (await endpoint.score_continuations_async(PROMPT, ["Yes"])).log_probabilities == (-0.1,)
            assert (await endpoint.permute_async(PROMPT, ["[1]", "[2]"], top=2)).order == (1, 0)

    asyncio.run(ask())
    assert not new_threads()


@pytest.mark.parametrize("behaviour", [Hangs(), Drips()], ids=["hangs", "drips"])
def test_a_call_on_a_thread_ends_with_its_cancellation_and_closes_the_connection(server: Loopback, behaviour):
    server.script(behaviour)
    switch = Cancellation()
    with Endpoint("little", base_url=server.url) as endpoint:
        threading.Timer(0.2, switch.cancel).start()
        with switch.active(), pytest.raises(Cancelled):
            endpoint.generate(PROMPT, max_tokens=5)
        assert server.left.wait(5)
    assert endpoint.gate.inside == 0


def test_a_task_that_is_cancelled_closes_the_connection(server: Loopback):
    server.script(Hangs())

    async def ask() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(endpoint.generate_async(PROMPT, max_tokens=5), 0.2)

    with Endpoint("little", base_url=server.url) as endpoint:
        asyncio.run(ask())
        assert server.left.wait(5)


def test_the_wait_for_another_try_ends_with_the_cancellation(server: Loopback):
    server.script(error(429, "later", {"Retry-After": "100"}))
    switch = Cancellation()
    with Endpoint("little", base_url=server.url) as endpoint:
        threading.Timer(0.2, switch.cancel).start()
        with switch.active(), pytest.raises(Cancelled):
            endpoint.generate(PROMPT, max_tokens=5)


def test_threads_and_event_loops_share_the_connections_and_the_gate(server: Loopback):
    async def several() -> list[str]:
        answers = await asyncio.gather(*(endpoint.generate_async(PROMPT, max_tokens=5) for _ in range(5)))
        return [answer.text for answer in answers]

    with Endpoint("little", base_url=server.url, concurrency=2) as endpoint, ThreadPoolExecutor(6) as pool:
        on_loops = [pool.submit(asyncio.run, several()) for _ in range(3)]
        on_threads = [pool.submit(endpoint.generate, PROMPT, max_tokens=5) for _ in range(9)]
        assert [text for done in on_loops for text in done.result(30)] == ["Yes"] * 15
        assert {done.result(30).text for done in on_threads} == {"Yes"}
        assert server.connections <= 2
    assert len(server.asked) == 24


def test_connections_are_kept_between_calls_and_a_closed_endpoint_opens_anew(server: Loopback, new_threads):
    endpoint = Endpoint("little", base_url=server.url)
    for _ in range(3):
        endpoint.generate(PROMPT, max_tokens=5)
    assert server.connections == 1
    endpoint.close()
    assert not new_threads()
    assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
    assert server.connections == 2
    del endpoint
    gc.collect()
    assert not new_threads()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_its_own_connections(server: Loopback):
    with Endpoint("little", base_url=server.url) as endpoint:
        endpoint.generate(PROMPT, max_tokens=5)
        child = os.fork()
        if child == 0:
            try:
                code = 0 if endpoint.generate(PROMPT, max_tokens=5).text == "Yes" else 1
                endpoint.close()
            except BaseException:  # noqa: BLE001  # the child tells by its exit code
                code = 2
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
    assert server.connections == 2


def test_the_interpreter_ends_while_a_call_hangs(server: Loopback):
    server.script(Hangs())
    code = (
        "import sys, threading, time\n"
        "from rankkit.backends.openai.endpoint import Endpoint\n"
        f"endpoint = Endpoint('little', base_url={server.url!r})\n"
        "threading.Thread(target=endpoint.generate, args=('x',), kwargs={'max_tokens': 5}, daemon=True).start()\n"
        "time.sleep(0.5)\n"
        "sys.exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30, capture_output=True).returncode == 7


def test_copies_by_constructor_arguments(server: Loopback, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_SERVERS_KEY", "first-key-123")
    made = Endpoint(
        "little",
        base_url=server.url,
        key_env="MY_SERVERS_KEY",
        query={"api-version": "1"},
        circuit=Circuit(failures=3, cooldown=1.0),
    )
    monkeypatch.setenv("MY_SERVERS_KEY", "second-key-456")
    saved = pickle.dumps(made)
    assert b"first-key-123" not in saved
    for other in (pickle.loads(saved), copy.deepcopy(made)):
        with other:
            assert other.fingerprint == made.fingerprint
            assert other.generate(PROMPT, max_tokens=5).text == "Yes"
    assert [asked.key for asked in server.asked] == ["second-key-456"] * 2
    assert server.asked[0].path.endswith("?api-version=1")
