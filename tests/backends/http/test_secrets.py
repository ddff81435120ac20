"""A key is masked in every spelling in which a server may repeat it."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote

import pytest

from rankkit.backends.http.secrets import Secret, masked

KEY = "sk-Ab12/34+very&secret"

SPELLINGS = [
    KEY,
    KEY.upper(),
    json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "".join(f"\\u{ord(character):04x}" for character in KEY),
    "".join(f"\\\\u{ord(character):04X}" for character in KEY),
    "".join(f"\\x{ord(character):02x}" for character in KEY),
    quote(KEY, safe=""),
    quote(KEY, safe="").lower(),
    quote(quote(KEY, safe=""), safe=""),
    "".join(f"%{ord(character):02X}" for character in KEY),
    html.escape(KEY),
    "".join(f"&#{ord(character)};" for character in KEY),
    "".join(f"&#x{ord(character):X};" for character in KEY),
    KEY[:9] + "\n" + KEY[9:],
    KEY[:9] + "\\n  " + KEY[9:],
    KEY.encode().hex(),
    KEY.encode().hex(" ").upper(),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(spelling: str):
    assert Secret(KEY).mask(f"see: {spelling}.") == "see: ***."


@pytest.mark.parametrize("before", ["", "Bearer ", "user:", "a"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_a_header(before: str, encode):
    said = encode(f"{before}{KEY}".encode()).decode()
    masked = Secret(KEY).mask(said)
    assert "***" in masked and len(masked.replace("***", "")) <= len(before) * 4 / 3 + 6


def test_other_text_stays():
    text = "sk-Ab12 is not it; base64: aGVsbG8gd29ybGQ=, &amp; 100%"
    assert Secret(KEY).mask(text) == text
    assert Secret("none").mask("none of it") == "none of it"


@pytest.mark.parametrize("evil", ["\\" * 200_000, "s" * 200_000, "s\n" * 100_000, "%25" * 70_000, "&amp;" * 50_000])
def test_masking_is_linear(evil: str):
    started = time.process_time()
    Secret(KEY).mask(evil)
    Secret(KEY).mask(evil * 2)
    assert time.process_time() - started < 20  # a quadratic one takes hours


def test_several_keys_that_share_a_part():
    first, second = Secret("azure-1234567"), Secret("gateway-1234567")
    assert masked("azure-1234567 and gateway-1234567", (first, second)) == "*** and ***"
    assert masked("nothing of them", (first, second)) == "nothing of them"
