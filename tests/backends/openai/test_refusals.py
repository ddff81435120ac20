"""A server's own words in whatever shape, and what is done without asking the user: fields left out, roles folded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.backends.language.pricing import estimate_order_tokens
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.openai.probe import Capabilities
from rankkit.backends.openai.structure import Form
from rankkit.backends.protocols import Message
from rankkit.errors import (
    AuthenticationFailed,
    ConfigError,
    EndpointError,
    RateLimited,
    RequestRefused,
    ServerFailed,
)
from tests.backends.loopback import BoundQuestion, Loopback, Says, chat, error

PROMPT = (Message("system", "Be brief."), Message("user", "Is the sky blue?"))
SOON = {"retry-after-ms": "1"}


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "WORDS"}},
        [{"error": {"message": "WORDS", "status": "INVALID_ARGUMENT"}}],
        {"error": "WORDS"},
        {"detail": "WORDS"},
        {"detail": [{"type": "missing", "loc": ["body", "x"], "msg": "WORDS", "input": {"prompt": "secret text"}}]},
        {"errors": [{"code": 1, "message": "WORDS"}]},
        {"object": "error", "message": {"detail": [{"msg": "WORDS"}]}},
        {"error": {"message": '{"error": {"message": "WORDS"}}'}},
        {"error": {"message": "Provider returned error", "metadata": {"raw": '{"detail": "WORDS"}'}}},
        {"message": "WORDS"},
        "<html><head><title>413 WORDS</title><style>p{}</style></head><body><h1>nginx</h1></body></html>",
        "WORDS, \x1b[31mplainly\x07",
    ],
)
def test_the_words_are_found(server: Loopback, body: object):
    server.script(Says(body, 400))
    with Endpoint("little", base_url=server.url) as endpoint, pytest.raises(RequestRefused, match="WORDS") as caught:
        endpoint.generate(PROMPT, max_tokens=5)
    assert "\x1b" not in caught.value.message and "p{}" not in caught.value.message
    assert "secret text" not in caught.value.message


@pytest.mark.parametrize(
    ("field", "reply"),
    [
        ("temperature", error(400, "invalid temperature: only 1 is allowed for this model")),
        ("temperature", error(400, "`temperature` may only be set to 1 when thinking is enabled.")),
        ("temperature", Says({"detail": [{"loc": ["body", "temperature"], "msg": "Input should be 1"}]}, 422)),
        ("seed", Says([{"error": {"message": 'Invalid JSON payload received. Unknown name "seed": no field.'}}], 400)),
        ("seed", Says({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}, 422)),
        ("max_tokens", error(400, "word " * 400 + "Unsupported parameter: 'max_tokens' is not supported.")),
        ("max_tokens", error(400, "Use another.", code="unsupported_parameter", param="max_tokens")),
        ("stop", error(400, "Unsupported parameter: 'stop' is not supported with this model.")),
    ],
)
def test_a_refused_field_is_left_out(server: Loopback, field: str, reply: Says):
    server.behaviour = lambda asked: reply if field in asked.body else chat("Yes")
    with Endpoint("little", base_url=server.url, retries=0) as endpoint:
        for _ in range(2):
            assert endpoint.generate(PROMPT, max_tokens=5, stop=["\n"]).text == "Yes"
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "Developer instruction is not enabled for models/gemma-3"),
        error(500, "raise_exception: System role not supported", SOON),
        error(400, "Only user, assistant and tool roles are supported, got system."),
        error(400, "Conversation roles must alternate user/assistant/user/assistant/..."),
    ],
)
def test_a_system_role_that_is_refused_is_folded_into_the_user_s(server: Loopback, reply: Says):
    server.behaviour = lambda asked: reply if asked.body["messages"][0]["role"] == "system" else chat("Yes")
    with Endpoint("little", base_url=server.url, retries=0) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"
    assert server.asked[-1].body["messages"] == [{"role": "user", "content": "Be brief.\n\nIs the sky blue?"}]


def test_a_prompt_that_is_too_long_is_not_about_a_field(server: Loopback):
    words = "'max_tokens' or 'max_completion_tokens' is too large: 5. This model's maximum context length is 4"
    server.script(error(400, words))
    with Endpoint("little", base_url=server.url) as endpoint, pytest.raises(RequestRefused):
        endpoint.generate(PROMPT, max_tokens=5)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "kind", "tries"),
    [
        ({"error": {"message": "upstream", "code": 502}}, ServerFailed, 2),
        ({"error": {"message": "slow down", "type": "rate_limit_error"}}, RateLimited, 2),
        ({"error": {"message": "no key", "code": "401"}}, AuthenticationFailed, 1),
        ({"error": {"message": "bad", "type": "invalid_request_error"}, "choices": []}, RequestRefused, 1),
        ({"choices": [{"finish_reason": "error", "message": {"content": ""}}]}, ServerFailed, 2),
        ({"choices": [{"finish_reason": "error", "error": {"code": 429, "message": "later"}}]}, RateLimited, 2),
    ],
)
def test_an_error_that_is_sent_as_a_success(server: Loopback, body: object, kind: type[EndpointError], tries: int):
    server.script(Says(body, 200, SOON))
    with Endpoint("little", base_url=server.url, retries=1) as endpoint, pytest.raises(kind) as caught:
        endpoint.generate(PROMPT, max_tokens=5)
    assert type(caught.value) is kind and len(server.asked) == tries


FILTERED = [
    error(400, "The response was filtered due to the prompt", code="content_filter"),
    error(400, "Your request was rejected as a result of our safety system.", code="content_policy_violation"),
    error(400, "The prompt contains sensitive words that violate Google's Responsible AI practices"),
    error(403, "Input was flagged for violence", metadata={"reasons": ["violence"]}),
    Says({"choices": [], "promptFeedback": {"blockReason": "SAFETY"}}),
    Says({"choices": [{"message": {"content": ""}, "finish_reason": "SAFETY"}]}),
]


@pytest.mark.parametrize("reply", FILTERED, ids=range(len(FILTERED)))
def test_a_content_filter_refuses_one_question(server: Loopback, reply: Says):
    server.script(reply)
    able = Capabilities(log_probabilities=20, structure=Form.JSON_SCHEMA)
    with Endpoint("little", base_url=server.url, capabilities=able) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).finish == "refused"
        scored = endpoint.score_continuations(PROMPT, ["Yes", "No"])
        assert scored.refused and scored.log_probabilities == (None, None)
        permuted = endpoint.permute(PROMPT, ["[1]", "[2]"], top=2)
        assert permuted.refused and permuted.order == () and permuted.usage.calls == 1
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("content", "text", "thinking"),
    [
        ([{"type": "text", "text": "[2]"}, {"type": "text", "text": " > [1]"}], "[2] > [1]", ""),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"text": "[2]"}], "[2]", "Hm"),
        ([{"type": "reasoning", "summary": "Hm"}, {"type": "output_text", "text": "[2]"}], "[2]", "Hm"),
        ([{"type": "thinking", "thinking": "Hm"}], "", "Hm"),
    ],
)
def test_content_as_parts(server: Loopback, content: object, text: str, thinking: str):
    server.script(chat(content))
    with Endpoint("little", base_url=server.url) as endpoint:
        generated = endpoint.generate(PROMPT, max_tokens=5)
    assert (generated.text, generated.thinking) == (text, thinking)


def test_keys_and_parameters_of_gateways(server: Loopback, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AZURE_KEY", "azure-1234567")
    monkeypatch.setenv("GATEWAY_KEY", "gateway-1234567")
    made = Endpoint(
        "little",
        base_url=server.url,
        key_env="AZURE_KEY",
        key_header="api-key",
        headers={"X-Team": "search"},
        headers_env={"X-Gateway-Key": "GATEWAY_KEY"},
        query={"api-version": "2024-10-21"},
    )
    server.script(error(400, "azure-1234567 and gateway-1234567"))
    with made, pytest.raises(RequestRefused, match=r"\*\*\* and \*\*\*"):
        made.generate(PROMPT, max_tokens=5)
    sent = server.asked[0]
    assert sent.path == "/v1/chat/completions?api-version=2024-10-21"
    assert (sent.headers["api-key"], sent.headers["x-gateway-key"]) == ("azure-1234567", "gateway-1234567")
    assert sent.headers["x-team"] == "search" and "authorization" not in sent.headers


@pytest.mark.parametrize(
    "values",
    [
        {"headers": {"X-Api-Key": "abc"}},
        {"headers": {"Authorization": "Bearer abc"}},
        {"headers": {"Content-Length": "1"}},
        {"headers": {"X-Team": "a\r\nX-Other: b"}},
        {"headers_env": {"X-Other": "NO_SUCH_VARIABLE_HERE"}},
        {"query": {"api_key": "abc"}},
        {"extra_body": {"max_tokens": 10_000}},
        {"extra_body": {"n": 5}},
    ],
)
def test_what_cannot_be_configured(values: dict[str, dict[str, object]]):
    with pytest.raises(ConfigError) as caught:
        Endpoint("little", base_url="http://localhost/v1", **values)
    assert "abc" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(
    max_tokens=st.integers(1, 4096),
    thinking=st.integers(0, 4096),
    count=st.integers(1, 20),
    top=st.integers(1, 30),
    refuses_max_tokens=st.booleans(),
)
@pytest.mark.slow
def test_no_limit_that_is_sent_is_above_the_bound(
    max_tokens: int, thinking: int, count: int, top: int, refuses_max_tokens: bool
):
    def behave(asked: BoundQuestion) -> Says:
        if refuses_max_tokens and "max_tokens" in asked.body:
            return error(400, "Unsupported parameter: 'max_tokens'")
        return Says({"choices": [], "promptFeedback": {"blockReason": "SAFETY"}})

    able = Capabilities(log_probabilities=20, structure=Form.JSON_SCHEMA)
    labels = [f"[{number}]" for number in range(1, count + 1)]
    with Loopback() as server:
        server.behaviour = behave
        with Endpoint("little", base_url=server.url, thinking_tokens=thinking, capabilities=able) as endpoint:
            for bound, ask in (
                (max_tokens, lambda: endpoint.generate(PROMPT, max_tokens=max_tokens)),
                (1, lambda: endpoint.score_continuations(PROMPT, labels)),
                (estimate_order_tokens(labels, top), lambda: endpoint.permute(PROMPT, labels, top=top)),
            ):
                server.asked.clear()
                ask()
                for asked in server.asked:
                    limits = [
                        asked.body[name] for name in ("max_tokens", "max_completion_tokens") if name in asked.body
                    ]
                    assert len(limits) == 1 and limits[0] <= bound + endpoint.thinking_tokens


def violation(name: str) -> Says:
    details = [{"fieldViolations": [{"field": name, "description": "Unknown name"}]}]
    return Says({"error": {"message": "Invalid JSON payload", "details": details}}, 400)


@pytest.mark.parametrize(
    ("field", "reply"),
    [
        ("seed", violation("seed")),
        ("seed", Says({"title": "x", "violations": [{"field": "seed", "message": "not allowed"}]}, 400)),
        ("seed", error(404, "unknown parameter seed")),
        ("max_tokens", error(400, "Parameter max_tokens is invalid; max_completion_tokens is required")),
        ("max_tokens", error(400, "You must provide max_completion_tokens rather than max_tokens")),
    ],
)
def test_a_refusal_in_other_words_is_understood(server: Loopback, field: str, reply: Says):
    server.behaviour = lambda asked: reply if field in asked.body else chat("Yes")
    with Endpoint("little", base_url=server.url, retries=0) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"


@pytest.mark.parametrize(
    "words",
    [
        "messages[0].role: Input should be 'user' or 'assistant'",
        "'system' is not one of ['user', 'assistant']",
        "Unknown variant `system`, expected `user` or `assistant`",
        "first message must be from user",
        "messages must start with user",
    ],
)
def test_a_system_role_refused_in_everyday_words_is_folded(server: Loopback, words: str):
    def behaviour(asked: BoundQuestion) -> Says:
        roles = [message["role"] for message in asked.body["messages"]]
        return error(400, words) if "system" in roles else chat("Yes")

    server.behaviour = behaviour
    with Endpoint("little", base_url=server.url, retries=0) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).text == "Yes"


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "Content Exists Risk"),
        Says(
            {"contentFilter": [{"role": "user"}], "error": {"code": "1301", "message": "系统检测到不安全或敏感内容"}},
            400,
        ),
    ],
)
def test_content_filters_of_the_field_refuse_one_question(server: Loopback, reply: Says):
    server.script(reply)
    with Endpoint("little", base_url=server.url, retries=0) as endpoint:
        assert endpoint.generate(PROMPT, max_tokens=5).finish == "refused"
