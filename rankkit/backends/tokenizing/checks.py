"""Whether a ``tokenizer.json`` from a stranger can be given texts: it is code of a kind (patterns, replacements), and
the library that runs it cannot be interrupted, and ends the process where memory is short.

So what could take exponential time or make much of little is refused before it is loaded. Tokenizers as models are
published with stay far below each limit.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rankkit.errors import InvalidModel

#: The largest that are published (Gemma's, with 256,000 tokens) have 33 MB.
_MOST_BYTES = 64 << 20
#: Characters that one character of a text may become. NFKC makes 18 of U+FDFA, which is the most that is met.
_MOST_GROWTH = 256
_MOST_STEPS = 32
#: Pre-tokenizers of these kinds may double a text each.
_DOUBLING = {"ByteLevel", "Metaspace"}
_MOST_DOUBLING = 4
#: WordPiece takes the third power of a word's length, Unigram the length of its longest piece times the text's.
_LONGEST_WORD = 1000
_LONGEST_PIECE = 1024
_LONGEST_PATTERN = 10_000
_MOST_REPEATS = 10_000

#: What a pattern needs, in part, to match nothing at all, so that a replacement is put in everywhere.
_MAY_MATCH_NOTHING = re.compile(r"[*?^$|]|\{0|\{,|\\[bBAzZG]")


class UnsafeTokenizer(ValueError):
    """A reason, for the error that names the file."""


def checked_json(path: Path) -> tuple[str, dict[str, Any]]:
    """The file's text and what it says.

    Raises:
        InvalidModel: it cannot be read, or no text should be given to it.
    """
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise UnsafeTokenizer(f"it has {size} bytes; {_MOST_BYTES} are the most that is read")
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
            raise UnsafeTokenizer("it is no JSON object with a model")
        _check(content)
    except RecursionError as error:
        raise InvalidModel(f"{path} is not a tokenizer: it is nested too deeply") from error
    except (OSError, ValueError) as error:
        raise InvalidModel(
            f"{path} is not a tokenizer that can be used: {error}", hint="Is the file complete? Pull or copy it again."
        ) from error
    return text, content


def growth(content: dict[str, Any]) -> int:
    """How many characters the tokenizer may make of one, at most."""
    return math.ceil(_growth(content.get("normalizer")))


def uses_bytes(content: dict[str, Any]) -> bool:
    """Whether its tokens are spelled in bytes (GPT-2's way)."""
    parts = [*_parts(content.get("pre_tokenizer")), *_parts(content.get("normalizer"))]
    return any(part.get("type") == "ByteLevel" for part in parts)


def _check(content: dict[str, Any]) -> None:
    for place in ("normalizer", "pre_tokenizer", "decoder"):
        steps = list(_parts(content.get(place)))
        if len(steps) > _MOST_STEPS:
            raise UnsafeTokenizer(f"its {place} has {len(steps)} steps; {_MOST_STEPS} are the most")
        for step in steps:
            for pattern in _patterns(step):
                _check_pattern(pattern)
    if (factor := _growth(content.get("normalizer"))) > _MOST_GROWTH:
        raise UnsafeTokenizer(
            f"its normalizer may make {factor:.0f} characters of one; {_MOST_GROWTH} are the most that is allowed"
        )
    doubling = [part for part in _parts(content.get("pre_tokenizer")) if part.get("type") in _DOUBLING]
    if len(doubling) > _MOST_DOUBLING:
        raise UnsafeTokenizer(f"its pre_tokenizer makes a text longer {len(doubling)} times over")
    _check_model(content["model"])


def _check_model(model: dict[str, Any]) -> None:
    longest_word = model.get("max_input_chars_per_word")
    if isinstance(longest_word, int) and longest_word > _LONGEST_WORD:
        raise UnsafeTokenizer(
            f"max_input_chars_per_word is {longest_word}; {_LONGEST_WORD} are the most that is read in a bearable time"
        )
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, list):
        pieces = (entry[0] for entry in vocabulary if isinstance(entry, list) and entry)
        longest = max((len(piece) for piece in pieces if isinstance(piece, str)), default=0)
        if longest > _LONGEST_PIECE:
            raise UnsafeTokenizer(f"a piece of its vocabulary has {longest} characters; {_LONGEST_PIECE} are the most")


def _parts(component: object) -> Iterator[dict[str, Any]]:
    """A component, or those of a sequence of them, in order."""
    if not isinstance(component, dict):
        return
    if component.get("type") != "Sequence":
        yield component
        return
    for key in ("normalizers", "pretokenizers", "decoders"):
        for inner in component.get(key) or ():
            yield from _parts(inner)


def _growth(normalizer: object) -> float:
    factor = 1.0
    for part in _parts(normalizer):
        factor *= max(1.0, _growth_of(part))
    return factor


