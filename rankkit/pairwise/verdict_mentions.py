"""Where an answer names one of two passages: each mention as one mark, whatever noun, brackets and emphasis it has."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

#: What stands for a mention of the first and of the second label once they were found: no model writes these.
FIRST, SECOND = "\ue000", "\ue001"
MENTION = f"[{FIRST}{SECOND}]"

NOUN = (
    r"(?:passage|document|doc|text|option|choice|candidate|answer|response|article|paragraph|snippet|result"
    r"|textstelle|abschnitt|dokument|texte|pasaje|documento|passaggio|testo|段落|文档|文章|选项|文書|パッセージ)"
)
_ARTICLE = r"(?:(?:the|le|la|el|il|die|das|der) )?"
_QUOTES = {ord(shape): plain for plain, shapes in {"'": "’‘`´", '"': "“”„«»「」"}.items() for shape in shapes}
_SHAPES = str.maketrans({"【": "[", "〔": "[", "】": "]", "〕": "]", "≻": ">", "≫": ">"})
#: Formulas around a text, which say nothing of it: $A$, \(A\), \[A\], \textbf{A}. Not \cancel{A} or \neg A.
_FORMULA = re.compile(r"\\[()\[\]]|\$(?=[^$\n]{1,40}\$)|(?<=[^\s$])\$(?![\d$])")
_STYLED = re.compile(r"\\(?:text|textbf|textit|emph|mathbf|mathrm|mathit) ?\{([^{}\n]{1,80})\}")


def marked(text: str, labels: tuple[str, str]) -> str:
    """The answer with emphasis taken off, and with ``FIRST`` and ``SECOND`` for each mention of a label.

    Bare labels count in their own case only, since "a" is a word; alone on a line or behind a colon in any case.
    """
    folded = "".join(map(_folded, text)).translate(_QUOTES).replace("**", "").replace("__", "").replace("*", "")
    if "\\" in folded or "$" in folded:
        folded = _FORMULA.sub("", _STYLED.sub(r"\1", folded))
    return _mentions(labels)(folded).strip()


def other(label: str) -> str:
    return SECOND if label == FIRST else FIRST


def _folded(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Co"):
        # Strokes through a letter take it back: they stay, so that it is no label.
        return character if "OVERLAY" in unicodedata.name(character, "") else ""
    shape = unicodedata.normalize("NFKC", character)
    return shape if len(shape) == 1 and shape.isascii() else character.translate(_SHAPES)


@dataclass(frozen=True)
class _Mentions:
    """Puts the marks in place of the labels."""

    patterns: tuple[re.Pattern[str], ...]
    names: Mapping[str, str]

    def __call__(self, text: str) -> str:
        for pattern in self.patterns:
            text = pattern.sub(self._mark, text)
        return text

    def _mark(self, found: re.Match[str]) -> str:
        mark = self.names[" ".join(found["label"].split()).casefold()]
        groups = found.groupdict()
        opened = (groups.get("quoted") or "") + (groups.get("opened") or "")
        closed = groups.get("closed") or ""
        # A quotation that ends with the label began before it: `says "Answer: B"` is no answer.
        return mark + "".join(quote for quote in "\"'" if closed.count(quote) > opened.count(quote))


def _mentions(labels: tuple[str, str]) -> _Mentions:
    names = {" ".join(label.split()).casefold(): mark for label, mark in zip(labels, (FIRST, SECOND), strict=True)}
    either = "|".join(sorted((re.escape(" ".join(label.split())) for label in labels), key=len, reverse=True))
    noun = rf"(?:(?P<quoted>[\"']?)(?<!\w)(?i:{_ARTICLE}{NOUN})[ #]{{0,2}})"
    mention = rf"(?P<opened>[(\[{{<\"']{{0,4}})(?P<label>{either})(?P<closed>[)\]}}>\"']{{0,4}})"
    patterns = [
        # On its own line or at the end of one behind a colon: in any case.
        re.compile(rf"^[ \t-]{{0,4}}{noun}?(?i:{mention})(?=[.!]?[ \t]{{0,4}}$)", re.MULTILINE),
        re.compile(rf"(?<=[:=]) ?{noun}?(?i:{mention})(?=[.!]?[ \t]{{0,4}}$)", re.MULTILINE),
        re.compile(rf"{noun}{mention}(?![A-Za-z0-9_'])"),
        re.compile(rf"(?<![A-Za-z0-9_'.&/+-]){mention}(?!'?[A-Za-z0-9_]|[-&+/](?:\w|\Z)|\.\w)"),
    ]
    if all(len(label.strip()) == 1 for label in labels):
        # "The first passage", as sure as a label where labels are single letters or digits.
        names |= {"first": FIRST, "second": SECOND}
        patterns.append(
            re.compile(r"(?<!\w)(?i:(?:the )?(?P<label>first|second) (?:passage|document|text|option|one))(?!\w)")
        )
    return _Mentions(tuple(patterns), names)
