"""Where a text repeats a key, in whole or in part, in whatever spelling.

A text is read in layers: white space, characters without ink and accents are left out, full-width and other forms of
a letter become that letter, then one layer of escapes (JSON, URLs, HTML) is undone, and so on. In each layer the
pieces of the key are looked for, as they are, as hexadecimal digits and as base64; what is found is traced back to the
characters that it was written with. The work is linear in the text.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

#: So many consecutive characters of a key give too much of it away.
PIECE = 10
#: Its end is what servers like to show: so many of its last characters are too much.
TAIL = 8
#: In base64, ``PIECE`` characters show in so many at least; fewer than the second are too likely to be something else.
_PIECE_IN_BASE64, _SHORTEST_IN_BASE64 = 12, 8
#: How often escapes are undone: an error may come through several servers, each of which escapes it.
_MOST_LAYERS = 5

_GAPS = re.compile(r"[\x00-\x20\x7f]+|<w?br ?/?>", re.IGNORECASE)
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"
_PERCENT = "%(?:25){0,3}"
_ESCAPE = re.compile(
    rf"\\{{1,8}}u\{{0{{0,4}}(?P<braced>[0-9a-f]{{1,6}})\}}|(?:\\{{1,8}}|{_PERCENT})u(?P<four>[0-9a-f]{{4}})"
    rf"|\\{{1,8}}x(?P<two>[0-9a-f]{{2}})|(?P<utf8>{_PERCENT}[c-f][0-9a-f](?:{_PERCENT}[89ab][0-9a-f]){{1,3}})"
    rf"|{_PERCENT}(?P<ascii>[0-7][0-9a-f])"
    r"|&(?:amp;){0,3}(?P<entity>(?:#0{0,6}[0-9]{1,7}|#x0{0,6}[0-9a-f]{1,6}|[a-z][a-z0-9]{1,23});?)"
    r"|\\{1,8}[nrtbf]?",
    re.IGNORECASE,
)
_BETWEEN_DIGITS = re.compile("0x|[:,;_-]", re.IGNORECASE)
_URL_SAFE = str.maketrans("+/", "-_")


@dataclass(frozen=True, slots=True, repr=False)
class _Pieces:
    """All pieces of one ``length`` of some texts, and ``blocks`` of which each of them holds one: these are found fast,
    and few texts hold any.
    """

    length: int
    pieces: frozenset[str]
    blocks: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str], length: int) -> _Pieces:
        size = max(length // 2, 1)
        texts = [text for text in texts if len(text) >= length]
        pieces = {text[start : start + length] for text in texts for start in range(len(text) - length + 1)}
        step = length - size + 1
        blocks = {text[start : start + size] for text in texts for start in range(0, len(text) - size + 1, step)}
        return cls(length, frozenset(pieces), frozenset(blocks))

    def found(self, text: str) -> Iterator[tuple[int, int]]:
        if len(text) < self.length:
            return
        for block in self.blocks:
            at = text.find(block)
            while at >= 0:
                for start in range(max(0, at - self.length + len(block)), at + 1):
                    if text[start : start + self.length] in self.pieces:
                        yield start, start + self.length
                at = text.find(block, at + 1)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A text, and where it was found that each of its characters begins and ends in the original; without these two it
    is made faster.
    """

    text: str
    starts: array[int] | None = None
    ends: array[int] | None = None

    @classmethod
    def traced(cls, text: str) -> _Layer:
        return cls(text, array("L", range(len(text))), array("L", range(1, len(text) + 1)))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the text stands in the original, if that was traced."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def sub(self, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str] | None = None) -> _Layer:
        """With each match replaced, or left out."""
        if self.starts is None or self.ends is None:
            return _Layer(pattern.sub(replace or "", self.text))
        parts, starts, ends, at = [], array("L"), array("L"), 0
        for match in pattern.finditer(self.text):
            begin, end = match.span()
            new = replace(match) if replace else ""
            parts += [self.text[at:begin], new]
            starts += self.starts[at:begin] + array("L", [self.starts[begin]] * len(new))
            ends += self.ends[at:begin] + array("L", [self.ends[end - 1]] * len(new))
            at = end
        parts.append(self.text[at:])
        return _Layer("".join(parts), starts + self.starts[at:], ends + self.ends[at:])


