"""What lies between here and a server: its address, and the proxy and certificates that the environment names."""

from __future__ import annotations

import ipaddress
import os
import ssl
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rankkit.backends.http.library import http
from rankkit.errors import ConfigError

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Surroundings:
    """``proxy`` is the library's, ``None`` for a direct connection; ``certificates`` are those to check a server by."""

    proxy: Any
    certificates: ssl.SSLContext | bool

    @classmethod
    def of(cls, base_url: str) -> Surroundings:
        """As the environment says: ``HTTPS_PROXY`` and its kin, ``NO_PROXY``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR``.

        A server on this machine is asked directly, and needs no certificates unless its address says https.

        Raises:
            ConfigError: names the variable that is of no use.
        """
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        proxy = None if is_loopback(host) else _proxy(parts.scheme, host)
        unsafe = parts.scheme == "http" and proxy is None
        return cls(proxy, certificates=False if unsafe else _certificates())


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


def _proxy(scheme: str, host: str) -> Any:
    proxies = urllib.request.getproxies()
    found = next((name for name in (scheme, "all") if proxies.get(name)), None)
    if found is None or urllib.request.proxy_bypass(host):
        return None
    address = proxies[found]
    if "://" not in address:
        address = f"http://{address}"
    try:
        proxy = http.Proxy(address)
        # The transport asks for what the proxy's scheme needs, which may not be installed.
        http.AsyncHTTPTransport(proxy=proxy, verify=False, trust_env=False)
    except (ImportError, ValueError, http.InvalidURL) as error:
        reason = f"{type(error).__name__}: its scheme is {address.partition(':')[0]!r}"
    else:
        return proxy
    raise ConfigError(
        f"the proxy that {_variable(found)} names cannot be used ({reason})",
        hint=f"Give it an address like http://host:port, unset it, or add {host} to NO_PROXY.",
    )


def _variable(scheme: str) -> str:
    """As it is spelled in the environment; without one it is the system's setting."""
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    return next((name for name in names if os.environ.get(name)), names[1])


def _certificates() -> ssl.SSLContext | bool:
    name = next((name for name in _CERTIFICATES if os.environ.get(name)), None)
    if name is None:
        return True  # the library's own
    value = os.environ[name]
    try:
        if name == "SSL_CERT_DIR":
            if not os.path.isdir(value):  # noqa: PTH112  # several folders are one value, which no Path is
                raise FileNotFoundError("there is no such folder")
            return ssl.create_default_context(capath=value)
        return ssl.create_default_context(cafile=value)
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or str(error)
    raise ConfigError(
        f"the certificates that {name} names cannot be read: {value} ({reason})",
        hint="Correct the variable, or unset it to use the usual certificates.",
    )
