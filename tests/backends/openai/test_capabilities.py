"""What a server can do is found out by asking once: log-probabilities, structured output, and going without them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.openai.probe import Capabilities
from rankkit.backends.openai.structure import Form
from rankkit.backends.protocols import Message
from rankkit.errors import CapabilityMissing, ContractViolation, InvalidReply, ServerFailed
from tests.backends.loopback import BoundQuestion, Hangs, Loopback, Says, chat, completion, error

PROMPT = (Message("system", "Be brief."), Message("user", "Is the sky blue?"))


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def endpoint(server: Loopback) -> Iterator[Endpoint]:
    with Endpoint("little", base_url=server.url, retries=0, timeout=5) as made:
        yield made


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
    def allows_five(asked: BoundQuestion) -> Says:
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
    assert len(server.asked) == 3 + 1  # two retries, and the same without the field


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

    def behaviour(asked: BoundQuestion) -> Says:
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
        (chat('{"order": ["[2]"]}'), "did not keep to the constraint"),
        (chat('{"order": ["[2]", "[1]", "[3]"]}'), "did not keep to the constraint"),
        (chat('{"order": ["[2]", "[9]"]}'), "did not keep to the constraint"),
        (chat('{"order": [2, 1]}'), "did not keep to the constraint"),
        (chat('{"order": ["[2]", ', finish="length"), "cut off"),
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
    before = len(server.asked)
    endpoint.probe()
    assert len(server.asked) == before


# Context length


def test_the_context_length_is_what_the_list_of_models_says_and_is_asked_for_once(server: Loopback, endpoint: Endpoint):
    assert endpoint.context_length == 4096
    server.models = None
    assert endpoint.context_length == 4096 and server.asked == [] and endpoint.fallbacks == ()


def test_a_context_length_that_is_given_is_not_asked_for(server: Loopback):
    with Endpoint("little", base_url=server.url, context_length=512) as endpoint:
        assert endpoint.context_length == 512


@pytest.mark.parametrize(
    ("models", "final"),
    [
        (None, True),
        (error(401), True),
        (error(500, "broken"), False),
        (error(429, "later"), False),
        (Hangs(), False),
        (Says("<html>"), False),
        (Says({"data": [{"id": "other", "max_model_len": 4096}]}), True),
        (Says({"data": [{"id": "little"}]}), True),
    ],
    ids=["no page", "401", "500", "429", "hangs", "no JSON", "another model", "no length"],
)
def test_a_server_that_does_not_tell_its_context_length_answers_all_the_same(
    server: Loopback, models: Says | Hangs | None, final: bool
):
    server.models = models
    with Endpoint("little", base_url=server.url, timeout=0.5, circuit=Circuit(failures=1)) as endpoint:
        assert endpoint.context_length is None
        assert endpoint.fallbacks == (
            "the server does not tell the model's context length: no prompt is shortened to fit it",
        )
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
        server.models = Says({"data": [{"id": "little", "max_model_len": 4096}]})
        # What was learned is kept; that nothing was learned is not.
        assert endpoint.context_length == (None if final else 4096)
        assert bool(endpoint.fallbacks) is final


# All of it


def test_declared_capabilities_are_believed(server: Loopback):
    with Endpoint("little", base_url=server.url, capabilities=Capabilities()) as endpoint:
        with pytest.raises(CapabilityMissing, match="declared so"):
            endpoint.permute(PROMPT, LABELS, top=1)
        with pytest.raises(CapabilityMissing, match="declared so"):
            endpoint.score_continuations(PROMPT, ["Yes"])
    assert server.asked == []


def test_threads_that_need_the_same_answer_wait_for_one_probe(server: Loopback):
    server.behaviour = constrained_by(Form.GUIDED_REGEX, "[3] > [1]")
    with Endpoint("little", base_url=server.url, concurrency=4) as endpoint, ThreadPoolExecutor(8) as pool:
        orders = list(pool.map(lambda _: endpoint.permute(PROMPT, LABELS, top=2).order, range(8)))
    assert orders == [(2, 0)] * 8
    assert len(server.asked) == 3 + 8
