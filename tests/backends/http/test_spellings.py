"""Parts of a key are found in every spelling, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.backends.http.secrets import Secret
from rankkit.backends.http.spellings import PIECE, TAIL

KEYS = (
    "sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56Qr78",
    "sk-abcdefghijklmnopqrstuvwxyz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
)
#: It looks like escapes itself.
ESCAPED = "a%41b&amp;c\\u0041d/e+f=gh&lt;ij"
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def full_width(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper": str.upper,
    "full width": full_width,
    "zero width": lambda text: "\u200b".join(text),
    "many zero widths": lambda text: ZERO_WIDTH.join(text),
    "line breaks": lambda text: "\n".join(text),
    "accents": lambda text: "\u0332".join(text),
    "JSON": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON twice": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "JSON escapes": lambda text: "".join(f"\\u{ord(character):04X}" for character in text),
    "JSON escapes twice": lambda text: "".join(f"\\\\u{ord(character):04x}" for character in text),
    "full width in JSON": lambda text: json.dumps(full_width(text))[1:-1],
    "zero width in JSON": lambda text: json.dumps("\u200b".join(text))[1:-1],
    "JavaScript": lambda text: "".join(f"\\u{{{ord(character):x}}}" for character in text),
    "Python": lambda text: "".join(f"\\x{ord(character):02x}" for character in text),
    "URL": lambda text: quote(text, safe=""),
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "URL, all of it": lambda text: "".join(f"%{ord(character):02x}" for character in text),
    "full width in a URL": lambda text: quote(full_width(text)),
    "zero width in a URL": lambda text: quote("\u200b".join(text)),
    "HTML": html.escape,
    "HTML in JSON": lambda text: json.dumps(html.escape(text))[1:-1],
    "HTML, decimal": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(character):x};" for character in text),
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "soft breaks of HTML": lambda text: "<wbr>".join(text),
    "hexadecimal": lambda text: text.encode().hex(),
    "bytes": lambda text: text.encode().hex(":"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(data=st.data(), key=st.sampled_from(KEYS))
def test_a_piece_in_any_spelling(spelling: str, data: st.DataObject, key: str):
    start = data.draw(st.integers(0, len(key) - PIECE))
    end = data.draw(st.integers(start + PIECE, len(key)))
    before, behind = data.draw(st.sampled_from([("", ""), ("« ", " »"), ("(", ")"), ('"', '"')]))
    masked = Secret(key).mask(f"{before}{SPELLINGS[spelling](key[start:end])}{behind}")
    assert masked == f"{before}***{behind}"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_key_that_looks_like_escapes(spelling: str):
    assert Secret(ESCAPED).mask(f"({SPELLINGS[spelling](ESCAPED)})") == "(***)"
    assert Secret(ESCAPED).mask(f"({ESCAPED[3:13]})") == "(***)"


@given(data=st.data(), key=st.sampled_from(KEYS), text=st.text(max_size=40))
def test_no_ten_characters_of_a_key_stay(data: st.DataObject, key: str, text: str):
    for _ in range(3):
        start, end = sorted((data.draw(st.integers(0, len(key))), data.draw(st.integers(0, len(key)))))
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from([str, str.upper, full_width]))(key[start:end]) + text[at:]
    masked = Secret(key).mask(text).lower()
    assert not any(key[start : start + PIECE].lower() in masked for start in range(len(key) - PIECE + 1))
    assert key[-TAIL:].lower() not in masked


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "Bearer ", "user:"])
def test_pieces_in_base64(key: str, encode: Callable[[bytes], bytes], before: str):
    for start in range(0, len(key) - PIECE, 3):
        said = encode(f"{before}{key[start : start + PIECE + 4]}".encode()).decode()
        assert "***" in Secret(key).mask(f"got {said}, sorry")


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("Incorrect API key provided: sk-proj-Ab12Cd3...Qr78. See", "Incorrect API key provided: ***. See"),
        ("Incorrect API key provided: sk-proj-********************Qr78.", "Incorrect API key provided: ***."),
        ("Incorrect API key provided: sk-p…Qr78", "Incorrect API key provided: ***"),
        ("Incorrect API key provided: sk-proj-Ab12", "Incorrect API key provided: ***"),
        ("the key that ends in Op56Qr78", "the key that ends in ***"),
        ("the key that ends in p56Qr78", "the key that ends in p56Qr78"),
        ("keys look like sk-proj-...", "keys look like sk-proj-..."),
        ("sk-1234...5678 is somebody else's", "sk-1234...5678 is somebody else's"),
    ],
)
def test_keys_as_servers_shorten_them(said: str, masked: str):
    assert Secret(KEYS[0]).mask(said) == masked


def test_short_keys_are_found_whole():
    secret = Secret("abc-1234")
    assert secret.mask("abc-1234 and ａｂｃ-１２３４ and abc-123 and 1234") == "*** and *** and abc-123 and 1234"


ORDINARY = (
    "Fleas are small, flightless insects (1-3 mm). See https://example.org/a%20b?x=1&y=2 & more: 100%; [2] > [1] > [3]",
    '{"error": {"message": "model \\"gpt\\" not found", "code": 404}} \\n\\t C:\\new\\table',
    "Größe, 大きさ, размер — “quoted” … <br> <b>bold</b> &amp; &nbsp; ½ ﬁ",
)


@pytest.mark.parametrize("key", [*KEYS, ESCAPED])
@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(key: str, text: str):
    assert Secret(key).mask(text) == text


@given(st.text(max_size=200))
def test_any_text_stays(text: str):
    assert Secret(KEYS[0]).mask(text) == text


EVIL = ("%25", "\\u00", "&amp;", "sk-", "sk-..", "sk-proj-Ab", "\ufdfa", "&#", "0x", "<br", "\u200b", "*", "6b2d")


@pytest.mark.parametrize("evil", EVIL)
def test_the_work_is_linear(evil: str):
    started = time.process_time()
    Secret(KEYS[0]).mask(evil * (400_000 // len(evil)))
    assert time.process_time() - started < 20  # a quadratic one takes hours
