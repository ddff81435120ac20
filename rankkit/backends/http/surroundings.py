"""What lies between here and a server: the proxy and the certificates that the environment names."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from rankkit.backends.http.proxies import Proxy, proxy_for
from rankkit.errors import ConfigError

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Surroundings:
    """``proxy`` is ``None`` for a direct connection; ``certificates`` are those to check a server by."""

    proxy: Proxy | None
    certificates: ssl.SSLContext | bool

    @classmethod
    def of(cls, base_url: str) -> Surroundings:
        """As the environment says: ``HTTPS_PROXY`` and its kin, ``NO_PROXY``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR``.

        A server on this machine is asked directly, and needs no certificates unless its address says https.

        Raises:
            ConfigError: names the variable that is of no use.
        """
        proxy = proxy_for(base_url)
        unsafe = urlsplit(base_url).scheme == "http" and proxy is None
        return cls(proxy, certificates=False if unsafe else _certificates())


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
