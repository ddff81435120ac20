"""Text as every backend can take it, and in a script that a model knows."""

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


#: The last letter of Latin Extended-B; Vietnamese has its own block further up.
_LAST_LATIN = "\u024f"
_MORE_LATIN = ("\u1e00", "\u1eff")
#: How much of a text is looked at.
_SAMPLE = 400


def in_other_script(text: str) -> bool:
    """Whether most letters of a text's beginning are not Latin ones. A text without letters is in no other script."""
    sample = text[:_SAMPLE]
    if sample.isascii():
        return False
    letters = [char for char in sample if char.isalpha()]
    latin = sum(1 for char in letters if char <= _LAST_LATIN or _MORE_LATIN[0] <= char <= _MORE_LATIN[1])
    return 2 * latin < len(letters)
