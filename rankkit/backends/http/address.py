"""Addresses of servers. Standard library only: a config is checked where no HTTP library is installed, too."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from rankkit.errors import ConfigError


def check_url(base_url: str) -> str:
    """The address as it is kept and shown.

    Raises:
        ConfigError: it is no HTTP address, or holds a user, password or query: those would show up in messages.
    """
    try:
        parts = urlsplit(base_url)
        holds_more = parts.username or parts.password or parts.query or parts.fragment
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        valid, holds_more = None, None
    if holds_more:
        raise ConfigError(
            f"the base_url for {parts.hostname} holds more than scheme, host, port and path",
            hint="Give a key as api_key, and query parameters as query; a base_url is shown in messages.",
        )
    if not valid or not base_url.isprintable() or " " in base_url:
        raise ConfigError(
            f"{base_url!r} is no address of a server", hint="Give a base_url like http://127.0.0.1:8000/v1."
        )
    return base_url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_loopback or inner.is_unspecified)
