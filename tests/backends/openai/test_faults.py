"""Each way in which a server can fail, played by a real one: which error comes of it, and after how many tries."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.openai.probe import Capabilities
from rankkit.backends.openai.structure import Form
from rankkit.backends.protocols import Message
from rankkit.errors import (
    AuthenticationFailed,
    CapabilityMissing,
    CircuitOpen,
    ConnectionFailed,
    EndpointError,
    EndpointTimeout,
    InvalidReply,
    ModelNotServed,
    RateLimited,
    RequestRefused,
    ServerFailed,
)
from tests.backends.loopback import Cuts, Hangs, Loopback, Says, chat, error

PROMPT = (Message("user", "Is the sky blue?"),)
SOON = {"retry-after-ms": "10"}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


def asks(server: Loopback, *, retries: int = 0, timeout: float = 5.0, circuit: Circuit | None = None) -> Endpoint:
    return Endpoint("little", base_url=server.url, retries=retries, timeout=timeout, circuit=circuit)


def failure(endpoint: Endpoint, kind: type[EndpointError]) -> EndpointError:
    with endpoint, pytest.raises(kind) as caught:
        endpoint.generate(PROMPT, max_tokens=5)
    assert type(caught.value) is kind
    assert caught.value.hint
    return caught.value


def test_refused_connection():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take the port meanwhile
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        told = failure(Endpoint("little", base_url=url, retries=1, timeout=2), ConnectionFailed)
    assert url in told.message
    assert "refused" in told.message


def test_401_is_not_tried_again(server: Loopback):
    server.script(error(401, "Incorrect API key provided"))
    told = failure(asks(server, retries=3), AuthenticationFailed)
    assert "Incorrect API key provided" in told.message
    assert "key_env" in told.hint
    assert len(server.asked) == 1


def test_404_names_the_models_that_are_served(server: Loopback):
    server.script(error(404, "The model `litle` does not exist"))
    told = failure(Endpoint("litle", base_url=server.url, retries=3), ModelNotServed)
    assert "Did you mean little?" in told.hint
    assert len(server.asked) == 1


def test_404_without_a_list_of_models(server: Loopback):
    server.models = None
    server.script(error(404, "not found"))
    assert "base_url" in failure(asks(server), ModelNotServed).hint


def test_429_waits_as_long_as_the_server_asks(server: Loopback):
    server.script(error(429, "slow down", {"Retry-After": "1"}), chat("Yes"))
    with asks(server, retries=1) as endpoint:
        generated = endpoint.generate(PROMPT, max_tokens=5)
    assert generated.text == "Yes"
    assert generated.usage.calls == 1
    assert generated.usage.seconds >= 1.0  # without the header the first wait is at most half a second


def test_429_without_retry_after_is_tried_a_bounded_number_of_times(server: Loopback):
    server.script(error(429, "slow down"))
    told = failure(asks(server, retries=1), RateLimited)
    assert "slow down" in told.message
    assert len(server.asked) == 2


def test_429_that_asks_for_an_hour_does_not_block_for_an_hour(server: Loopback):
    server.script(error(429, "come back later", {"Retry-After": "3600"}))
    assert "3600 seconds" in failure(asks(server, retries=1), RateLimited).hint


def test_500_thrice_then_fine(server: Loopback):
    server.script(*[error(500, "oops", SOON)] * 3, chat("Yes"))
    with asks(server, retries=3) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
    assert len(server.asked) == 4


def test_500_for_ever(server: Loopback):
    server.script(error(500, "oops", SOON))
    assert "500" in failure(asks(server, retries=2), ServerFailed).message
    assert len(server.asked) == 3


def test_a_hang_ends_with_the_timeout(server: Loopback):
    server.script(Hangs())
    failure(asks(server, timeout=0.2), EndpointTimeout)


def test_a_hang_then_fine(server: Loopback):
    server.script(Hangs(), chat("Yes"))
    with asks(server, timeout=0.3, retries=1) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"


def test_a_cut_connection(server: Loopback):
    server.script(Cuts())
    failure(asks(server), ConnectionFailed)


def test_a_cut_connection_then_fine(server: Loopback):
    server.script(Cuts(), chat("Yes"))
    with asks(server, retries=1) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"


@pytest.mark.parametrize(
    "body",
    ['{"choices": [', "<html>Welcome to nginx</html>", "", "[1, 2]", '"Yes"', "null", "[" * 100_000],
    ids=["cut JSON", "a web page", "nothing", "a list", "a string", "null", "deep"],
)
def test_a_reply_that_is_no_json_object(server: Loopback, body: str):
    server.script(Says(body))
    assert "not a JSON object" in failure(asks(server), InvalidReply).message


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": ["Yes"]},
        {"choices": [{}]},
        {"choices": [{"message": {"role": "assistant", "content": None}, "finish_reason": "stop"}]},
        {"choices": [{"message": {"content": [7]}}]},
    ],
    ids=["no field", "none", "null", "a string", "empty", "null text", "a number as a part"],
)
def test_an_empty_choice(server: Loopback, body: object):
    server.script(Says(body))
    failure(asks(server), InvalidReply)


def test_an_answer_cut_by_length(server: Loopback):
    server.script(chat("[2] > [1", finish="length"))
    with asks(server) as endpoint:
        generated = endpoint.generate(PROMPT, max_tokens=5)
    assert (generated.text, generated.finish) == ("[2] > [1", "length")


def test_prose_where_an_order_was_asked_for(server: Loopback):
    server.script(chat("Passage [2] answers the question best."))
    declared = Capabilities(structure=Form.JSON_SCHEMA)
    endpoint = Endpoint("little", base_url=server.url, capabilities=declared)
    with endpoint, pytest.raises(InvalidReply, match="did not keep to the constraint"):
        endpoint.permute(PROMPT, ["[1]", "[2]"], top=2)


def test_a_server_without_log_probabilities(server: Loopback):
    with asks(server) as endpoint:
        for _ in range(2):
            with pytest.raises(CapabilityMissing, match="vLLM"):
                endpoint.score_continuations(PROMPT, ["Yes", "No"])
        assert endpoint.fallbacks == ("chat: 20 log-probabilities a token are not given (ignored)",)
    assert len(server.asked) == 1


def test_a_server_that_refuses_is_alive_so_the_circuit_stays_closed(server: Loopback):
    server.script(error(400, "This model's maximum context length is 4096 tokens; lower max_tokens"))
    circuit = Circuit(failures=1)
    for _ in range(2):
        assert "4096" in failure(asks(server, retries=3, circuit=circuit), RequestRefused).message
    assert len(server.asked) == 2


def test_the_circuit_opens_after_repeated_failures_and_closes_after_a_good_trial(server: Loopback):
    now = [0.0]
    circuit = Circuit(failures=2, cooldown=30, clock=lambda: now[0])
    server.script(error(500), error(500), chat("Yes"))
    with asks(server, circuit=circuit) as endpoint:
        for kind in (ServerFailed, ServerFailed, CircuitOpen, CircuitOpen):
            with pytest.raises(kind):
                endpoint.generate(PROMPT, max_tokens=5)
        assert len(server.asked) == 2
        now[0] = 31.0
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"


@pytest.mark.parametrize(
    "content",
    [["[2]", " > [1]"], ["[2]", {"type": "text", "text": " > [1]"}], [None, {"type": "text", "text": "[2] > [1]"}]],
)
def test_parts_that_are_plain_text_or_nothing(server: Loopback, content: object):
    server.script(Says({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}))
    with asks(server) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).text == "[2] > [1]"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, RateLimited, "rate limit"),
        ({"code": 500, "msg": "boom", "success": False}, ServerFailed, "boom"),
        ({"detail": "the worker died"}, ServerFailed, "the worker died"),
    ],
)
def test_an_error_that_is_sent_as_a_success_has_the_servers_words(server: Loopback, body: object, kind, words: str):
    server.script(Says(body))
    assert words in failure(asks(server, retries=0), kind).message
