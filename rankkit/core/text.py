"""Text as every backend can take it: Unicode that can be encoded."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which no encoding can hold: half a character that a cut string or
    a lenient decoder left. Two that belong together become the character that they stand for. All other text is given
    back as the same object.
    """
    if text.isascii() or not _SURROGATE.search(text):
        return text
    whole = _PAIR.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _SURROGATE.sub("\ufffd", whole)
