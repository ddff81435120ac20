"""Which variable of the environment a config sends to which server: a file must not take any there unseen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from rankkit.backends.http.address import is_loopback
from rankkit.errors import ConfigError


def sent_variables(key_env: str | None, headers_env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each variable whose value goes to the server, with the key of the config that names it."""
    if key_env is not None:
        yield key_env, "key_env"
    for header, variable in headers_env.items():
        yield variable, f"headers_env.{header}"


def check_keys(variables: Mapping[str, str], endpoint: str, *, over_http: bool) -> None:
    """Refuse keys that are not there, and to send them where everybody on the way can read them.

    Raises:
        ConfigError: names the variable and the server, never the value.
    """
    for variable, key in variables.items():
        if not os.environ.get(variable):
            raise ConfigError(
                f"{key}: the environment variable {variable} is not set",
                hint=f"Run: export {variable}=..., or leave {key} out for a server that needs no key.",
            )
    parts = urlsplit(endpoint)
    foreign = parts.scheme.lower() == "http" and not is_loopback(parts.hostname or "")
    if variables and foreign and not over_http:
        raise ConfigError(
            f"{', '.join(f'${name}' for name in variables)} would go to {endpoint} unencrypted",
            hint="Use https. In a network that you trust, say key_over_http = true.",
        )
