"""What lies between here and a server: the proxy and the certificates that the environment names."""

from __future__ import annotations

import os
import ssl
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rankkit.backends.http.address import is_loopback
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
