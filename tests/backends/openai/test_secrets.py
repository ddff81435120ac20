"""Where the key goes, and that it is nowhere else, not even if the server repeats it in everything that it says."""

from __future__ import annotations

import copy
import dataclasses
import logging
import pickle
import traceback
from collections.abc import Iterator

import pytest

from rankkit.backends.http.secrets import Secret
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.protocols import Message
from rankkit.errors import ConfigError, EndpointError
from tests.backends.loopback import Cuts, Hangs, Loopback, Says, chat, error

KEY = "sk-1234567890-very-secret"
OTHER = "sk-0987654321-from-elsewhere"
PROMPT = (Message("user", "Is the sky blue?"),)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


ECHOES = [
    error(400, f"your key is {KEY}"),
    error(401, f"Incorrect API key provided: {KEY}", code=KEY, param=KEY),
    error(404, f"no model for {KEY}"),
    error(429, f"{KEY} asks too often", {"Retry-After": KEY}),
    error(500, f"crashed over Authorization: Bearer {KEY}"),
    Says(f"<html>Bearer {KEY}</html>", status=502),
    Says(f"<html>Bearer {KEY}</html>"),
    Says({"choices": [], KEY: KEY}),
    chat(None, **{KEY: KEY}),
    Cuts(),
    Hangs(),
]


@pytest.mark.parametrize("reply", ECHOES, ids=range(len(ECHOES)))
def test_no_error_shows_the_key(server: Loopback, reply: Says, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    server.script(reply)
    endpoint = Endpoint("little", base_url=server.url, api_key=KEY, retries=1 if reply is ECHOES[4] else 0, timeout=0.3)
    with endpoint, pytest.raises(EndpointError) as caught:
        endpoint.generate(PROMPT, max_tokens=5)
    assert server.asked[0].key == KEY
    # On DEBUG, transport and SDK write down what *the server* put into its headers: nothing of ours.
    headers = ("receive_response_headers", "HTTP Response")
    logged = [text for text in caplog.messages if not text.startswith(headers)]
    assert logged
    for shown in (str(caught.value), repr(caught.value), *traceback.format_exception(caught.value), *logged):
        assert KEY not in shown
    assert caught.value.__cause__ is None  # the SDK's exception holds the request, and so the key
    assert caught.value.__context__ is None
    assert KEY.encode() not in pickle.dumps(caught.value)


def test_no_answer_shows_the_key(server: Loopback):
    server.script(chat(f"Yes, {KEY}", reasoning_content=f"Hm, {KEY}"))
    with Endpoint("little", base_url=server.url, api_key=KEY) as endpoint:
        generated = endpoint.generate(PROMPT, max_tokens=5)
    assert (generated.text, generated.thinking) == ("Yes, ***", "Hm, ***")


def test_no_repr_and_no_saved_form_shows_the_key(server: Loopback):
    with Endpoint("little", base_url=server.url, api_key=KEY) as endpoint:
        assert repr(endpoint) == f"Endpoint('little', base_url='{server.url}')"
        assert KEY not in repr(vars(endpoint))
        assert KEY not in endpoint.fingerprint
        for save in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="build it where it is used"):
                save(endpoint)
    with pytest.raises(TypeError):
        pickle.dumps(Secret(KEY))
    assert KEY not in repr(Secret(KEY))


def test_the_fingerprint_is_the_same_with_another_key():
    first, second = (Endpoint("little", base_url="http://localhost/v1", api_key=key) for key in (KEY, OTHER))
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != Endpoint("big", base_url="http://localhost/v1").fingerprint


def test_the_environments_keys_are_not_sent_to_any_address(server: Loopback, monkeypatch: pytest.MonkeyPatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, OTHER)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {OTHER}\nX-Gateway-Key: {OTHER}")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with Endpoint("little", base_url=server.url) as endpoint:
        endpoint.generate(PROMPT, max_tokens=5)
    assert server.asked[0].key == "none"
    assert OTHER not in str(server.asked)


def test_a_key_from_the_environment_is_sent_where_it_is_named(server: Loopback, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_SERVERS_KEY", KEY)
    with Endpoint("little", base_url=server.url, key_env="MY_SERVERS_KEY") as endpoint:
        endpoint.generate(PROMPT, max_tokens=5)
    assert server.asked[0].key == KEY


def test_without_an_address_it_is_openai_and_its_key_is_needed(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set"):
        Endpoint("gpt-4.1-mini")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert repr(Endpoint("gpt-4.1-mini")) == "Endpoint('gpt-4.1-mini', base_url='https://api.openai.com/v1')"


@pytest.mark.parametrize("bad", [f"{KEY}\n", f"{KEY} ", f"{KEY}é", ""])
def test_a_key_that_no_header_can_hold_is_refused_unseen(bad: str):
    with pytest.raises(ConfigError, match="no HTTP header") as caught:
        Endpoint("little", base_url="http://localhost/v1", api_key=bad)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "url", [f"http://me:{KEY}@localhost/v1", f"http://{KEY}@localhost/v1", f"http://localhost/v1?key={KEY}"]
)
def test_an_address_that_holds_a_key_is_refused_unseen(url: str):
    with pytest.raises(ConfigError, match="localhost") as caught:
        Endpoint("little", base_url=url)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost/v1", "", "http://"])
def test_an_address_that_is_none(url: str):
    with pytest.raises(ConfigError, match="no address"):
        Endpoint("little", base_url=url)


def test_a_key_is_given_in_one_way_only():
    with pytest.raises(ConfigError, match="both"):
        Endpoint("little", base_url="http://localhost/v1", api_key=KEY, key_env="MY_SERVERS_KEY")


def test_records_of_answers_hold_no_reference_to_the_endpoint(server: Loopback):
    with Endpoint("little", base_url=server.url, api_key=KEY) as endpoint:
        generated = endpoint.generate(PROMPT, max_tokens=5)
    assert KEY not in str(dataclasses.asdict(generated))


ECHOED_IN_PART = [
    f"Incorrect API key provided: {KEY[:12]}",
    f"Incorrect API key provided: {KEY[:15]}...{KEY[-4:]}",
    f"The key that ends in {KEY[-8:]} is revoked",
    f"The key {chr(0x200B).join(KEY)} is revoked",
    f"The key {''.join(chr(ord(character) + 0xFEE0) for character in KEY)} is revoked",
]


@pytest.mark.parametrize("said", ECHOED_IN_PART)
def test_a_key_that_is_repeated_in_part(server: Loopback, said: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, logger="rankkit")
    server.script(error(401, said, code=said), chat(said, reasoning_content=said))
    with Endpoint("little", base_url=server.url, api_key=KEY) as endpoint:
        with pytest.raises(EndpointError) as caught:
            endpoint.generate(PROMPT, max_tokens=5)
        generated = endpoint.generate(PROMPT, max_tokens=5)
    for shown in (str(caught.value), *caught.value.codes, generated.text, generated.thinking, *caplog.messages):
        assert KEY[:10] not in shown and KEY[-8:] not in shown
    assert "***" in str(caught.value) and "***" in generated.text
    assert "\u200b" not in generated.text and "\uff53" not in generated.text