def _growth_of(part: dict[str, Any]) -> float:
    match part.get("type"):
        case "Replace":
            content, pattern = str(part.get("content", "")), part.get("pattern")
            if isinstance(pattern, dict) and isinstance(pattern.get("String"), str):
                return len(content) / len(pattern["String"]) if pattern["String"] else len(content) + 1
            everywhere = any(_MAY_MATCH_NOTHING.search(found) for found in _patterns(part))
            return len(content) + everywhere
        case "Prepend":
            return len(str(part.get("prepend", "")))
        case "ByteLevel":
            return 2
        case "Precompiled":
            return _longest_in_charsmap(part.get("precompiled_charsmap"))
    return 1


def _longest_in_charsmap(charsmap: object) -> int:
    """Of sentencepiece's table: the size of a trie, the trie, and what it leads to, each ended by a zero byte."""
    try:
        data = base64.b64decode(str(charsmap), validate=True)
    except binascii.Error as error:
        raise UnsafeTokenizer(f"its precompiled_charsmap is no base64: {error}") from error
    trie = int.from_bytes(data[:4], "little")
    if len(data) < 4 or trie % 4 or trie > len(data) - 4:
        raise UnsafeTokenizer("its precompiled_charsmap is cut short")
    return max(len(text.decode("utf-8", "replace")) for text in data[4 + trie :].split(b"\0"))


def _patterns(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "Regex" and isinstance(value, str):
                yield value
            else:
                yield from _patterns(value)


# -- patterns

_QUANTIFIER = re.compile(r"[*+?]|\{(\d*)(,?)(\d*)\}")
_ENDLESS = 1_000_000_000


class _Group:
    """What is known of a group while it is read: whether a part of it may match in more ways than one."""

    def __init__(self) -> None:
        self.varies = False
        self.repeats = 1


def _check_pattern(pattern: str) -> None:
    """Refuse what may take exponential time, ``(a+)+$``: a repetition of what repeats, or chooses, itself. And what
    multiplies when it is compiled, ``((a{1000}){1000}){1000}``.
    """
    if len(pattern) > _LONGEST_PATTERN:
        raise UnsafeTokenizer(f"a pattern of it has {len(pattern)} characters; {_LONGEST_PATTERN} are the most")
    groups, last, at = [_Group()], _Group(), 0
    while at < len(pattern):
        character = pattern[at]
        quantifier = _QUANTIFIER.match(pattern, at) if at else None
        if quantifier:
            _repeat(groups[-1], last, quantifier, pattern)
            at = quantifier.end()
            if pattern[at : at + 1] in ("?", "+") and pattern[at - 1] != "}":
                at += 1  # lazy or possessive
            elif pattern[at : at + 1] == "?":
                at += 1
            continue
        at, last = _next(pattern, at, groups, last)
        if character == ")":
            groups[-1].varies |= last.varies
            groups[-1].repeats = max(groups[-1].repeats, last.repeats)


def _next(pattern: str, at: int, groups: list[_Group], last: _Group) -> tuple[int, _Group]:
    """Past one element of the pattern, with what is known of it."""
    match pattern[at]:
        case "\\":
            named = re.compile(r"\\[pPxu]\{[^}]*\}").match(pattern, at)
            return (named.end() if named else at + 2), _Group()
        case "[":
            return _past_class(pattern, at), _Group()
        case "(":
            groups.append(_Group())
            opening = re.compile(r"\(\?(?:[:=!>]|<[=!]|<\w+>|[a-zA-Z-]+:?)|\(").match(pattern, at)
            return (opening.end() if opening else at + 1), last
        case ")":
            return at + 1, groups.pop() if len(groups) > 1 else _Group()
        case "|":
            if len(groups) > 1:
                groups[-1].varies = True
            return at + 1, _Group()
    return at + 1, _Group()


def _past_class(pattern: str, at: int) -> int:
    """Where a class of characters ends, with the classes inside it."""
    depth, start = 0, at
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "[":
            depth += 1
        elif pattern[at] == "]" and at not in (start + 1, start + 2 if pattern[start + 1] == "^" else start + 1):
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return at


def _repeat(group: _Group, last: _Group, quantifier: re.Match[str], pattern: str) -> None:
    low, high = _bounds(quantifier)
    if high > 1 and last.varies:
        raise UnsafeTokenizer(f"its pattern {pattern[:80]!r} repeats what varies itself: it may take for ever")
    counted = high if high < _ENDLESS else max(low, 1)
    group.repeats = max(group.repeats, last.repeats * counted)
    if group.repeats > _MOST_REPEATS:
        raise UnsafeTokenizer(f"its pattern {pattern[:80]!r} repeats {group.repeats} times")
    group.varies |= low != high


def _bounds(quantifier: re.Match[str]) -> tuple[int, int]:
    sign = quantifier[0]
    if sign in "*+?":
        return (1 if sign == "+" else 0), (1 if sign == "?" else _ENDLESS)
    low = int(quantifier[1] or 0)
    if not quantifier[2]:
        return low, low
    return low, (int(quantifier[3]) if quantifier[3] else _ENDLESS)
