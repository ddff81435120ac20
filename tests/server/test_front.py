"""Who comes in: keys, Host, Origin; and the id and the log line of each request."""

from __future__ import annotations

import json
import logging

import pytest
from starlette.testclient import TestClient

from rankkit.server.front import host_allowed, origin_allowed
from rankkit.server.keys import FixedKeys
from rankkit.server.settings import Settings
from tests.server.plain import BODY, app

#: An application is built for each.
pytestmark = pytest.mark.slow

KEYS = FixedKeys({"search": "sesame-one", "shop": "sesame-two"})


def client(**more: object) -> TestClient:
    return TestClient(app(**more), base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer sesame-one"},
        {"Authorization": "bearer  sesame-two "},
        {"Authorization": "sesame-one"},
        {"Api-Key": "sesame-one"},
        {"X-Api-Key": "sesame-one"},
    ],
)
def test_a_key_comes_in_by_any_of_the_ways_that_clients_have(headers):
    assert client(keys=KEYS).post("/rerank", json=BODY, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer sesame"},
        {"Authorization": "Bearer sesame-one2"},
        {"Authorization": "Basic sesame-one"},
        {"Authorization": "Bearer None"},
        {"Authorization": "Bearer s\xe9same-one"},
        {"Authorization": "Bearer wrong", "X-Api-Key": "sesame-one"},
        {"X-Api-Key": "Bearer sesame-one"},
    ],
)
def test_without_a_valid_key_nothing_is_ranked(headers):
    reply = client(keys=KEYS).post("/rerank", json=BODY, headers={k: v.encode("latin-1") for k, v in headers.items()})
    assert reply.status_code == 401
    assert reply.json()["kind"] == "unauthorized" and reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["/metrics", "/docs", "/openapi.json", "/v1/models", "/models", "/info", "/", "/nowhere"]
)
def test_everything_but_life_and_readiness_is_behind_the_key(path):
    assert client(keys=KEYS).get(path).status_code == 401
    assert client(keys=KEYS).get(f"{path}/").status_code == 401
    assert [client(keys=KEYS).get(open_).status_code for open_ in ("/health", "/ready/", "/ping")] == [200] * 3


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": "https://app.example"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8000"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "rerank.internal"}, 200),
    ],
)
def test_pages_of_others_and_names_of_others_do_not_come_in(headers, status):
    settings = Settings(allowed_hosts=("rerank.internal",), allowed_origins=("https://app.example",))
    reply = client(settings=settings).post("/rerank", json=BODY, headers=headers)
    assert reply.status_code == status
    if headers.get("Origin") != "https://app.example":
        assert not [name for name in reply.headers if name.startswith("access-control")]


def test_a_preflight_of_a_foreign_page_is_refused():
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert client().options("/rerank", headers=asks).status_code == 403


def test_a_page_that_was_named_may_call_and_read():
    one = client(settings=Settings(allowed_origins=("https://app.example",)), keys=KEYS)
    page = {"Origin": "https://app.example"}
    asked = one.options("/rerank", headers={**page, "Access-Control-Request-Method": "POST"})
    assert asked.status_code == 204 and "Authorization" in asked.headers["access-control-allow-headers"]
    reply = one.post("/rerank", json=BODY, headers={**page, "Authorization": "Bearer sesame-one"})
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert one.post("/rerank", json=BODY, headers=page).status_code == 401


def test_paths_that_nobody_knows_are_counted_together():
    one = client(keys=KEYS)
    for number in range(3):
        one.get(f"/made-up-{number}")
    text = one.get("/metrics", headers={"X-Api-Key": "sesame-one"}).text
    assert 'route="other",status="401"} 3.0' in text and "made-up" not in text


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("127.0.0.1:80", (), True),
        ("2001:db8::1", (), True),
        ("[2001:db8::1]:80", (), True),
        ("127.0.0.1.evil.example", (), False),
        ("localhost.evil.example", (), False),
        ("evil.example", ("*",), True),
        ("Rerank.Internal:80", ("rerank.internal",), True),
        ("", (), False),
    ],
)
def test_names_of_the_host(host, allowed, expected):
    assert host_allowed(host, allowed) is expected


def test_an_origin_that_is_no_address_is_foreign():
    assert not origin_allowed("http://[", "127.0.0.1", ())
    assert not origin_allowed("", "", ())


@pytest.mark.parametrize("given", ["my-id.1:2/3=", "a" * 128])
def test_a_well_formed_request_id_comes_back(given):
    assert client().post("/rerank", json=BODY, headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "\u00e9", '"', "{x}"])
def test_any_other_is_made_anew(given):
    headers = {"X-Request-Id": given.encode("latin-1")}
    made = client().post("/rerank", json=BODY, headers=headers).headers["x-request-id"]
    assert made != given and len(made) == 32


def test_a_log_line_has_names_and_numbers_and_no_text(caplog):
    logging.getLogger("rankkit.access").propagate = True
    with caplog.at_level(logging.INFO, "rankkit.access"):
        body = {"query": "secret-query", "documents": ["secret-one", "secret-two"], "model": "secret-model"}
        one = client(keys=KEYS)
        one.post("/rerank?key=sesame-two", json=body, headers={"Authorization": "Bearer sesame-one"})
        one.post("/rerank", json=body, headers={"Authorization": "Bearer secret-key"})
        one.get("/health")
    ranked, refused = (json.loads(record.message) for record in caplog.records)
    assert {
        "status": 200,
        "model": "first",
        "documents": 2,
        "key": "search",
        "dialect": "plain",
    }.items() <= ranked.items()
    assert {"status": 401, "error": "unauthorized"}.items() <= refused.items()
    assert "secret" not in caplog.text and "sesame" not in caplog.text


def test_a_key_or_a_text_in_a_path_or_an_id_is_not_in_the_log(caplog):
    logging.getLogger("rankkit.access").propagate = True
    with caplog.at_level(logging.INFO, "rankkit.access"):
        one = client(keys=KEYS)
        headers = {"X-Api-Key": "sesame-one", "X-Request-Id": "sesame-one"}
        assert one.get("/sesame-two/rerank", headers=headers).status_code == 404
        assert one.post("/rerank", json=BODY, headers=headers).headers["x-request-id"] != "sesame-one"
    unknown, ranked = (json.loads(record.message) for record in caplog.records)
    assert unknown["path"] == "/*/rerank" and ranked["path"] == "/rerank"
    assert "sesame" not in caplog.text