def _layers(layer: _Layer) -> Iterator[_Layer]:
    for _ in range(_MOST_LAYERS):
        layer = layer.sub(_GAPS).sub(_FOREIGN, lambda match: _folded(match[0]))
        yield layer
        decoded = layer.sub(_ESCAPE, _decoded)
        if decoded.text == layer.text:
            return
        layer = decoded


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """The letters of a character, without what has no ink; each kind of dash as a hyphen."""
    kept = []
    for part in unicodedata.normalize("NFKD", character):
        category = unicodedata.category(part)
        if category == "Pd" or part == "\u2212":
            kept.append("-")
        elif category[0] not in "MCZ" and part not in _FILLERS:
            kept.append(part)
    return "".join(kept[:4])


def _decoded(match: re.Match[str]) -> str:
    kind, value = match.lastgroup, match[match.lastgroup or 0]
    if kind is None:
        return ""  # an escaped line break, or the backslash before an escaped sign
    if kind == "entity":
        return html.unescape(f"&{value}")
    if kind == "utf8":
        pairs = re.sub(_PERCENT, "", value, flags=re.IGNORECASE)
        return bytes.fromhex(pairs).decode("utf-8", "ignore")
    code = int(value, 16)
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else ""


class KeyFinder:
    """Finds what a text gives away of one key: ``PIECE`` characters in a row, or its last ``TAIL``. Of a key that is
    shorter only the whole is found.
    """

    def __init__(self, key: str) -> None:
        # The key may itself look like an escape, and would be read as one.
        forms = sorted({key, *(layer.text for layer in _layers(_Layer(key)))})
        short = min(PIECE, len(key))
        tables = [_Pieces.of((form.lower() for form in forms), short)]
        tables += [_Pieces.of([form.lower()[-TAIL:]], TAIL) for form in forms if len(form) >= PIECE]
        for text in _in_base64(key):
            length = min(_PIECE_IN_BASE64, len(text))
            tables += [_Pieces.of([text.lower()], length)] if length >= _SHORTEST_IN_BASE64 else []
        self._tables = tables
        self._digits = _Pieces.of([key.encode().hex()], 2 * short)
        self._shortest = min(table.length for table in tables)
        self._elided = _elided(key) if len(key) >= PIECE else None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """What to mask: places that do not overlap, in order."""
        if len(text) < self._shortest:
            return []
        found = [match.span() for match in self._elided.finditer(text)] if self._elided else []
        if any(True for layer in _layers(_Layer(text)) for _ in self._found(layer)):
            found += [place for layer in _layers(_Layer.traced(text)) for place in self._found(layer)]
        return merged(found)

    def _found(self, layer: _Layer) -> Iterator[tuple[int, int]]:
        text = layer.text.lower()  # as long as before: the one letter that grows has lost its dot
        for table in self._tables:
            yield from (layer.place(start, end) for start, end in table.found(text))
        digits = layer.sub(_BETWEEN_DIGITS)
        yield from (digits.place(start, end) for start, end in self._digits.found(digits.text.lower()))


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Places that do not overlap, in order."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if apart and start <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((start, end))
    return apart


def _elided(key: str) -> re.Pattern[str]:
    """The key with its middle left out: "sk-ab...yz", "sk-a****yz"."""
    gap = r"(?:\.{2,40}|\u2026{1,9}|\*{2,200}|\u2022{2,200})"
    part = r"(?:(?!\.\.|\u2026|\*\*|\u2022)[!-~]){0,80}"
    end = rf"[!-~]{{0,12}}?{re.escape(key[-3:])}(?![A-Za-z0-9])"
    return re.compile(rf"(?<![\w-]){re.escape(key[:3])}{part}{gap}{end}", re.IGNORECASE)


def _in_base64(key: str) -> Iterator[str]:
    """The characters that a key has in base64 wherever it stands in what was encoded ("Bearer ...", "user:...")."""
    raw = key.encode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        piece = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield piece
        if piece.translate(_URL_SAFE) != piece:
            yield piece.translate(_URL_SAFE)
