"""The ways in which a chat template builds text, each with its size known before it is built."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rankkit.backends.gguf.meter import MOST_BITS, MOST_CELLS, TooMuch, check_cells, check_plain, spend, weigh

_LONGEST_FORMAT = 10_000
_LONGEST_WIDTH = 1000
_KEY = re.compile(r"%\([^)]*\)")


def text_of(value: Any) -> str:
    """What ``{{ value }}`` shows."""
    if not isinstance(value, str):
        check_plain(value)
        value = str(value)
    spend(len(value))
    return str(value)


def joined(parts: Iterable[Any], separator: str = "") -> str:
    """The texts one after the other. Stops as soon as they are too many."""
    texts: list[str] = []
    total = 0
    for part in parts:
        text = text_of(part)
        total += len(text) + len(separator)
        if total > MOST_CELLS:
            raise TooMuch(f"the template builds a text of more than {MOST_CELLS} characters")
        texts.append(text)
    return separator.join(texts)


def replaced(text: str, old: str, new: str, count: int | None = None) -> str:
    times = text.count(old) if count is None or count < 0 else min(count, text.count(old))
    check_cells(len(text) + times * len(new))
    return text.replace(old, new, -1 if count is None else count)


def _formatted(text: str, *values: Any, **named: Any) -> str:
    """``str.format`` of plain data, without a way into it: ``{0.attribute}`` and ``{0[key]}`` are refused."""
    check_plain([values, named])
    fields = 0
    for _, field, layout, _ in string.Formatter().parse(_short(text)):
        fields += 1
        if field is not None and not field.isalnum() and field not in ("", *named):
            raise TooMuch(f"the template formats {field[:100]!r}, which leads into a value")
        if layout and ("{" in layout or _too_wide(layout)):
            raise TooMuch(f"the template formats with {layout[:100]!r}")
    check_cells(fields * (_LONGEST_WIDTH + weigh([values, named])))
    return text.format(*values, **named)


def percent_formatted(text: str, values: Any) -> str:
    """``text % values`` of plain data."""
    check_plain(values)
    for found in re.findall(r"%[^a-zA-Z%]*", _KEY.sub("%", _short(text))):
        if "*" in found or _too_wide(found):
            raise TooMuch(f"the template formats with {found[:100]!r}")
    check_cells(text.count("%") * (_LONGEST_WIDTH + weigh(values)))
    return str(text % values)


def padded(method: Callable[..., str]) -> Callable[..., str]:
    """``str.ljust`` and its kin."""

    def pad(text: str, width: int, *fill: str) -> str:
        check_cells(len(text) + max(0, int(width)))
        return method(text, width, *fill)

    return pad


def indented(text: Any, width: Any = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002  # Jinja's
    """Jinja's filter ``indent``."""
    text = text_of(text)
    prefix = width if isinstance(width, str) else " " * min(int(width), _LONGEST_WIDTH)
    check_cells(len(text) + len(prefix) * (text.count("\n") + 1))
    lines = text.splitlines() or [""]
    rest = [prefix + line if line or blank else line for line in lines[1:]]
    return "\n".join([prefix + lines[0] if first else lines[0], *rest]) + ("\n" if text.endswith("\n") else "")


def as_json(
    value: Any,
    indent: int | None = None,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002  # as the templates of transformers call it
    separators: Sequence[str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002
) -> str:
    """``tojson`` as transformers has it: no HTML escapes."""
    check_plain(value)
    if isinstance(indent, int) and indent > 16:
        raise TooMuch(f"the template indents by {indent}")
    pair = (separators[0], separators[1]) if separators else None
    text = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, separators=pair, sort_keys=sort_keys)
    check_cells(len(text))
    return text


def check_operands(operator: str, left: Any, right: Any) -> None:
    """Refuse what would take long, or much memory, to compute. Text with ``%`` has a function of its own.

    Raises:
        TooMuch: it would.
    """
    whole = isinstance(left, int) and isinstance(right, int)
    if operator == "*" and whole:
        _check_bits(left.bit_length() + right.bit_length())
    elif operator == "*":
        times = right if isinstance(right, int) else left if isinstance(left, int) else 1
        check_cells(max(0, times) * weigh(left if times is right else right))
    elif operator == "**" and whole:
        _check_bits(left.bit_length() * max(0, right))


def _check_bits(bits: int) -> None:
    if bits > MOST_BITS:
        raise TooMuch(f"the template computes a number of {bits} bits")


def _short(text: str) -> str:
    if len(text) > _LONGEST_FORMAT:
        raise TooMuch(f"the template formats a text of {len(text)} characters")
    return text


def _too_wide(layout: str) -> bool:
    return any(len(number.lstrip("0")) > 3 for number in re.findall("[0-9]+", layout))


STRING_METHODS: Mapping[str, Callable[..., Any]] = {
    **{
        name: getattr(str, name)
        for name in "strip lstrip rstrip split rsplit splitlines partition rpartition lower upper title capitalize "
        "casefold swapcase startswith endswith find rfind index rindex count isalnum isalpha isascii isdecimal isdigit "
        "isidentifier islower isnumeric isprintable isspace istitle isupper removeprefix removesuffix".split()
    },
    **{name: padded(getattr(str, name)) for name in ("ljust", "rjust", "center", "zfill")},
    "join": lambda separator, parts: joined(parts, separator),
    "replace": replaced,
    "format": _formatted,
}
