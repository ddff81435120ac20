"""What goes with each request to a server: the key, further headers and parameters; and what may not be among them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from rankkit.backends.http.secrets import Secret
from rankkit.errors import ConfigError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Set by the client itself; another value would break the request.
_OURS = frozenset(
    "host connection content-length content-type content-encoding transfer-encoding accept-encoding te upgrade".split()
)
_KEYS = re.compile(r"auth|cookie|secret|token|password|passwd|credential|signature|(^|[-_])(api[-_]?)?key$", re.I)


def find_key(api_key: str | None, key_env: str | None, own: Sequence[str] = ()) -> Secret | None:
    """The key to send: the one given, or the named environment variable's, or that of the first variable of the
    service's ``own`` that is set.

    Own variables are for the service itself: where a ``base_url`` is given they are none, since a key in the
    environment never goes to a server that it was not meant for.

    Raises:
        ConfigError: both ways are used, or the variable is not set.
    """
    if api_key is not None:
        if key_env is not None:
            raise ConfigError("both api_key and key_env are given", hint="Give one of them.")
        return Secret(api_key)
    name = key_env or own_variable(own)
    if name is None:
        return None
    return _from_environment(name, "and no api_key is given", "Set it, give api_key, or the base_url of a server")


def own_variable(own: Sequence[str]) -> str | None:
    """The first of a service's own variables that is set, or the first of all; ``None`` where it has none."""
    return next((name for name in own if os.environ.get(name)), next(iter(own), None))


def _from_environment(name: str, seen: str, hint: str) -> Secret:
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"the environment variable {name} is not set, {seen}", hint=f"{hint} that needs none.")
    return Secret(value)


def all_headers(
    key: Secret | None,
    key_header: str | None,
    headers: Mapping[str, str],
    headers_env: Mapping[str, str],
    *,
    without_key: str = "",
) -> tuple[dict[str, str], tuple[Secret, ...]]:
    """What is sent with each request, and the secrets in it. ``without_key`` stands where a key would, if any has to.

    Raises:
        ConfigError: a name or a value that no header can have, or a key that stands in ``headers``.
    """
    for name, value in headers.items():
        _check_header(name)
        if _KEYS.search(name):
            raise ConfigError(
                f"the header {name} may hold a key, which would be shown with the configuration",
                hint=f"Name the environment variable that holds it: headers_env = {{{name!r}: 'VARIABLE'}}.",
            )
        if not value.isascii() or not value.isprintable():
            raise ConfigError(f"the header {name} holds a character that no HTTP header may hold")
    for name in (*headers_env, *([key_header] if key_header else [])):
        _check_header(name)
    secrets = {
        name: _from_environment(variable, f"which is to hold the header {name}", "Set it, or ask a server")
        for name, variable in headers_env.items()
    }
    if key_header is None:
        bearer = without_key if key is None else key.reveal()
        sent = {"authorization": f"Bearer {bearer}"} if bearer else {}
    else:
        sent = {} if key is None else {key_header.lower(): key.reveal()}
    for name, value in headers.items():
        sent[name.lower()] = value
    for name, secret in secrets.items():
        sent[name.lower()] = secret.reveal()
    return sent, (*([key] if key else []), *secrets.values())


def _check_header(name: str) -> None:
    if not _NAME.fullmatch(name) or name.lower() in _OURS:
        raise ConfigError(f"{name!r} is no header that can be set", hint="Leave it out, or correct its name.")


def check_query(query: Mapping[str, str]) -> Mapping[str, str]:
    """Raises:
    ConfigError: a parameter that looks like a key: addresses are written into logs on their way.
    """
    for name in query:
        if _KEYS.search(name):
            raise ConfigError(
                f"the query parameter {name} looks like a key, and addresses are logged on their way",
                hint="Send a key as a header: key_env, with key_header where it is not Authorization.",
            )
    return dict(query)
