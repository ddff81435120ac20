"""Reading a language model's answer to "A or B?": a verdict only where it is one, else a typed reason why not.

A wrong letter is worse than none, since it makes the loser win. So nothing is concluded from which letters occur. The
answer is cut into statements (lines, and sentences in them), and a statement is a verdict only from its first word on:

1. an announcement: ``Answer: A``, ``The answer is A.``, ``I choose Passage B because ...``, ``The more relevant passage
   to the query is A``, ``A is more relevant (than B).``, ``Therefore, A.``, ``A > B``, ``\\boxed{A}``,
   ``{"answer": "B"}``, ``答案：A``, ``Die Antwort ist A.`` (``verdict_sentences``);
2. a label on a line of its own, or as the whole answer: ``**B**``, ``[[A]]``, ``Passage A``, ``(A)``;
3. a label at the very beginning with its reason behind it: ``A. Because ...``, ``B, since it ...``. The reason need not
   be whole, but it must not deny the label or turn to the other one ("A, because B is better it loses").

What names both (``A or B``, ``A is worse than B``, ``Compared to A, B ...``), denies (``not A``, ``neither``), asks,
supposes (``If ..., A``), quotes (``Passage A says: "Answer: B"``) or is taken back (``Wait, ...``, ``However, B ...``;
``verdict_objections``) is none, and verdicts that contradict one another are none.

Of a cut-off answer only what was complete before the cut counts: "The answer is A" may have gone on with "or B". A
verdict whose reason was cut counts ("A, because it names the"), unless that reason speaks of the other passage in the
sentence that was cut: "A, because passage B" may have gone on with "is better, it loses".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rankkit.core.questions import Answer, Outcome
from rankkit.judging.answer_text import refuses, without_thinking
from rankkit.pairwise.verdict_json import NO_VERDICT, verdict_of_json
from rankkit.pairwise.verdict_mentions import FIRST, NOUN, SECOND, marked, other
from rankkit.pairwise.verdict_mentions import MENTION as _T
from rankkit.pairwise.verdict_objections import denied_below, listed, objected, takes_back
from rankkit.pairwise.verdict_sentences import DENIES, SUPPOSES, announced, at_head

_LONE = re.compile(rf"(?P<label>{_T})[.!。]?")
#: "Passage: B" as the whole answer.
_NAMED = re.compile(rf"(?:the )?{NOUN} ?[:：] ?(?P<label>{_T})[.!。]?", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？])|, (?=(?:so|therefore|thus|hence)\b)")
_POLITE = re.compile(r"(?:sure|certainly|of course|okay|ok|yes)[!.,:]\s*", re.IGNORECASE)
_NOUNED = re.compile(rf"\W*(?:the )?{NOUN}\b", re.IGNORECASE)
_FENCE = re.compile(r"```[A-Za-z]{0,10}")
_XML = re.compile(r"</?(?:final_|final )?(?:answer|verdict|choice|final|output|result|response|winner|decision)>", re.I)
_TAGGED = re.compile("<answer>", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"\n]{3,300}\"|(?<!\w)'[^'\n]{3,300}'(?!\w)")
#: The line over what a passage says, and not what the model does.
_REPORTS = re.compile(
    r"\b(?:says?|said|reads|stat(?:es?|ed|ing)|contains?|writes?|wrote|claims?|tells?|quot\w+|includes?|ends|begins|text"
    r"|content|instruct\w*)\b[^\n]{0,60}[:：]\Z",
    re.IGNORECASE,
)
#: How a line begins that goes on with the sentence of the line before.
_GOES_ON = re.compile(
    r"(?:is|isn't|was|wasn't|are|has|had|does|doesn't|did|would|could|should|can|cannot|can't|will|won't|which|that|than|or"
    r"|and|but|not|nor|because|since|as|rather|instead|only|if|unless|when|says|said|seems|appears|looks|loses|lacks|fails"
    r"|contains|states)\b|\((?!because|since)[a-z]"
)


def read_verdict(text: str, labels: tuple[str, str], finish: str = "stop") -> Answer[float]:
    """1.0 for the first of the labels, 0.0 for the second, or no value and an outcome that says why.

    ``finish`` is the backend's word on how the answer ended. An answer that is a label and nothing else is ``OK``; a
    verdict with words around it is repaired (``"prose"``).
    """
    if finish == "refused":
        return Answer(None, Outcome.REFUSED, ("refused",))
    # Several answers in tags are read one by one; of a single one, what is before it was thinking.
    several = len(_TAGGED.findall(text)) > 1
    visible, unfinished = without_thinking(_TAGGED.sub("\n", text) if several else text)
    said = _unquoted(_FENCE.sub("\n", _XML.sub("\n", visible)).strip())
    words = marked(said, labels)
    cut = finish == "length"
    found = None if unfinished else _found(said, words, labels, cut=cut)
    if found is not None:
        value = float(found == FIRST)
        return Answer(value) if _LONE.fullmatch(words) else Answer(value, Outcome.REPAIRED, ("prose",))
    if refuses(said) and not {FIRST, SECOND} & set(words):
        return Answer(None, Outcome.REFUSED, ("refused",))
    if cut or unfinished:
        return Answer(None, Outcome.TRUNCATED, ("truncated",))
    return Answer(None, Outcome.UNREADABLE, ("prose" if said else "empty",))


def _unquoted(said: str) -> str:
    """Without the quotes around an answer that is one quotation as a whole."""
    whole = said[:1] == said[-1:] == '"' and said.count('"') == 2
    return said[1:-1].strip() if whole else said


def _found(said: str, words: str, labels: tuple[str, str], *, cut: bool) -> str | None:
    in_json = verdict_of_json(said)
    if in_json is not None:
        value, around = in_json
        found = None if value is NO_VERDICT else _LONE.fullmatch(marked(value, labels))
        return None if found is None or _contradicted(marked(around, labels), found["label"]) else found["label"]
    if cut and _unfinished(said, words):
        return None
    if not cut and (named := _NAMED.fullmatch(words)):
        return named["label"]
    polite = _POLITE.match(words)
    return _of_words(words[polite.end() :] if polite else words, cut=cut)


def _contradicted(around: str, label: str) -> bool:
    """Whether the words around an object say otherwise."""
    sentences = [sentence for line, _ in _lines(around) for sentence, _ in _sentences(line)]
    second_thoughts = any(takes_back(sentence, {label}) for sentence in sentences)
    return second_thoughts or _of_words(around, cut=False) == other(label) or objected(around, label, reasoned=True)


def _unfinished(said: str, words: str) -> bool:
    """Whether the first line of a cut-off answer may be a heading, with the other passage's still to come, or the next
    speaks of the other one in a sentence without an end.
    """
    lines = [line.strip() for line in words.split("\n") if line.strip()]
    if len(lines) < 2 or not _LONE.fullmatch(lines[0].lstrip("#> ")):
        return False
    label = lines[0].lstrip("#> ")[0]
    reasoned = re.match(rf"(?:reason|because|explanation)|{label}", lines[1], re.IGNORECASE) is not None
    turns = other(label) in lines[1] and len(lines) == 2 and re.search(r"[.!?。](?:\s|\Z)", lines[1]) is None
    return turns or lines[1][0] == other(label) or (_NOUNED.match(said) is not None and not reasoned)


def _of_words(text: str, *, cut: bool) -> str | None:
    """The label of the one verdict that an answer gives."""
    said: set[str] = set()
    alone: set[str] = set()
    before = ""
    for line, last in _lines(_QUOTED.sub('"…"', text)):
        if _LONE.fullmatch(line):
            if not (last and cut) and not _denies_the_next(before):
                alone.add(line[0])
        elif not before and (label := at_head(line, cut=cut and last)):
            alone.add(label)
        for sentence, ends in _sentences(line):
            if (said or alone) and takes_back(sentence, said | alone, cut=cut and last and ends):
                return None
            label = announced(sentence, cut=cut and last and ends)
            said |= {label} if label else set()
        before = line
    if said and alone == {FIRST, SECOND}:
        alone = set()  # headings over what is said of each
    if not said and (denied_below(text) or listed(text)):
        return None
    labels = said | alone
    found = labels.pop() if len(labels) == 1 else None
    return None if found is None or objected(text, found, reasoned=bool(said)) else found


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines that are the model's own, and whether each is the last. A sentence that a line break parts is one line;
    quoted lines, and the paragraph under "Passage A says:", are left out.
    """
    raw = [line.strip() for line in text.split("\n")]
    if not all(line.startswith(">") for line in raw if line):
        raw = [line for line in raw if not re.match(r">\s?[^\W\d_]", line)]
    lines: list[str] = []
    quoting, begun = False, False
    for line in raw:
        if quoting:
            quoting, begun = bool(line) or not begun, begun or bool(line)
        elif line and lines and _GOES_ON.match(line) and not lines[-1].endswith((".", "!", "?", "。", ":", ";")):
            lines[-1] += f" {line}"
        elif line:
            lines.append(line.lstrip("#> -•\t").strip())
            quoting, begun = _REPORTS.search(line) is not None, False
    for place, line in enumerate(lines):
        yield line, place == len(lines) - 1


def _sentences(line: str) -> Iterator[tuple[str, bool]]:
    sentences = [sentence for sentence in _SENTENCE.split(line) if sentence]
    for place, sentence in enumerate(sentences):
        yield sentence.strip(), place == len(sentences) - 1


def _denies_the_next(line: str) -> bool:
    """ "Less relevant:" over a label, or a sentence that a line break parts."""
    return not line.endswith((".", "!", "?", "。")) and (DENIES.search(line) or SUPPOSES.search(line)) is not None
