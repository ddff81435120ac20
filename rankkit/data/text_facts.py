"""Texts counted while they are gone through: how long they are, in which scripts, and what is odd about them."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rankkit.data.findings import Findings, Severity
from rankkit.data.scripts import NO_LETTERS, script_of

#: Characters. Rerankers read 512 tokens to some thousands: of a longer text they see the beginning.
LONG_DOCUMENT = 20_000
LONG_QUERY = 1_000

_QUANTILES: Mapping[str, float] = {"min": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}

_MISREAD = re.compile("Ã[\x80-\xbf]|â€[™œ\x9d“”˜¦]|â\x80")
#: Those of Latin-1 behind such signs are counted there.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<![ÃÂâ\x80])[\x80-\x9f]")
_ODD: tuple[tuple[Severity, str, re.Pattern[str]], ...] = (
    ("warning", "half a character in them (a lone surrogate), ranked as U+FFFD", re.compile("[\ud800-\udfff]")),
    ("note", "control characters in them", _CONTROL),
    ("note", "U+FFFD in them: characters that were lost when they were decoded", re.compile("\ufffd")),
    ("note", "signs of UTF-8 that was read as Latin-1 (Ã© for é, â€™ for ’)", _MISREAD),
)


@dataclass(frozen=True, slots=True)
class TextFacts:
    """``lengths`` are quantiles in characters, ``scripts`` counts texts by the script of most of their letters, and
    ``long`` is the number of those with more than ``long_from`` characters.
    """

    texts: int = 0
    lengths: Mapping[str, int] = field(default_factory=dict)
    scripts: Mapping[str, int] = field(default_factory=dict)
    long: int = 0
    long_from: int = 0

    @property
    def script(self) -> str:
        """That of most texts, or ``""`` where none has letters."""
        known = {name: count for name, count in self.scripts.items() if name != NO_LETTERS}
        return max(known, key=lambda name: known[name]) if known else ""


class TextCounter:
    """``what`` is what the texts are called in problems: "documents of the corpus"."""

    def __init__(self, what: str, long_from: int, findings: Findings) -> None:
        self._what = what
        self._long_from = long_from
        self._findings = findings
        self._lengths = array("L")
        self._scripts: Counter[str] = Counter()

    def add(self, name: str, text: str) -> None:
        """Count a text; ``name`` is what an example calls it."""
        self._lengths.append(len(text))
        self._scripts[script_of(text)] += 1
        if len(text) > self._long_from:
            words = f"{self._what} of more than {self._long_from:,} characters: a reranker reads the beginning"
            self._findings.add("note", words, f"{name}: {len(text):,} characters")
        # Printable ASCII is what most texts are.
        if text.isascii() and text.isprintable():
            return
        for severity, words, pattern in _ODD:
            if found := pattern.search(text):
                start = max(0, found.start() - 20)
                self._findings.add(
                    severity, f"{self._what} with {words}", f"{name}: {text[start : found.end() + 20]!r}"
                )

    def facts(self) -> TextFacts:
        """What was counted."""
        if not self._lengths:
            return TextFacts(long_from=self._long_from)
        lengths = np.frombuffer(self._lengths, dtype=np.dtype("L"))
        values = np.quantile(lengths, list(_QUANTILES.values()), method="nearest")
        return TextFacts(
            texts=len(lengths),
            lengths={name: int(value) for name, value in zip(_QUANTILES, values, strict=True)},
            scripts=dict(self._scripts.most_common()),
            long=int((lengths > self._long_from).sum()),
            long_from=self._long_from,
        )


def check_scripts(texts: Mapping[str, TextFacts], findings: Findings) -> None:
    """Queries and documents in different scripts share no words; and most models know few scripts."""
    queries = texts["queries"].script if "queries" in texts else ""
    for what in ("candidates", "corpus"):
        documents = texts[what].script if what in texts else ""
        if queries and documents and queries != documents:
            words = f"most queries are in {queries}, most documents ({what}) in {documents}: they share no words"
            findings.add("warning", words)
    for script in dict.fromkeys(facts.script for facts in texts.values()):
        if script not in ("", "Latin"):
            words = f"texts are in {script}: choose a model that was trained on it; most know English alone"
            findings.add("note", words)
