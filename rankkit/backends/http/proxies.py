"""The proxy that the environment names: which variable says so, and how both are named in an error."""

from __future__ import annotations

import os
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from rankkit.backends.http.address import is_loopback
from rankkit.backends.http.library import http
from rankkit.backends.http.secrets import Secret
from rankkit.errors import ConfigError

#: What only a proxy writes into the headers of its own answers, and how the common ones call themselves.
_OWN_HEADERS = ("proxy-authenticate", "proxy-status", "proxy-agent", "x-squid-error", "x-proxy-error")
_NAMES = re.compile(r"squid|proxy|privoxy|zscaler|bluecoat|websense|trafficserver|\bats/", re.IGNORECASE)
#: What a proxy answers when it does not reach the server. Servers behind gateways answer so, too.
_GATEWAY = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Proxy:
    """``way`` is the library's. ``variable`` is as it is spelled in the environment, ``address`` its value without user
    and password, which are the ``secrets``. A proxy that ``tunnels`` cannot answer in the server's place.
    """

    way: Any = field(repr=False)
    variable: str
    address: str
    asked: str
    tunnels: bool
    secrets: tuple[Secret, ...] = ()

    def __str__(self) -> str:
        return f"the proxy {self.address} that {self.variable} names"

    @property
    def hint(self) -> str:
        """What to do about a proxy that does not let through."""
        return f"Correct {self.variable} or unset it, or add {self.asked} to NO_PROXY to ask the server directly."

    @property
    def hint_of_login(self) -> str:
        return f"{self.variable} takes user and password as http://USER:PASSWORD@HOST:PORT, with %40 for an @ in them."

    def answered_itself(self, status: int, headers: Mapping[str, str]) -> bool | None:
        """Whether an answer of this status is the proxy's own, ``None`` where it cannot be told from the server's."""
        if self.tunnels:
            return False
        if status == 407 or any(name in headers for name in _OWN_HEADERS):
            return True
        if status >= 400 and _NAMES.search(headers.get("server", "")):
            return True
        return None if status in _GATEWAY else False


def proxy_for(base_url: str) -> Proxy | None:
    """The proxy to ask a server through, ``None`` for a direct connection. This machine is always asked directly.

    Raises:
        ConfigError: names the variable that is of no use.
    """
    parts = urlsplit(base_url)
    scheme, host = parts.scheme, parts.hostname or ""
    proxies = urllib.request.getproxies()
    found = next((name for name in (scheme, "all") if proxies.get(name)), None)
    # Exceptions may name a port.
    place = f"{host}:{parts.port or (443 if scheme == 'https' else 80)}"
    if found is None or is_loopback(host) or urllib.request.proxy_bypass(place):
        return None
    value = proxies[found] if "://" in proxies[found] else f"http://{proxies[found]}"
    try:
        way = http.Proxy(value)
        # The transport asks for what the proxy's scheme needs, which may not be installed.
        http.AsyncHTTPTransport(proxy=way, verify=False, trust_env=False)
    except (ImportError, ValueError, http.InvalidURL) as error:
        reason = f"{type(error).__name__}: its scheme is {value.partition(':')[0]!r}"
    else:
        tunnels = scheme == "https" or way.url.scheme.startswith("socks")
        return Proxy(way, _variable(found), _shown(way, value), host, tunnels, _secrets(way))
    raise ConfigError(
        f"the proxy that {_variable(found)} names cannot be used ({reason})",
        hint=f"Give it an address like http://host:port, unset it, or add {host} to NO_PROXY.",
    )


def _shown(way: Any, value: str) -> str:
    """Without user and password: what a login with a character that should be escaped was cut at is not shown."""
    cut_wrongly = "@" in value and way.raw_auth is None
    return f"{way.url.scheme}://{'***' if cut_wrongly else way.url.netloc.decode('ascii', 'replace')}"


def _secrets(way: Any) -> tuple[Secret, ...]:
    login = [] if way.raw_auth is None else [part.decode("utf-8", "replace") for part in way.raw_auth]
    words = {word for part in login for word in (part, unquote(part))}
    return tuple(Secret(word) for word in sorted(words) if word and all("!" <= character <= "~" for character in word))


def _variable(scheme: str) -> str:
    """As it is spelled in the environment; without one it is the system's setting."""
    name = f"{scheme}_proxy"
    spelled = [name, name.upper(), *(other for other in os.environ if other.lower() == name)]
    return next((other for other in spelled if os.environ.get(other)), f"the system's setting for {name.upper()}")
