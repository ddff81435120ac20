"""Proxies and certificates: what is wrong is named, and this machine is asked directly."""

from __future__ import annotations

import pytest

from rankkit.backends.http.address import check_url, is_loopback
from rankkit.backends.http.surroundings import Surroundings
from rankkit.errors import ConfigError

VARIABLES = [f"{kind}_PROXY" for kind in ("HTTP", "HTTPS", "ALL", "NO")] + ["SSL_CERT_FILE", "SSL_CERT_DIR"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks5://me:password@127.0.0.1:9"),
        ("all_proxy", "socks://127.0.0.1:9"),
        ("https_proxy", "ftp://127.0.0.1:9"),
        ("SSL_CERT_FILE", "/gone/cacert.pem"),
        ("SSL_CERT_DIR", "/gone"),
    ],
)
def test_a_variable_that_is_of_no_use_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name) as caught:
        Surroundings.of("https://api.example.org/v1")
    assert "password" not in str(caught.value)
    direct = Surroundings.of("http://127.0.0.1:8000/v1")
    assert direct.proxy is None and direct.certificates is False


def test_a_proxy_is_used_unless_the_host_is_excepted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.org:3128")
    assert Surroundings.of("http://api.example.org/v1").proxy is not None
    assert Surroundings.of("http://localhost:8000/v1").proxy is None
    monkeypatch.setenv("NO_PROXY", "example.org")
    assert Surroundings.of("http://api.example.org/v1").proxy is None


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0"])
def test_this_machine(host: str):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "10.0.0.1", "localhost.example.org", ""])
def test_other_machines(host: str):
    assert not is_loopback(host)


@pytest.mark.parametrize("url", ["http://[::1", "http://host:99999/v1", "http://host/a b", "http://host/\x1b[31m"])
def test_addresses_that_are_none(url: str):
    with pytest.raises(ConfigError, match="no address"):
        check_url(url)
