"""Reading a language model's answer to "A or B?": a verdict only where it is one, else a typed reason why not.

A wrong letter is worse than none, since it makes the loser win. So nothing is concluded from which letters occur. The
answer is cut into statements (lines, and sentences in them), and a statement is a verdict only from its first word on:

1. an announcement: ``Answer: A``, ``The answer is A.``, ``I choose Passage B because ...``, ``The more relevant passage
   to the query is A``, ``A is more relevant (than B).``, ``\\boxed{A}``, ``{"answer": "B"}``;
2. a label on a line of its own, or as the whole answer: ``**B**``, ``[[A]]``, ``Passage A``, ``(A)``;
3. a label at the very beginning with its reason behind it: ``A. Because ...``, ``B, since it ...``.

What names both (``A or B``, ``A is worse than B``, ``Compared to A, B ...``), denies (``not A``, ``neither``), asks,
supposes (``If ..., A``) or is taken back (``Wait, ...``) is none, and verdicts that contradict one another are none.
Of a cut-off answer only what was complete before the cut counts: "The answer is A" may have gone on with "or B".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rankkit.core.questions import Answer, Outcome
from rankkit.judging.answer_text import refuses, without_thinking
from rankkit.pairwise.verdict_json import NO_VERDICT, verdict_of_json

#: What stands for a mention of the first and of the second label once they were found: no model writes these.
FIRST, SECOND = "\ue000", "\ue001"
_T = f"[{FIRST}{SECOND}]"

_NOUN = (
    r"(?:passage|document|doc|text|option|choice|candidate|answer|response|article|paragraph|snippet|result"
    r"|段落|文档|文章|选项)"
)
_DENIES = re.compile(
    r"\b(?:not|no|none|neither|nor|never|cannot|less|least|lower|worse|worst|irrelevant|unrelated|wrong|incorrect|false"
    r"|hardly|barely|fail(?:s|ed)?|lacks?|los(?:es?|er|ing)|poor(?:er|ly)?|weak(?:er)?|off|without|miss(?:es|ing)?|only"
    r"|contrary|despite|doubt\w*|dis\w+|than|but|different|other|tied?|equal(?:ly)?|same|identical)\b|n't\b|\?|不|没",
    re.IGNORECASE,
)
#: A lead-in that makes a condition or another's opinion of what follows.
_SUPPOSES = re.compile(
    r"\b(?:if|unless|whether|when|assum\w+|suppos\w+|were|say\w*|claims?|argue\w*|wrong|mistak\w+|false|doubt\w*|den(?:y|ies)"
    r"|imagine|pretend\w*|instead|reject\w*|exclud\w+|eliminat\w+|discard\w*|remov\w+|avoid\w*|compar\w+)\b|如果",
    re.IGNORECASE,
)
_TAKES_BACK = re.compile(
    r"(?:but )?(?:wait|or (?:is|maybe|perhaps|rather)|just kidding|kidding|scratch that|correction"
    r"|on second thoughts?|actually|no|nope|hold on|hm+|sorry)\b[,.!:;… ]",
    re.IGNORECASE,
)
_REASON = r"(?:because|since|as (?:it|this|that)\b(?! one| of)|due to|given)\b"
_REMARK = r"(?P<remark>[^()\n]{0,80})"
#: What a verdict may go on with in its statement: nothing, a reason, the loser's name.
_END = (
    rf"(?P<end>(?:\.(?!\.)|[!。！;])*\Z|[,;:]? ?[-–—]? ?{_REASON}"
    rf"|,? ?\(?(?:and not|not|over|rather than|instead of) {_T}[.!;]*\Z| ?\({_REMARK}\)[.!;]*\Z)"
)
_ADVERB = (
    r"(?:(?:clearly|definitely|obviously|certainly|simply|therefore|thus|indeed|likely|probably|far|much|slightly) ?)?"
)
_LEAD = (
    r"(?:(?:(?:so|thus|therefore|hence|and),? |(?:sure|certainly|of course|okay|ok|yes|overall|finally|in conclusion"
    r"|in summary|to conclude|accordingly|wait|actually|no)[,:] ?"
    r"|i(?: would|'d)? (?:think|believe|conclude|judge)(?: that)? |it is clear that |it's clear that ){0,3})"
)
_ROLE = (
    r"(?:(?:my|the|final|correct|best|short|overall|right|single|one-letter|your) ){0,3}(?:answer|choice|verdict|winner"
    r"|pick|selection|preference|decision|conclusion|result|output|label|judge?ment|antwort|réponse|respuesta|risposta"
    r"|resposta|ответ)"
)
_RELEVANT = r"(?:more|most) (?:relevant|useful|helpful|appropriate|suitable|pertinent)"
_SUBJECT = (
    rf"(?:the )?(?:{_RELEVANT}|better|best|preferred|winning)(?: (?:match|one|{_NOUN}))?"
    r"(?P<free>(?: [\w'’\"&-]{1,30}){0,20}?)"
)
_THAT = rf"(?:the )?{_NOUN} (?:that|which)(?P<free>(?: [\w'’\"&-]{{1,30}}){{1,20}}?)"
_IS = r"(?: ?(?:->|→|[:=：])| is| would be| must be| remains)(?: ?[:：])? ?"
_CHOOSES = (
    r"(?:i(?:'d| would| will|'ll| have)? )?(?:\w+ly )?(?:choose|chose|chosen|pick|picked|select|selected|prefer"
    r"|vote for|go with|going with|opt for|went with) "
)
_BEST = (
    rf"(?:{_RELEVANT}|(?:the )?(?:better|best|correct|right|winning|preferred|{_RELEVANT}) (?:match|one|fit|{_NOUN})"
    r"|(?:the )?(?:answer|winner)\b|(?:the )?(?:better|best|preferred|preferable)(?= ?[.!]*\Z))"
)
_COMPARED = rf"(?:{_RELEVANT}|(?:a )?(?:better|stronger)(?: (?:match|fit|answer|choice))?)"
_ANNOUNCED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_LEAD}{_ROLE}{_IS}{_ADVERB}(?P<label>{_T}){_END}",
        rf"(?:答案|回答|正解|정답|답)(?:是|为|は)?[：: ]?(?P<label>{_T}){_END}",
        rf"(?:我选择?|选择?) ?(?P<label>{_T}){_END}",
        rf"{_LEAD}{_SUBJECT}{_IS}{_ADVERB}(?P<label>{_T}){_END}",
        rf"{_LEAD}{_THAT} is {_ADVERB}(?P<label>{_T}){_END}",
        rf"{_LEAD}{_CHOOSES}(?P<label>{_T})(?: as {_SUBJECT})?{_END}",
        rf"{_LEAD}(?P<label>{_T}) (?:is|seems|appears|looks|would be)(?: to be)? {_ADVERB}{_COMPARED} (?P<tail>"
        rf"(?:to [^\n{FIRST}{SECOND}]{{1,100}} )?)than {_T}{_END}",
        rf"{_LEAD}(?P<label>{_T}) (?:provides|gives|offers|is) (?:a|the) {_ADVERB}(?:better|best|{_RELEVANT})"
        rf" (?:answer|match|fit)(?P<tail>[^\n{FIRST}{SECOND}]{{0,300}})\Z",
        rf"{_LEAD}(?P<label>{_T}) (?:is|seems|appears|looks|would be)(?: to be)? {_ADVERB}{_BEST}"
        rf"(?P<tail>[^\n{FIRST}{SECOND}]{{0,300}})\Z",
        rf"{_LEAD}(?:it is|it's|i(?:'d| would) say)(?: that)? {_ADVERB}(?P<label>{_T}){_END}",
        rf"(?P<label>{_T})(?: wins|,? (?:and not|not|over|rather than|instead of) {_T})[.!]?\Z",
        rf"(?P<label>{_T})(?:更|更为)(?:相关|好|合适)[。!！.]?\Z",
        rf"(?P<label>{_T}) ?> ?{_T}[.!]?\Z",
        rf"[^\n{FIRST}{SECOND}]{{0,200}}"
        rf"\\boxed ?\{{? ?(?:\\(?:text|textbf|mathrm|mathbf)? ?\{{?)? ?(?P<label>{_T})[ }}$.]*\Z",
    )
)
_PRAISE = re.compile(
    rf"(?P<label>{_T})(?P<between>[^\n.;{FIRST}{SECOND}]{{0,60}}?)\b(?:better|best|{_RELEVANT}|wins)\b", re.IGNORECASE
)
_LONE = re.compile(rf"(?P<label>{_T})[.!。]?")
#: A label at the beginning with a reason on its line: what parts them, and how the reason begins.
_HEAD = re.compile(
    rf"(?P<label>{_T})(?:(?P<stop>\.) +(?=(?:because|since|as|due|it|this|that|the|reason\w*|explanation|based|although"
    rf"|while|i|both|\w+ly)\b|{_T}[ ,'’])"
    rf"|[,;:]? ?[-–—]? ?(?={_REASON})| ?\((?={_REASON})|(?:[,;:]| ?[-–—]) ?(?=(?:it|this)\b))"
    rf"(?P<reason>[^\n]{{1,400}})",
    re.IGNORECASE,
)
_BEGINS_A_LIST = re.compile(rf"(?:^|[\n.,;:])[ >#•-]{{0,4}}(?P<label>{_T}) ?(?:[:=.]|[-–—] )")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？])|, (?=(?:so|therefore|thus|hence)\b)")
_LEAD_IN = re.compile(rf"[^{FIRST}{SECOND}\n]{{1,200}}, ")
_POLITE = re.compile(r"(?:sure|certainly|of course|okay|ok|yes)[!.,:]\s*", re.IGNORECASE)
_NOUNED = re.compile(rf"\W*(?:the )?{_NOUN}\b", re.IGNORECASE)
_FENCE = re.compile(r"```[A-Za-z]{0,10}")
_XML = re.compile(r"</?(?:final_|final )?(?:answer|verdict|choice|final|output|result|response|winner|decision)>", re.I)
_TAGGED = re.compile("<answer>", re.IGNORECASE)
_QUOTES = {ord(shape): plain for plain, shapes in {"'": "’‘`´", '"': "“”„«»"}.items() for shape in shapes}


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
    said = _FENCE.sub("\n", _XML.sub("\n", visible)).strip()
    marked = _marked(said, labels)
    cut = finish == "length"
    found = None if unfinished else _found(said, marked, labels, cut=cut)
    if found is not None:
        value = float(found == FIRST)
        return Answer(value) if _LONE.fullmatch(marked) else Answer(value, Outcome.REPAIRED, ("prose",))
    if refuses(said) and not {FIRST, SECOND} & set(marked):
        return Answer(None, Outcome.REFUSED, ("refused",))
    if cut or unfinished:
        return Answer(None, Outcome.TRUNCATED, ("truncated",))
    return Answer(None, Outcome.UNREADABLE, ("prose" if said else "empty",))


def _found(said: str, marked: str, labels: tuple[str, str], *, cut: bool) -> str | None:
    json_value = verdict_of_json(said)
    if json_value is NO_VERDICT:
        return None
    if json_value is not None:
        found = _LONE.fullmatch(_marked(json_value, labels))
        return found["label"] if found else None
    if cut and _unfinished(said, marked):
        return None
    polite = _POLITE.match(marked)
    return _of_words(marked[polite.end() :] if polite else marked, cut=cut)


def _unfinished(said: str, marked: str) -> bool:
    """Whether the first line of a cut-off answer may be a heading, with the other passage's still to come."""
    lines = [line.strip() for line in marked.split("\n") if line.strip()]
    if len(lines) < 2 or not _LONE.fullmatch(lines[0].lstrip("#> ")):
        return False
    reasoned = re.match(rf"(?:reason|because|explanation)|{lines[0][0]}", lines[1], re.IGNORECASE) is not None
    return (lines[1][0] in FIRST + SECOND and lines[1][0] != lines[0][0]) or (
        _NOUNED.match(said) is not None and not reasoned
    )


