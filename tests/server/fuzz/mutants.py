"""Requests that are wrong in one way or several: the same ones for the same seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.server.fuzz.seeds import SEEDS

JSON = "application/json"


@dataclass
class Mutant:
    """What is sent."""

    path: str
    body: bytes
    method: str = "POST"
    headers: list[tuple[str, str]] = field(default_factory=list)
    kind: str = JSON
    chunked: bool = False
    #: What stands in place of the end of a body in chunks.
    broken: bytes = b""

    @property
    def ends_early(self) -> bool:
        """Whether more may be expected than is sent."""
        return bool(self.broken) or any(name == "Content-Length" for name, _ in self.headers)


class Raw(str):
    """JSON text that is written as it stands."""


def deep(levels: int) -> Raw:
    return Raw('[{"text":' * (levels // 2) + "[]" * (levels % 2) + '"x"' * (1 - levels % 2) + "}]" * (levels // 2))


ODD_TEXTS = (
    *("", " ", "\x00", "\ud83d", "\udc00 word", "\ufeffword", "\u202eword", "a\u0301" * 500, "word " * 3000),
    *(
        "\r\nX-Injected: yes",
        "<script>alert(1)</script>",
        "%s%n{0}{x}",
        "../../etc/passwd",
        "\U0010ffff",
        "\x7f\x1b[31m",
    ),
    *("NaN", "null", "default", "default/not-specified", "MINI", "mini\x00", "nobody" * 50),
)
ODD_NUMBERS = (
    *(0, -1, 1, 2, 10**6, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 0.0, -0.0, 0.5, 1e308, 5e-324),
    *(
        Raw("NaN"),
        Raw("Infinity"),
        Raw("-Infinity"),
        Raw("1e999"),
        Raw("-1e999"),
        Raw("1" * 5000),
        Raw("1.0"),
        Raw("1e2"),
    ),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [None], [[]], [{}], {"": ""}, ["word"] * 999, ["word"] * 1001, [1, "a", None, {}]),
    *({"text": None}, {"text": 1}, [{"text": ["a"]}], {"text": {"text": "x"}}, {"__proto__": {}}, [["a", "b"]]),
    *(deep(5), deep(31), deep(33), deep(500), *ODD_TEXTS, *ODD_NUMBERS),
)
KEYS = (
    *(
        "query",
        "documents",
        "texts",
        "input",
        "model",
        "top_n",
        "top_k",
        "return_documents",
        "return_text",
        "rank_fields",
    ),
    *(
        "return_input",
        "raw_scores",
        "truncate",
        "truncation",
        "truncation_direction",
        "instruction",
        "instruct",
        "items",
    ),
    *("max_tokens_per_doc", "max_doc_length", "max_chunks_per_doc", "truncate_prompt_tokens", "max_tokens_per_query"),
    *(
        "use_activation",
        "text_1",
        "text_2",
        "data_1",
        "data_2",
        "queries",
        "priority",
        "",
        "\ud800",
        "k" * 5000,
        "\r\n",
    ),
)
KINDS = (
    *(
        JSON,
        "application/json; charset=utf-8",
        "application/json; charset=utf-16",
        "APPLICATION/JSON",
        "text/plain",
        "text/html",
    ),
    *(
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "",
        ";;;",
        "application/xml",
    ),
)
HEADERS: tuple[tuple[str, str], ...] = (
    *(("Content-Encoding", word) for word in ("gzip", "br", "identity", "")),
    *(("Accept", word) for word in ("text/html", "application/xml", "")),
    *(("X-Rankkit-Deadline-Ms", word) for word in ("0", "-1", "1e3", "9" * 400, "soon", "\xe9", "60000", "\xb2")),
    *(("X-Request-Id", word) for word in ("", "a b", "\xe9", "x" * 4000, "{}", "ok-1")),
    *(("Authorization", word) for word in ("Bearer", "Basic YTpi", "Bearer " + "x" * 4000, "\xff")),
    *(("Host", word) for word in ("", "evil.example", "[", "[::1", "127.0.0.1:99999999", "a" * 3000, "\xe9")),
    *(("Origin", word) for word in ("null", "https://evil.example", "http://[", "")),
    *(("Accept-Encoding", "gzip"), ("Range", "bytes=0-1"), ("If-None-Match", "*"), ("Transfer-Encoding", "identity")),
    *(("Expect", "100-continue"), ("Upgrade", "websocket"), ("Upgrade", "h2c"), ("Connection", "Upgrade, close")),
    *(
        ("X-Forwarded-For", "1.2.3.4"),
        ("X-Http-Method-Override", "DELETE"),
        ("Cookie", "a=b"),
        ("Sec-Fetch-Site", "cross-site"),
    ),
    *(("X-Pinecone-Api-Version", ""), ("User-Agent", ""), ("User-Agent", "cohere/"), ("User-Agent", "\xe9" * 100)),
    *(("Content-Length", word) for word in ("-1", "abc", "1e3", "9" * 30, "0")),
)
METHODS = ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "post", "X")
PATHS = (
    "/rerank//",
    "//rerank",
    "/Rerank",
    "/rerank/x",
    "/%72erank",
    "/rerank%2f",
    "/rerank?a=%ff",
    "/rerank#x",
    "/%00",
    "/%ff",
    "*",
)
PAGES = (
    "/",
    "/health",
    "/ready",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/info",
    "/v1/models",
    "/models",
    "/ping",
    "/nowhere",
)

Values = dict[str, Any]


def odd(chance: random.Random) -> Any:
    return copy.deepcopy(chance.choice(ODD_VALUES))


def replaced(chance: random.Random, body: Values) -> None:
    body[chance.choice(list(body) or ["query"])] = odd(chance)


def removed(chance: random.Random, body: Values) -> None:
    if body:
        del body[chance.choice(list(body))]


def added(chance: random.Random, body: Values) -> None:
    body[chance.choice(KEYS)] = odd(chance)


def inside(chance: random.Random, body: Values) -> None:
    """Something odd among the documents, or wherever else there is a list."""
    lists = [value for value in body.values() if isinstance(value, list) and len(value) < 100]
    if lists:
        one = chance.choice(lists)
        one.insert(chance.randint(0, len(one)), odd(chance))


def swapped(chance: random.Random, body: Values) -> None:
    """A value under another's name."""
    if len(body) > 1:
        first, second = chance.sample(list(body), 2)
        body[first], body[second] = body[second], body[first]


