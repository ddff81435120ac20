"""What takes a verdict away again: a denial below it, second thoughts, praise of the other one, lists over both."""

from __future__ import annotations

import re

from rankkit.pairwise.verdict_mentions import FIRST, NOUN, SECOND, other
from rankkit.pairwise.verdict_mentions import MENTION as _T
from rankkit.pairwise.verdict_sentences import DENIES

_TAKES_BACK = re.compile(
    r"(?:but )?(?:wait|or (?:is|maybe|perhaps|rather)|just kidding|kidding|scratch that|correction|corrigendum|edit"
    r"|update|on (?:second thoughts?|reflection)|actually|no|nope|hold on|hm+|sorry|oops|i (?:mean|meant)|p\. ?s\."
    r"|strike that|my mistake|apologies|never ?mind|rather)[,.!:;… ]",
    re.IGNORECASE,
)
_TURNS = re.compile(
    r"(?:but|however|yet|though|although|nevertheless|nonetheless|still|that said|on the other hand|then again"
    r"|in contrast|instead|aber|jedoch|mais|cependant|pero|但|しかし)\b[, ]?",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    rf"(?P<label>{_T})(?P<between>[^\n.;{_T[1:-1]}]{{0,60}}?)"
    r"\b(?:better|best|(?:more|most) (?:relevant|useful|helpful|appropriate|suitable|pertinent)|wins)\b",
    re.IGNORECASE,
)
#: What is praise where the other one was named first, without a word of why.
_ANSWERS = re.compile(
    rf"(?P<label>{_T})(?P<between>[^\n.;{_T[1:-1]}]{{0,60}}?)"
    r"\b(?:is (?:\w+ly )?(?:relevant|correct|right|preferable|superior|the answer)|(?:answers|addresses|satisfies)\b)",
    re.IGNORECASE,
)
_SHARED = re.compile(r"\b(?:also|too|both|part\w*|somewhat|as well|while|although|whereas)\b", re.IGNORECASE)
_BEGINS_A_LIST = re.compile(rf"(?:^|[\n.,;:])[ >#•-]{{0,4}}(?P<label>{_T}) ?(?:[:=.]|[-–—] )")
_ABOUT = re.compile(rf"\W*(?:it|this|that|the|reason|explanation|{NOUN})\b|\(", re.IGNORECASE)


def takes_back(sentence: str, verdicts: set[str], *, cut: bool = False) -> bool:
    """Whether a sentence behind a verdict is a second thought: "Wait, ...", "However, B ...". ``cut``: the answer was
    cut off in it, so that any "But" may be one.
    """
    if _TAKES_BACK.match(sentence):
        return True
    turn = _TURNS.match(sentence)
    if turn is None or cut:
        return turn is not None
    rest = sentence[turn.end() :]
    against = {other(label) for label in verdicts}
    praised = [mark for mark in re.findall(_T, rest) if mark in against]
    denied = DENIES.search(rest) is not None
    return denied if not praised else not denied or any(label in rest for label in verdicts)


def objected(text: str, label: str, *, reasoned: bool) -> bool:
    """Whether the other one is praised all the same, or stands at the head of a one-line answer. ``reasoned``: the
    verdict was announced, so that what was said before it weighed both.
    """
    against = other(label)
    if text[:1] == against and text[1:2] in ".,:" and "\n" not in text and not listed(text):
        return True
    praises = [_PRAISE] if reasoned else [_PRAISE, _ANSWERS]
    return any(
        not DENIES.search(found["between"]) and not (praise is _ANSWERS and _SHARED.search(found["between"]))
        for praise in praises
        for found in praise.finditer(text)
        if found["label"] == against
    )


def denied_below(text: str) -> bool:
    """Whether a label on the first line is denied on the next: a heading, no verdict."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) < 2:
        return False
    clause = re.split(rf"[.!?;,]|{_T}", lines[1])[0]
    return DENIES.match(lines[1]) is not None or (
        _ABOUT.match(lines[1]) is not None and DENIES.search(clause) is not None
    )


def listed(text: str) -> bool:
    """Whether both labels begin what is said of them: "A: about dogs. B: about cats"."""
    return {found["label"] for found in _BEGINS_A_LIST.finditer(text)} == {FIRST, SECOND}