def _marked(text: str, labels: tuple[str, str]) -> str:
    """The answer with emphasis taken off, and with ``FIRST`` and ``SECOND`` for each mention of a label, whatever noun
    and brackets are around it.

    Bare labels count in their own case only, since "a" is a word; alone on a line or behind a colon in any case.
    """
    folded = "".join(map(_folded, text)).translate(_QUOTES).replace("**", "").replace("__", "").replace("*", "")
    return _mentions(labels)(folded).strip()


def _folded(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) in ("Cf", "Mn", "Co"):
        return ""
    shape = unicodedata.normalize("NFKC", character)
    return (
        shape
        if len(shape) == 1 and shape.isascii()
        else "["
        if character in "【〔"
        else "]"
        if character in "】〕"
        else character
    )


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
        return self.names[" ".join(found["label"].split()).casefold()]


def _mentions(labels: tuple[str, str]) -> _Mentions:
    names = {" ".join(label.split()).casefold(): mark for label, mark in zip(labels, (FIRST, SECOND), strict=True)}
    either = "|".join(sorted((re.escape(" ".join(label.split())) for label in labels), key=len, reverse=True))
    opens, closes = r"[(\[{<\"']{0,4}", r"[)\]}>\"']{0,4}"
    noun = rf"(?:(?<!\w)(?i:(?:the )?{_NOUN})[ #]{{0,2}})"
    mention = rf"{opens}(?P<label>{either}){closes}"
    patterns = [
        # On its own line or at the end of one behind a colon: in any case.
        re.compile(rf"^[ \t>-]{{0,4}}{noun}?(?i:{mention})(?=[.!]?[ \t]{{0,4}}$)", re.MULTILINE),
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


def _of_words(text: str, *, cut: bool) -> str | None:
    """The label of the one verdict that an answer gives."""
    announced: list[str] = []
    alone: list[str] = []
    before = ""
    for line, last in _lines(text):
        if _LONE.fullmatch(line):
            if not (last and cut) and not _denies_the_next(before):
                alone.append(line[0])
        elif not before and (label := _at_head(line, cut=cut and last)):
            alone.append(label)
        for sentence, ends in _sentences(line):
            if (announced or alone) and _TAKES_BACK.match(sentence):
                return None
            label = _announced(sentence, cut=cut and last and ends)
            announced += [label] if label else []
        before = line
    if announced and set(alone) == {FIRST, SECOND}:
        alone = []  # headings over what is said of each
    if not announced and (_denied_below(text) or _listed(text)):
        return None
    labels = {*announced, *alone}
    label = labels.pop() if len(labels) == 1 else None
    return None if label is None or _against(text, label) else label


def _against(text: str, label: str) -> bool:
    """Whether the other one is praised all the same, or stands at the head of a one-line answer."""
    other = SECOND if label == FIRST else FIRST
    heads = text[:1] == other and text[1:2] in ".,:" and "\n" not in text and not _listed(text)
    return heads or any(
        not _DENIES.search(found["between"]) for found in _PRAISE.finditer(text) if found["label"] == other
    )


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for place, line in enumerate(lines):
        yield line.lstrip("#> -•\t").strip(), place == len(lines) - 1


def _sentences(line: str) -> Iterator[tuple[str, bool]]:
    sentences = [sentence for sentence in _SENTENCE.split(line) if sentence]
    for place, sentence in enumerate(sentences):
        yield sentence.strip(), place == len(sentences) - 1


def _announced(sentence: str, *, cut: bool) -> str | None:
    """The label that a sentence announces as the better one."""
    lead = _LEAD_IN.match(sentence)
    starts = [0] if lead is None or _SUPPOSES.search(lead[0]) else [0, lead.end()]
    for start in starts:
        for pattern in _ANNOUNCED:
            found = pattern.match(sentence, start)
            if found and _holds(found, cut=cut):
                return found["label"]
    return None


def _holds(found: re.Match[str], *, cut: bool) -> bool:
    """Whether the free words of an announcement leave it one, and a cut cannot have changed it."""
    groups = found.groupdict()
    if any(_DENIES.search(groups.get(name) or "") for name in ("free", "tail", "remark")):
        return False
    if (
        groups.get("free")
        and found.re is _ANNOUNCED[4]
        and not re.search(_RELEVANT + "|better|best", groups["free"], re.I)
    ):
        return False  # "the passage that mentions dogs is A"
    end = groups.get("end")
    return not cut or (
        (end is not None and end.endswith((".", "!", "。"))) or re.search(_REASON, end or "", re.I) is not None
    )


def _at_head(line: str, *, cut: bool) -> str | None:
    found = _HEAD.match(line)
    if found is None:
        return None
    label, reason = found["label"], found["reason"]
    other = SECOND if label == FIRST else FIRST
    first = re.split(rf"[.!?]\s|{other}", reason, maxsplit=1)[0]
    if _DENIES.search(first) or (
        cut and (reason.startswith(other) or not (found["stop"] or re.match(_REASON, reason, re.I)))
    ):
        return None
    return label


def _denies_the_next(line: str) -> bool:
    """ "Less relevant:" over a label, or a sentence that a line break parts."""
    return not line.endswith((".", "!", "?", "。")) and (_DENIES.search(line) or _SUPPOSES.search(line)) is not None


def _denied_below(text: str) -> bool:
    """Whether a label on the first line is denied on the next: a heading, no verdict."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) < 2:
        return False
    about = re.match(rf"\W*(?:it|this|that|the|reason|explanation|{_NOUN})\b|\(", lines[1], re.IGNORECASE)
    clause = re.split(rf"[.!?;,]|{_T}", lines[1])[0]
    return _DENIES.match(lines[1]) is not None or (about is not None and _DENIES.search(clause) is not None)


def _listed(text: str) -> bool:
    """Whether both labels begin what is said of them: "A: about dogs. B: about cats"."""
    return len({found["label"] for found in _BEGINS_A_LIST.finditer(text)}) > 1