CHANGES: tuple[Callable[[random.Random, Values], None], ...] = (
    replaced,
    replaced,
    inside,
    inside,
    added,
    removed,
    swapped,
)


def mutants(seed: int, count: int) -> Iterator[Mutant]:
    for number in range(count):
        chance = random.Random(seed * 1_000_003 + number)
        origin = SEEDS[number % len(SEEDS)]
        body = json.loads(json.dumps(origin.body))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            chance.choice(CHANGES)(chance, body)
        mutant = Mutant(origin.path, encoded(chance, body), headers=list(origin.headers.items()))
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
            chance.choice(SPOILS)(chance, mutant)
        yield mutant


def encoded(chance: random.Random, body: Values) -> bytes:
    raw: list[str] = []

    def plain(value: Any) -> Any:
        if isinstance(value, Raw):
            raw.append(value)
            return f"\x01{len(raw) - 1}\x01"
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, list) else value

    text = json.dumps(plain(body), ensure_ascii=chance.random() < 0.7)
    for number, word in enumerate(raw):
        text = text.replace(f'"\\u0001{number}\\u0001"', word)
    if chance.random() < 0.05:  # a name twice
        text = text[:1] + f'"{chance.choice(KEYS[:10])}": {json.dumps(chance.choice(ODD_TEXTS))}, ' + text[1:]
    return text.encode("utf-8", "surrogatepass")


# -- what else goes wrong on the way


def cut(chance: random.Random, mutant: Mutant) -> None:
    mutant.body = mutant.body[: chance.randint(0, len(mutant.body))]


def flipped(chance: random.Random, mutant: Mutant) -> None:
    body = bytearray(mutant.body)
    for _ in range(chance.randint(1, 8)):
        if body:
            body[chance.randrange(len(body))] = chance.randrange(256)
    mutant.body = bytes(body)


def recoded(chance: random.Random, mutant: Mutant) -> None:
    text = mutant.body.decode("utf-8", "replace")
    mutant.body = text.encode(chance.choice(("utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-7", "cp1252")), "replace")


def other_body(chance: random.Random, mutant: Mutant) -> None:
    mutant.body = chance.choice(
        (
            b"",
            b"null",
            b"[]",
            b'"x"',
            b"1",
            b"{}",
            b"{",
            b"\x00",
            b"\xff\xfe",
            b"[" * 50_000,
            b'{"a":' * 5000,
            b"query=a&documents=b",
        )
    )


def other_kind(chance: random.Random, mutant: Mutant) -> None:
    mutant.kind = chance.choice(KINDS)


def other_header(chance: random.Random, mutant: Mutant) -> None:
    mutant.headers.append(chance.choice(HEADERS))


def other_method(chance: random.Random, mutant: Mutant) -> None:
    mutant.method = chance.choice(METHODS)


def other_path(chance: random.Random, mutant: Mutant) -> None:
    mutant.path = chance.choice((*PATHS, *PAGES, *(seed.path for seed in SEEDS), mutant.path + "/"))


def in_chunks(chance: random.Random, mutant: Mutant) -> None:
    mutant.chunked = True
    mutant.broken = chance.choice(
        (b"", b"", b"", b"zz\r\n", b"5\r\nabc", b"-1\r\n", b"f" * 40, b"0\r\nX: \x00\r\n\r\n")
    )


SPOILS: tuple[Callable[[random.Random, Mutant], None], ...] = (
    *(cut, flipped, recoded, other_body, other_kind, other_header, other_header, other_method, other_path, in_chunks),
)
