"""What an endpoint sends, and what it makes of the replies. Faults and keys have files of their own."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rankkit.backends.endpoint_probe import Capabilities
from rankkit.backends.endpoint_structure import Form
from rankkit.backends.openai_compatible import Endpoint
from rankkit.backends.pricing import Prices
from rankkit.backends.protocols import ContinuationScorer, Message, PermutationDecoder, TextGenerator, require
from rankkit.errors import CapabilityMissing, ConfigError, ContractViolation, InvalidReply, ServerFailed
from tests.backends.loopback import Asked, Loopback, Says, chat, completion, error

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
    assert (endpoint.name, endpoint.concurrency, endpoint.context_length) == ("little", 8, None)


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
    assert bill.money == pytest.approx((400 * 1.0 + 600 * 0.5 + 200 * 4.0) / 1e6)
    assert bill.seconds > 0


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": -1, "completion_tokens": 2}, {"prompt_tokens": "9"}, []])
def test_a_server_that_does_not_count_gets_an_estimate_and_a_note(server: Loopback, endpoint: Endpoint, usage: object):
    server.script(Says({"choices": [{"message": {"content": "Yes"}}], "usage": usage}))
    bill = endpoint.generate(PROMPT, max_tokens=5).usage
    assert bill.input_tokens == endpoint.count_tokens(PROMPT)
    assert bill.output_tokens == 1
    assert bill.money is None
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
    def reasoning_model(asked: Asked) -> Says:
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


# Log-probabilities


def shows(**tokens: float) -> list[dict[str, object]]:
    return [{"token": token.replace("_", " "), "logprob": value} for token, value in tokens.items()]


def test_first_token_log_probabilities_of_a_chat(server: Loopback, endpoint: Endpoint):
    top = shows(Yes=-0.1, No=-2.5, _Yes=-4.0, Maybe=-9999.0)
    server.script(chat("Yes", finish="length", logprobs={"content": [{"token": "Yes", "top_logprobs": top}]}))
    scored = endpoint.score_continuations(PROMPT, ["Yes", " No", "Maybe", "Never"])
    assert scored.log_probabilities == (-0.1, -2.5, None, None)
    assert scored.usage.calls == 1
    probe, asked = server.asked
    assert "Is the sky blue?" not in str(probe.body)
    assert (asked.body["logprobs"], asked.body["top_logprobs"], asked.body["max_tokens"]) == (True, 20, 1)


def test_first_token_log_probabilities_of_a_plain_completion(server: Loopback, endpoint: Endpoint):
    server.script(completion(" Yes", logprobs={"top_logprobs": [{" Yes": -0.1, "Yes": -3.0, "▁No": -2.5, "": -1.0}]}))
    assert endpoint.score_continuations("Blue:", [" Yes", " No"]).log_probabilities == (-0.1, -2.5)
    assert server.asked[1].body["logprobs"] == 20


def test_fewer_alternatives_where_the_server_allows_no_more(server: Loopback, endpoint: Endpoint):
    def allows_five(asked: Asked) -> Says:
        if asked.body["top_logprobs"] > 5:
            return error(400, "top_logprobs must be at most 5")
        return chat("Yes", logprobs={"content": [{"top_logprobs": shows(Yes=-0.1)}]})

    server.behaviour = allows_five
    for _ in range(2):
        assert endpoint.score_continuations(PROMPT, ["Yes"]).log_probabilities == (-0.1,)
    assert [asked.body["top_logprobs"] for asked in server.asked] == [20, 5, 5, 5]


def test_a_server_that_breaks_over_log_probabilities_has_none(server: Loopback):
    now = {"retry-after-ms": "1"}
    server.behaviour = lambda asked: error(500, "logits_all=False", now) if "logprobs" in asked.body else chat()
    with Endpoint("little", base_url=server.url) as endpoint, pytest.raises(CapabilityMissing, match="logits_all"):
        endpoint.score_continuations(PROMPT, ["Yes"])


def test_a_server_that_is_down_while_it_is_asked_is_asked_again_later(server: Loopback, endpoint: Endpoint):
    server.script(error(500))
    with pytest.raises(ServerFailed):
        endpoint.score_continuations(PROMPT, ["Yes"])
    server.script(chat("Yes", logprobs={"content": [{"top_logprobs": shows(Yes=-0.1)}]}))
    assert endpoint.score_continuations(PROMPT, ["Yes"]).log_probabilities == (-0.1,)


# Structured output

LABELS = ["[1]", "[2]", "[3]"]


def constrained_by(form: Form, text: str, *, fault: Says | None = None):
    """A server that knows one way of constraining: it keeps to it for the probe, and answers ``text`` afterwards."""
    field = "response_format" if form in (Form.JSON_SCHEMA, Form.JSON_OBJECT) else form.value
    unlikely = '{"order": ["[K3]", "[K3]"]}' if field == "response_format" else "[K3] > [Q7]"

    def behaviour(asked: Asked) -> Says:
        sent = asked.body.get(field)
        if sent is None or (field == "response_format" and sent["type"] != form.value):
            return (fault or chat("Hello!")) if "say hello" in str(asked.body).lower() else chat("prose")
        return chat(unlikely if "Q7" in json.dumps(sent) else text)

    return behaviour


@pytest.mark.parametrize("form", Form)
def test_an_order_under_each_kind_of_constraint(server: Loopback, endpoint: Endpoint, form: Form):
    as_json = form in (Form.JSON_SCHEMA, Form.JSON_OBJECT)
    server.behaviour = constrained_by(form, '{ "order" : ["[3]", "[1]"] }' if as_json else "[3] > [1]")
    for _ in range(2):
        assert endpoint.permute(PROMPT, LABELS, top=2).order == (2, 0)
    tries = list(Form).index(form) + 1
    assert len(server.asked) == tries + 2  # found out once, kept for the second order
    assert len(endpoint.fallbacks) == tries - 1


def test_forms_that_a_server_breaks_over_are_passed_by(server: Loopback):
    fault = error(500, "literal_error", {"retry-after-ms": "1"})
    server.behaviour = constrained_by(Form.JSON_OBJECT, '{"order": ["[2]"]}', fault=fault)
    server.behaviour = _fine_without_fields(server.behaviour)
    with Endpoint("little", base_url=server.url, retries=1) as endpoint:
        assert endpoint.permute(PROMPT, LABELS, top=1).order == (1,)


def _fine_without_fields(behaviour):
    plain = {"model", "messages", "temperature", "seed", "max_tokens"}
    return lambda asked: chat("Hello!") if set(asked.body) == plain else behaviour(asked)


def test_a_server_without_structured_output(server: Loopback, endpoint: Endpoint):
    for _ in range(2):
        with pytest.raises(CapabilityMissing, match="takes no constraint"):
            endpoint.permute(PROMPT, LABELS, top=2)
    assert len(server.asked) == len(Form)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (chat('{"order": ["[2]", "[2]"]}'), "more than once"),
        (chat('{"order": ["[2]"]}'), "did not keep to the constraint"),
        (chat('{"order": ["[2]", "[1]", "[3]"]}'), "did not keep to the constraint"),
        (chat('{"order": ["[2]", "[9]"]}'), "did not keep to the constraint"),
        (chat('{"order": [2, 1]}'), "did not keep to the constraint"),
        (chat('{"order": ["[2]", ', finish="length"), "cut off"),
        (chat(None, refusal="No."), "refused"),
    ],
)
def test_what_is_no_order_is_an_error(server: Loopback, reply: Says, says: str):
    server.script(reply)
    endpoint = Endpoint("little", base_url=server.url, capabilities=Capabilities(structure=Form.JSON_SCHEMA))
    with endpoint, pytest.raises(InvalidReply, match=says):
        endpoint.permute(PROMPT, LABELS, top=2)


def test_the_format_of_the_prompt_is_kept_where_the_server_can(server: Loopback):
    server.script(chat("Order: [3], [1]"))
    capabilities = Capabilities(structure=Form.REGEX)
    with Endpoint("little", base_url=server.url, capabilities=capabilities) as endpoint:
        permuted = endpoint.permute(PROMPT, LABELS, top=2, opening="Order: ", separator=", ")
    assert permuted.order == (2, 0)
    assert re.fullmatch(server.asked[0].body["regex"], "Order: [3], [1]")


def test_orders_of_nothing_and_labels_that_are_the_same(server: Loopback, endpoint: Endpoint):
    assert endpoint.permute(PROMPT, LABELS, top=0).order == ()
    assert endpoint.permute(PROMPT, [], top=3).order == ()
    with pytest.raises(ContractViolation, match="differ"):
        endpoint.permute(PROMPT, ["[1]", "[1]"], top=1)
    assert server.asked == []


def test_probe_finds_everything_out_at_once(server: Loopback, endpoint: Endpoint):
    server.behaviour = constrained_by(Form.GRAMMAR, "")
    assert endpoint.probe() == Capabilities(
        0, Form.GRAMMAR, ("chat: 20 log-probabilities a token are not given (ignored)",)
    )
    assert endpoint.context_length == 4096  # what /v1/models says
    before = len(server.asked)
    endpoint.probe()
    assert len(server.asked) == before


def test_declared_capabilities_are_believed(server: Loopback):
    with Endpoint("little", base_url=server.url, capabilities=Capabilities()) as endpoint:
        with pytest.raises(CapabilityMissing, match="declared so"):
            endpoint.permute(PROMPT, LABELS, top=1)
        with pytest.raises(CapabilityMissing, match="declared so"):
            endpoint.score_continuations(PROMPT, ["Yes"])
    assert server.asked == []


# Parallel calls


def test_no_more_calls_at_once_than_allowed(server: Loopback):
    lock, running, most = threading.Lock(), [0], [0]

    def slow(asked: Asked) -> Says:
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


def test_threads_that_need_the_same_answer_wait_for_one_probe(server: Loopback):
    server.behaviour = constrained_by(Form.GUIDED_REGEX, "[3] > [1]")
    with Endpoint("little", base_url=server.url, concurrency=4) as endpoint, ThreadPoolExecutor(8) as pool:
        orders = list(pool.map(lambda _: endpoint.permute(PROMPT, LABELS, top=2).order, range(8)))
    assert orders == [(2, 0)] * 8
    assert len(server.asked) == 3 + 8


@pytest.mark.parametrize(
    "values", [{"timeout": 0}, {"retries": -1}, {"concurrency": 0}, {"thinking_tokens": -1}, {"timeout": float("nan")}]
)
def test_values_that_are_not_possible(values: dict[str, float]):
    with pytest.raises(ConfigError, match="not possible"):
        Endpoint("little", base_url="http://localhost/v1", **values)
    with pytest.raises(ConfigError, match="no model"):
        Endpoint("", base_url="http://localhost/v1")
