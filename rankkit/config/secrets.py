"""Keys and passwords are never written into a spec: files are committed, shown and shared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rankkit.errors import ConfigError

_NAMES = {"key", "token", "bearer", "authorization", "cookie"}
_ENDINGS = (
    "apikey",
    "subscriptionkey",
    "passphrase",
    "secret",
    "secretkey",
    "password",
    "passwd",
    "accesstoken",
    "authtoken",
    "bearertoken",
    "apitoken",
)
#: Tables for what is sent along with a request: there, names with these endings are of secrets too.
_SENT = re.compile(r"(?:headers?|credentials?|auth|cookies?)$", re.IGNORECASE)
_ENDINGS_SENT = ("key", "pass", "pwd", "token", "auth", "authorization", "cookie", "session")
#: OpenAI and those like it, Hugging Face, GitHub, AWS, Google, Slack, a bearer header, a password in an address.
_VALUES = re.compile(
    r"\bsk-[\w-]{8,}|\bhf_\w{16,}|\bgh[a-z]_\w{16,}|\bgithub_pat_\w{16,}|\bAKIA[A-Z0-9]{12,}|\bAIza[\w-]{20,}"
    r"|\bxox[a-z]-[\w-]{8,}|\bBearer \S{8,}|://[^/\s:@]*:[^/\s@]+@|://\S*[?&](?:api_?)?(?:key|token)=",
)
#: What a base URL has no need of.
_PRIVATE = re.compile(r"[?#]|://[^/]*@")


def refuse_secrets(data: Mapping[str, object], where: str) -> None:
    """Refuse a key that is named like a secret, or a value that looks like one. The value is not repeated.

    Raises:
        ConfigError: names the key.
    """
    for key, why in _found(data, ""):
        raise ConfigError(
            f"{where}: {key}: {why}; a secret is never written into a spec (its value is not repeated)",
            hint='Put it into an environment variable, and name that: key_env = "MY_SERVER_KEY". Known keys: key_env.',
        )


def _found(value: object, path: str) -> Iterator[tuple[str, str]]:
    """The path of each secret, and what gave it away."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            here = f"{path}.{key}" if path else str(key)
            if _named_like_one(str(key), path) and not isinstance(inner, Mapping):
                yield here, "it is named like a secret"
            elif key in ("endpoint", "base_url") and _PRIVATE.search(str(inner)):
                yield here, "an address with a query string, or with a user's name, may hold a key"
            else:
                yield from _found(inner, here)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value, start=1):
            yield from _found(inner, f"{path}.{number}")
    elif isinstance(value, str) and _VALUES.search(value):
        yield path, "the value looks like a key or password"


def _named_like_one(key: str, path: str) -> bool:
    plain = re.sub(r"[^a-z]", "", key.lower())
    sent = any(_SENT.search(part) for part in path.split("."))
    return plain in _NAMES or plain.endswith(_ENDINGS) or (sent and plain.endswith(_ENDINGS_SENT))
