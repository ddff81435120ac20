"""What went wrong, as one of rankkit's errors: by status, by the server's codes and words, by the kind of broken
connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from rankkit.backends.http.proxies import Proxy
from rankkit.backends.http.words import Said, clean, quoted
from rankkit.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ContentRefused,
    EndpointError,
    EndpointTimeout,
    InvalidReply,
    ModelNotServed,
    RateLimited,
    RequestRefused,
    ServerFailed,
)

_HINTS: Mapping[type[EndpointError], str] = {
    AuthenticationFailed: "Give the key as api_key, or name its environment variable in key_env.",
    ModelNotServed: "Check the model's name, and that base_url ends where the API begins (often in /v1).",
    RateLimited: "Lower concurrency, or raise retries.",
    ServerFailed: "The server's log says why; raise retries if it recovers by itself.",
    RequestRefused: "The server's words above name the cause; a prompt that is too long is the usual one.",
    ContentRefused: "The server will not read this text; another model or server may.",
    EndpointTimeout: "Raise timeout, or lower concurrency if the server is slow because it is busy.",
    ConnectionFailed: "Check base_url, and that the server is running.",
    InvalidReply: "Check that base_url is the address of the API (often ending in /v1), not of a web page.",
}

#: Codes by which content filters refuse: Azure, OpenAI, Google, Alibaba, Amazon.
_FILTERED = frozenset(
    """content_filter content_policy_violation content_policy responsibleaipolicyviolation moderation_blocked
    data_inspection_failed datainspectionfailed safety prohibited_content blocklist guardrail_intervened
    content_filtered content_blocked sensitive_content 1301""".split()
)
_FILTER_WORDS = re.compile(
    r"content[ _-]?(?:management |safety |moderation )?(?:policy|filter)|responsible ai|safety (?:system|filter|"
    r"setting|polic|reason)|flagged (?:for|as|by)|inappropriate content|prohibited content|(?:requires|by|our) "
    r"moderation|sensitive words|usage polic|content exists risk|敏感|不安全",
    re.IGNORECASE,
)
_NO_SUCH_MODEL = frozenset({"model_not_found", "model_not_exist", "modelnotfound", "model_not_available"})


def refuses_content(status: int, said: Said) -> bool:
    if status not in (400, 403, 422, 451):
        return False
    return bool(_FILTERED & set(said.codes)) or bool(_FILTER_WORDS.search(said.words))


def kind_of(status: int, said: Said) -> type[EndpointError]:
    if refuses_content(status, said):
        return ContentRefused
    if status in (401, 403, 407):
        return AuthenticationFailed
    if status == 404 or _NO_SUCH_MODEL & set(said.codes):
        return ModelNotServed
    if status in (408, 504, 524):
        return EndpointTimeout
    if status == 429:
        return RateLimited
    return ServerFailed if status >= 500 else RequestRefused


def of_status(
    where: str, status: int, said: Said, headers: Mapping[str, str], proxy: Proxy | None = None
) -> EndpointError:
    """``said`` and ``headers`` are masked already."""
    kind, hint, who = kind_of(status, said), "", "the server"
    by_proxy = proxy is not None and proxy.answered_itself(status, headers)
    if proxy is not None and by_proxy is not False:
        who = str(proxy) if by_proxy else f"the server, or {proxy},"
        hint = proxy.hint_of_login if status == 407 else f"{_HINTS[kind]} {proxy.hint}"
    wait = clean(headers.get("retry-after", ""))[:80]
    if kind is RateLimited and wait:
        hint = f"The server asks to wait {wait} seconds or until then. {_HINTS[RateLimited]}"
    words = quoted(said.words) or "without a word"
    return failure(kind, f"{where}: {who} answered {status} ({words})", hint, said)


def of_redirect(where: str, status: int, location: str) -> EndpointError:
    """No redirect is followed: it would carry texts and perhaps a key to somebody who was not named."""
    try:
        parts = urlsplit(location)
        target = clean(f"{parts.scheme}://{parts.hostname}" if parts.hostname else "")[:200] + clean(parts.path)[:200]
    except ValueError:
        target = ""
    return failure(
        RequestRefused,
        f"{where}: the server answered {status} and sends on to {target or 'nowhere'}; nothing was sent there",
        "Give that address as base_url if it is the one that you mean.",
    )


def of_timeout(where: str, seconds: float, proxy: Proxy | None = None, *, reached: bool = True) -> EndpointError:
    """``reached``: whether the connection to the proxy stood."""
    way = "" if proxy is None else f" through {proxy}" if reached else f" from {proxy}"
    hint = "" if proxy is None else f"{_HINTS[EndpointTimeout]} {proxy.hint}"
    return failure(EndpointTimeout, f"{where}: no answer in time{way} ({seconds:.3g} s)", hint)


def of_connection(where: str, words: str, proxy: Proxy | None = None, *, reached: bool = True) -> EndpointError:
    way = "" if proxy is None else f" through {proxy}" if reached else f" to {proxy}"
    hint = "" if proxy is None else proxy.hint
    return failure(ConnectionFailed, f"{where}: no connection{way} ({quoted(clean(words))})", hint)


def of_tunnel(where: str, words: str, proxy: Proxy) -> EndpointError:
    """The proxy does not open a way to the server; ``words`` begin with the status that it says so with."""
    unknown = words.startswith("407")
    return failure(
        AuthenticationFailed if unknown else ConnectionFailed,
        f"{where}: {proxy} does not let through ({quoted(clean(words))})",
        proxy.hint_of_login if unknown else proxy.hint,
    )


def of_reply(where: str, seen: str, hint: str = "") -> EndpointError:
    return failure(InvalidReply, f"{where}: {seen}", hint)


def failure(kind: type[EndpointError], message: str, hint: str = "", said: Said | None = None) -> EndpointError:
    error = kind(message, hint=hint or _HINTS[kind])
    if said is not None:
        error.said, error.codes = said.words, said.codes
    return error


def root_cause(error: BaseException) -> str:
    """What really happened to a connection: the libraries' own words are "All connection attempts failed"."""
    deepest = error
    for _ in range(10):
        if isinstance(deepest, BaseExceptionGroup):
            inner: BaseException | None = deepest.exceptions[0]
        else:
            inner = deepest.__cause__ or deepest.__context__
        if inner is None or isinstance(inner, TimeoutError) or not str(inner):
            break
        deepest = inner
    if isinstance(deepest, OSError) and deepest.errno and deepest.errno > 0:
        return os.strerror(deepest.errno)
    return str(deepest) or str(error) or type(error).__name__
