"""Reading which of two passages a language model's answer prefers.

A verdict is taken only where it is one: the label alone ("A", "**B**", "Passage A"), the label in front of its reasons
("A. Because ..."), a phrase that announces it ("Answer: A", "I choose B", ``{"answer": "B"}``), a sentence that says so
("Passage A is more relevant"), or the label alone on the last line. A mention is no verdict ("Passage A is about
dogs"), nor is a denial, a tie, or a sentence that was cut off: these teach nothing. Two verdicts that contradict each
other are none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache

from rankkit.core.questions import Answer, Outcome

#: What may stand around a label: quotes, brackets, Markdown and LaTeX.
_DRESS = r"[\s*_`\"'“”‘’(\[{<>)\]}#$~]"
#: A label may be called by a noun.
_NOUN = r"(?:(?:the\s+)?(?:passage|document|option|choice|answer|text|candidate|item|response|doc)\s*)"
_COPULA = r"(?:\s*(?:is|are|=|:|-|–|—|→|->|would\s+be|should\s+be|must\s+be|has\s+to\s+be)\s*)+"
#: Nouns that announce a verdict, as in "the more relevant passage is B".
_ANNOUNCED = (
    r"(?:(?:final|correct|right|best|better|my|the)\s+)*"
    r"(?:answer|verdict|choice|winner|decision|result|output|preference|selection|pick|conclusion|label"
    r"|(?:more|most)\s+(?:relevant|useful|helpful|suitable|appropriate)(?:\s+(?:one|passage|document|option|text|answer))?"
    r"|(?:better|best)(?:\s+(?:one|passage|document|option|text|match))?)"
)
_CHOOSING = (
    r"(?:i|we)\s*(?:'d|’d|'ll|’ll)?\s*(?:would|will|do|have\s+to|must|should)?\s*(?:therefore\s+)?"
    r"(?:choose|chose|pick|select|prefer|go\s+with|say|rank|vote\s+for|favou?r)(?:\s+(?:the\s+)?)?"
)
_PREFERRED = (
    r"\s+(?:is|seems|appears|looks|would\s+be|provides|contains|gives|offers|has|answers|matches|addresses|fits)"
    r"(?:\s+to\s+be)?(?:\s+(?:the|a|an|clearly|much|slightly|definitely|far|likely|probably|also|overall|by\s+far))*"
    r"\s+(?:more|most|better|best|winner|superior)\b(?!\s+(?:than|of)\s+(?:nothing|none))"
)
#: In the clause around a verdict, these turn it around, or take it back.
_DENIAL = re.compile(
    r"\b(?:not|no|never|neither|nor|none|cannot|isn|aren|wasn|doesn|don|didn|wouldn|hardly|less|least|worse|worst"
    r"|irrelevant|unless|if|whether|wrong|incorrect|instead\s+of|rather\s+than)\b|n['’]t\b",
    re.IGNORECASE,
)
_JSON_KEYS = frozenset(
    "answer verdict choice winner better best preferred preference result output label selection selected passage "
    "document more_relevant most_relevant decision final_answer".split()
)
_FENCE = re.compile(r"^\s*```[a-z]*\s*\n?(.*?)\n?\s*```\s*$", re.DOTALL | re.IGNORECASE)


def read_verdict(text: str, labels: tuple[str, str], finish: str) -> Answer[float]:
    """1.0 where the first label is preferred, 0.0 where the second is; else the reason why nothing was learned.

    ``finish`` is how the answer ended: ``stop``, ``length`` (cut off) or ``refused``.
    """
    if finish == "refused":
        return Answer(None, Outcome.REFUSED, ("refused",))
    cut = finish == "length"
    alone = None if cut else _alone(text, labels)
    if alone is not None:
        return Answer(_value(alone, labels))
    found = set(_verdicts(text, labels, cut=cut))
    if len(found) == 1:
        return Answer(_value(found.pop(), labels), Outcome.REPAIRED, ("prose",))
    if cut:
        return Answer(None, Outcome.TRUNCATED, ("truncated",))
    return Answer(None, Outcome.UNREADABLE, ("contradictory" if found else "prose" if text.strip() else "empty",))


def _value(label: str, labels: tuple[str, str]) -> float:
    return 1.0 if label == labels[0] else 0.0


def _alone(text: str, labels: tuple[str, str]) -> str | None:
    """The label where the text is nothing else, in whatever dress."""
    found = _patterns(labels).alone.fullmatch(text)
    return _label_of(found[1], labels) if found else None


def _label_of(seen: str, labels: tuple[str, str]) -> str | None:
    return next((label for label in labels if label.casefold() == " ".join(seen.split()).casefold()), None)


def _verdicts(text: str, labels: tuple[str, str], *, cut: bool) -> Iterator[str]:
    """Every verdict in the text. Of one that was cut off only those with something behind them count."""
    fenced = _FENCE.match(text)
    body = fenced[1] if fenced else text
    if not cut:
        yield from _in_json(body, labels)
    patterns = _patterns(labels)
    leading = patterns.leading.match(body)
    if leading and not _lists_both(body, labels):
        label = _label_of(leading[1], labels)
        goes_on = _alone(body[leading.end() :], labels)  # "A, B" names both
        if (
            label is not None
            and goes_on is None
            and not _denied(body, leading.start(1), leading.end(1), ahead_only=True)
        ):
            yield label
    for pattern in (patterns.announced, patterns.preferred):
        for found in pattern.finditer(body):
            label = _label_of(found[1], labels)
            ends = cut and found.end() >= len(body.rstrip())
            if label is not None and not ends and not _denied(body, found.start(), found.end()):
                yield label
    last = body.rstrip().rpartition("\n")[2]
    if not cut and last.strip() and last.strip() != body.strip():
        label = _alone(last, labels)
        if label is not None:
            yield label


def _in_json(body: str, labels: tuple[str, str]) -> Iterator[str]:
    start, end = body.find("{"), body.rfind("}")
    if start < 0 or end < start:
        return
    try:
        data = json.loads(body[start : end + 1])
    except (ValueError, RecursionError):
        return
    if not isinstance(data, dict):
        return
    for key, value in data.items():
        if key.casefold().replace(" ", "_").replace("-", "_") in _JSON_KEYS and isinstance(value, str):
            label = _alone(value, labels)
            if label is not None:
                yield label


def _lists_both(body: str, labels: tuple[str, str]) -> bool:
    """Whether both labels begin a line or an item: the passages are gone through, nothing is decided yet."""
    return all(
        re.search(rf"(?:^|\n|[.;,]\s+)\W*{_NOUN}?{re.escape(label)}{_DRESS}*[:.)\-–—]", body, re.IGNORECASE)
        for label in labels
    )


def _denied(body: str, start: int, end: int, *, ahead_only: bool = False) -> bool:
    """Whether the clause around a verdict denies it, doubts it, or names an alternative ("A or B")."""
    before = "" if ahead_only else re.split(r"[.;!?\n]", body[:start])[-1]
    after = re.split(r"[.;!?\n,]|\bthan\b|\bbecause\b|\bsince\b|\bas\b", body[end : end + 80])[0]
    if re.match(rf"{_DRESS}*(?:/|\||&|or\b|and\b|vs\b|versus\b)", body[end:], re.IGNORECASE):
        return True
    return bool(_DENIAL.search(before) or _DENIAL.search(body[start:end]) or _DENIAL.search(after))


class _Patterns:
    def __init__(self, labels: tuple[str, str]) -> None:
        label = "(" + "|".join(re.escape(name) for name in labels) + ")"
        noun, dress = f"{_NOUN}?", f"{_DRESS}*"
        self.alone = re.compile(
            rf"{dress}(?:(?:final\s+)?answer{_COPULA})?{dress}(?:\\boxed|\\text)?{dress}{noun}{dress}{label}{dress}[.!]?{dress}",
            re.IGNORECASE,
        )
        # Behind the label a sign that the sentence does not go on with it: "A passage about" is no verdict.
        self.leading = re.compile(rf"{dress}(?i:{noun}){dress}{label}(?:{_DRESS}*[.:,;!\-–—)](?!\w)|{dress}\n)")
        called = rf"{dress}(?i:{noun}){dress}{label}(?!['’\w])"
        self.announced = re.compile(
            rf"(?:(?i:\b{_ANNOUNCED}\b{dress}{_COPULA})|(?i:\b{_CHOOSING})|\\boxed\{{?(?:\\text\{{)?){called}"
        )
        self.preferred = re.compile(rf"(?<![\w'’]){dress}(?i:{noun}){dress}{label}{dress}(?i:{_PREFERRED})")


@lru_cache(maxsize=8)
def _patterns(labels: tuple[str, str]) -> _Patterns:
    return _Patterns(labels)
