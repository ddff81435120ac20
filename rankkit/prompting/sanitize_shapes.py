"""Texts as a reader sees them: look-alikes of ASCII characters as these, and nothing for what has no ink.

What a character looks like comes from the Unicode Character Database, by its compatibility decomposition (full-width,
mathematical, circled, accented), its number (Ⅲ, ❸) or its name (brackets, small capitals), and for the letters of
other scripts from a small table: those that Unicode Technical Standard 39 calls confusable with a letter of the words
of prompts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import Final

#: Characters without ink beside the categories of such (Cf, Mn, Me, Cc): fillers, and some that are not yet assigned.
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2065" + "".join(map(chr, range(0xFFF0, 0xFFF9))))
_NO_INK: Final = ("Cf", "Mn", "Me", "Cc")

#: An ASCII character, and behind it what looks like it: Cyrillic, Greek, Armenian, Cherokee, Lisu letters, and signs.
_ROWS: Final = """
    aаαɑ bьвβ cсϲς dԁ eеεєҽ fғք gɡցԍ hһհнћ iіιıɩ jјϳ kкκ lӏ mмⲙ nпηոռ oоοօσ pрρ qԛզ rгᴦⲅ sѕ tтτ uиυսµ vѵν wԝωш xхχ yуүγ
    AАΑᎪꓮ BВΒᏴꓐ CСϹᏟꓚ DᎠꓓ EЕΕᎬꓰ FϜꓝ GԌᏀꓖ HНΗᎻꓧ IІΙӀꓲ JЈᎫꓙ KКΚᏦꓗ LᏞꓡ MМΜᎷꓟ NΝꓠИ OОΟՕꓳ PРΡᏢꓑ QԚ RᎡꓣ SЅՏᏚꓢ
    TТΤᎢꓔ UՍꓴ VѴᏙꓦ WԜᎳꓪ XХΧꓫ YҮΥУꓬ ZΖᏃꓜ 3ЗзӠʒƷȝ
    <˂ᐸ≺ >˃ᐳ≻ /⁄∕⧸ |∣ǀ│┃❘❙❚⏐¦丨ꟾ :∶ːˑ꞉։׃܃܄᛬⁚ _▁ˍ‗⎯ !ǃ ~∼˜∽ #♯ *∗⁎✱✲٭ -‐‑‒–—−
"""
_ALIKE: Final = {
    **{shape: row[0] for row in _ROWS.split() for shape in row[1:]},
    "‖": "||",
    "∥": "||",
    "║": "||",
    "≪": "<<",
    "≫": ">>",
}
_LETTER: Final = re.compile(
    r"(?:.*\b)?(?:LATIN|REGIONAL INDICATOR SYMBOL)\b.*\bLETTER (?:SMALL CAPITAL )?([A-Z])(?: WITH .*)?"
)
_SQUARE: Final = re.compile(
    r"SQUARE BRACKET|LENTICULAR|TORTOISE|HALF BRACKET|CEILING|FLOOR|(?:TOP|BOTTOM) (?:LEFT|RIGHT) CORNER\Z"
)
_ANGLE: Final = re.compile(r"\bANGLE (?:BRACKET|QUOTATION)")


def seen(text: str) -> str:
    """The text with each character as it looks."""
    return text if text.isascii() and text.isprintable() else text.translate(_shapes(text))


def places(text: str) -> Sequence[int]:
    """Where each character of ``seen(text)`` stands in the text."""
    shapes = _shapes(text)
    if all(len(shape) == 1 for shape in shapes.values()):
        return range(len(text))
    return tuple(chain.from_iterable(repeat(at, len(shapes[ord(character)])) for at, character in enumerate(text)))


def _shapes(text: str) -> dict[int, str]:
    return {ord(character): _shape(character) for character in set(text)}


@lru_cache(maxsize=65536)
def _shape(character: str) -> str:
    """ASCII where the character looks like it, nothing where it has no ink, else the character itself."""
    if " " <= character <= "~" or character in "\t\n\r\v\f":
        return character
    category = unicodedata.category(character)
    if category in _NO_INK or character in _FILLERS or 0xE0000 <= ord(character) <= 0xE0FFF:
        return ""
    if character in _ALIKE:
        return _ALIKE[character]
    if category in ("No", "Nl", "Nd") and (number := unicodedata.numeric(character)).is_integer():
        return str(int(number))
    if category == "So" and (named := _by_name(unicodedata.name(character, ""), category)):
        return named
    decomposed = unicodedata.normalize("NFKD", character)
    if decomposed != character:
        # A character without an ASCII shape stays whole: nothing is gained from Hangul in pieces.
        shape = "".join(map(_shape, decomposed))
        return shape if shape.isascii() else character
    return _by_name(unicodedata.name(character, ""), category) or character


def _by_name(name: str, category: str) -> str:
    if letter := _LETTER.fullmatch(name):
        return letter[1].lower() if "SMALL LETTER" in name else letter[1]
    side = "LEFT" if "LEFT" in name else "RIGHT" if "RIGHT" in name else ""
    if not side or category not in ("Ps", "Pe", "Pi", "Pf", "Sm", "So"):
        return ""
    if _SQUARE.search(name):
        return "[" if side == "LEFT" else "]"
    if _ANGLE.search(name):
        return ("<" if side == "LEFT" else ">") * (2 if "DOUBLE" in name else 1)
    return ""
