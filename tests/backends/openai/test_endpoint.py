"""What an endpoint sends, and what it makes of the replies. Faults and keys have files of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rankkit.backends.language.pricing import Prices
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.protocols import ContinuationScorer, Message, PermutationDecoder, TextGenerator, require
from rankkit.errors import ConfigError
from tests.backends.loopback import BoundQuestion, Loopback, Says, chat, completion, error

PROMPT = (Message("system", "Be brief."), Message("user", "Is the sky blue?"))


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def endpoint(server: Loopback) -> Iterator[Endpoint]:
    with Endpoint("little", base_url=server.url, retries=0, timeout=5) as made:
        yield made


def test_it_has_the_capabilities_of_a_language_model(endpoint: Endpoint):
    for capability in (TextGenerator, ContinuationScorer, PermutationDecoder):
        require(endpoint, capability, by="a judge")
    assert (endpoint.name, endpoint.concurrency) == ("little", 8)


def test_messages_go_to_the_chat(server: Loopback, endpoint: Endpoint):
    assert endpoint.generate(PROMPT, max_tokens=5, stop=["\n"]).text == "Yes"
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.body == {
        "model": "little",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is the sky blue?"}],
        "temperature": 0,
        "seed": 0,
        "max_tokens": 5,
        "stop": ["\n"],
    }


def test_a_string_goes_to_the_model_to_the_letter(server: Loopback, endpoint: Endpoint):
    server.script(completion(" Yes"))
    assert endpoint.generate("The sky is blue:", max_tokens=5).text == " Yes"
    assert server.asked[0].path == "/v1/completions"
    assert server.asked[0].body["prompt"] == "The sky is blue:"


def test_servers_with_one_kind_of_prompt_only(server: Loopback):
    with Endpoint("little", base_url=server.url, style="chat") as endpoint:
        endpoint.generate("The sky is blue:", max_tokens=5)
    server.script(completion("Yes"))
    with Endpoint("little", base_url=server.url, style="completion") as endpoint:
        endpoint.generate(PROMPT, max_tokens=5)
    assert server.asked[0].body["messages"] == [{"role": "user", "content": "The sky is blue:"}]
    assert server.asked[1].body["prompt"] == "Be brief.\n\nIs the sky blue?\n"


def test_what_the_caller_adds_is_sent(server: Loopback):
    extra = {"chat_template_kwargs": {"enable_thinking": False}, "seed": 7}
    with Endpoint("little", base_url=server.url, extra_body=extra) as endpoint:
        endpoint.generate(PROMPT, max_tokens=5)
    assert extra.items() <= server.asked[0].body.items()


# Usage and money


def test_the_bill_is_the_servers_own_count(server: Loopback):
    usage = {"prompt_tokens": 1000, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 600}}
    server.script(Says({"choices": [{"message": {"content": "Yes"}}], "usage": usage}))
    prices = Prices(input_per_million=1.0, output_per_million=4.0, cached_per_million=0.5)
    with Endpoint("little", base_url=server.url, prices=prices) as endpoint:
        bill = endpoint.generate(PROMPT, max_tokens=5).usage
    assert (bill.calls, bill.input_tokens, bill.output_tokens, bill.cached_tokens) == (1, 1000, 200, 600)
    assert bill.cost == pytest.approx((400 * 1.0 + 600 * 0.5 + 200 * 4.0) / 1e6)
    assert bill.seconds > 0


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": -1, "completion_tokens": 2}, {"prompt_tokens": "9"}, []])
def test_a_server_that_does_not_count_gets_an_estimate_and_a_note(server: Loopback, endpoint: Endpoint, usage: object):
    server.script(Says({"choices": [{"message": {"content": "Yes"}}], "usage": usage}))
    bill = endpoint.generate(PROMPT, max_tokens=5).usage
    assert bill.input_tokens == endpoint.count_tokens(PROMPT)
    assert bill.output_tokens == 1
    assert bill.cost is None
    assert endpoint.fallbacks == ("the server counts no tokens: the bill holds upper estimates",)


# Thinking and refusals


@pytest.mark.parametrize(
    ("reply", "text", "thinking", "finish"),
    [
        (chat("<think>Hm.</think>\n\n[2] > [1]"), "[2] > [1]", "Hm.", "stop"),
        (chat("Hm.</think>[2] > [1]"), "[2] > [1]", "Hm.", "stop"),
        (chat("[2] > [1]", reasoning_content="Hm."), "[2] > [1]", "Hm.", "stop"),
        (chat("[2] > [1]", reasoning="Hm."), "[2] > [1]", "Hm.", "stop"),
        (chat("<think>Hm, is it", finish="length"), "", "Hm, is it", "length"),
        (chat(None, reasoning_content="Hm, is it", finish="length"), "", "Hm, is it", "length"),
        (chat(None, refusal="I cannot help."), "I cannot help.", "", "refused"),
        (chat("", finish="content_filter"), "", "", "refused"),
    ],
)
def test_thinking_and_refusals(
    server: Loopback, endpoint: Endpoint, reply: Says, text: str, thinking: str, finish: str
):
    server.script(reply)
    generated = endpoint.generate(PROMPT, max_tokens=5)
    assert (generated.text, generated.thinking, generated.finish) == (text, thinking, finish)


def test_thinking_has_its_own_room_and_stop_marks_do_not_cut_it(server: Loopback):
    server.script(chat("<think>One.\nTwo.</think>Yes\nbecause"))
    with Endpoint("little", base_url=server.url, thinking_tokens=2000) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5, stop=["\n"]).text == "Yes"
    assert server.asked[0].body["max_tokens"] == 2005
    assert "stop" not in server.asked[0].body


def test_fields_that_a_server_refuses_are_left_out_from_then_on(server: Loopback, endpoint: Endpoint):
    def reasoning_model(asked: BoundQuestion) -> Says:
        if "max_tokens" in asked.body:
            use = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            return error(400, f"Unsupported parameter: {use}", param="max_tokens")
        if "temperature" in asked.body:
            return error(400, "Unsupported value: 'temperature' does not support 0 with this model.")
        return chat("Yes")

    server.behaviour = reasoning_model
    assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
    assert len(server.asked) == 3
    assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
    assert len(server.asked) == 4
    assert server.asked[3].body["max_completion_tokens"] == 5
    assert endpoint.fallbacks == (
        "max_tokens is refused: max_completion_tokens is sent instead",
        "temperature is refused: the server's own is used, and answers may vary from call to call",
    )


# Parallel calls


def test_no_more_calls_at_once_than_allowed(server: Loopback):
    lock, running, most = threading.Lock(), [0], [0]

    def slow(asked: BoundQuestion) -> Says:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        return chat("Yes")

    server.behaviour = slow
    with Endpoint("little", base_url=server.url, concurrency=3) as endpoint, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: endpoint.generate(PROMPT, max_tokens=5).text, range(12)))
    assert answers == ["Yes"] * 12
    assert most[0] == 3


@pytest.mark.parametrize(
    "values", [{"timeout": 0}, {"retries": -1}, {"concurrency": 0}, {"thinking_tokens": -1}, {"timeout": float("nan")}]
)
def test_values_that_are_not_possible(values: dict[str, float]):
    with pytest.raises(ConfigError, match="not possible"):
        Endpoint("little", base_url="http://localhost/v1", **values)
    with pytest.raises(ConfigError, match="no model"):
        Endpoint("", base_url="http://localhost/v1")
