"""The sentences that give a verdict: announcements, and a label at the head of a line with its reason behind it.

All patterns work on marked text (``verdict_mentions``) and match from a sentence's first word on.
"""

from __future__ import annotations

import re

from rankkit.pairwise.verdict_mentions import MENTION as _T
from rankkit.pairwise.verdict_mentions import NOUN, other

DENIES = re.compile(
    r"\b(?:not|no|none|neither|nor|never|cannot|less|least|lower|worse|worst|irrelevant|unrelated|wrong|incorrect|false"
    r"|hardly|barely|fail(?:s|ed)?|lacks?|los(?:es?|er|ing)|poor(?:er|ly)?|weak(?:er)?|off|without|miss(?:es|ing)?|only"
    r"|contrary|despite|doubt\w*|dis\w+|than|but|different|other|tied?|equal(?:ly)?|same|identical"
    r"|nicht|kein\w*|weniger|weder|pas|moins|menos|meno|non|ni)\b|n't\b|\?|不|没|ない|❌|✗",
    re.IGNORECASE,
)
#: A lead-in that makes a condition or another's opinion of what follows.
SUPPOSES = re.compile(
    r"\b(?:if|unless|whether|when|assum\w+|suppos\w+|were|say\w*|claims?|argue\w*|wrong|mistak\w+|false|doubt\w*|den(?:y|ies)"
    r"|imagine|pretend\w*|instead|reject\w*|exclud\w+|eliminat\w+|discard\w*|remov\w+|avoid\w*|compar\w+|example|e\.g\.)\b"
    r"|如果",
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
    r"|pick|selection|preference|decision|conclusion|result|output|label|judge?ment)"
)
_RELEVANT = r"(?:more|most) (?:relevant|useful|helpful|appropriate|suitable|pertinent)"
_SUBJECT = (
    rf"(?:the )?(?:{_RELEVANT}|better|best|preferred|winning)(?: (?:match|one|{NOUN}))?"
    r"(?P<free>(?: [\w'’\"&-]{1,30}){0,20}?)"
)
_THAT = rf"(?:the )?{NOUN} (?:that|which)(?P<which>(?: [\w'’\"&-]{{1,30}}){{1,20}}?)"
_IS = r"(?: ?(?:->|→|[:=：])| is| would be| must be| remains)(?: ?[:：])? ?"
_SEEMS = r"(?:is|seems|appears|looks|would be)(?: to be)?"
_CHOOSES = (
    r"(?:i(?:'d| would| will|'ll| have)? )?(?:\w+ly )?(?:choose|chose|chosen|pick|picked|select|selected|prefer"
    r"|vote for|go with|going with|opt for|went with) "
)
_BEST = (
    rf"(?:{_RELEVANT}|(?:the )?(?:better|best|correct|right|winning|preferred|{_RELEVANT}) (?:match|one|fit|{NOUN})"
    r"|(?:the )?(?:answer|winner)\b|(?:the )?(?:better|best|preferred|preferable)(?= ?[.!]*\Z))"
)
_COMPARED = rf"(?:{_RELEVANT}|(?:a )?(?:better|stronger)(?: (?:match|fit|answer|choice))?)"
_TAIL = rf"(?P<tail>[^\n{_T[1:-1]}]{{0,300}})\Z"
_ENGLISH = (
    rf"{_LEAD}{_ROLE}{_IS}{_ADVERB}(?P<label>{_T}){_END}",
    rf"{_LEAD}{_SUBJECT}{_IS}{_ADVERB}(?P<label>{_T}){_END}",
    rf"{_LEAD}{_THAT} is {_ADVERB}(?P<label>{_T}){_END}",
    rf"{_LEAD}{_CHOOSES}(?P<label>{_T})(?: as {_SUBJECT})?{_END}",
    rf"{_LEAD}(?P<label>{_T}) {_SEEMS} {_ADVERB}{_COMPARED} (?P<tail>(?:to [^\n{_T[1:-1]}]{{1,100}} )?)than {_T}{_END}",
    rf"{_LEAD}(?P<label>{_T}) (?:provides|gives|offers|is) (?:a|the) {_ADVERB}(?:better|best|{_RELEVANT})"
    rf" (?:answer|match|fit){_TAIL}",
    rf"{_LEAD}(?P<label>{_T}) {_SEEMS} {_ADVERB}{_BEST}{_TAIL}",
    rf"{_LEAD}(?:it is|it's|i(?:'d| would) say)(?: that)? {_ADVERB}(?P<label>{_T}){_END}",
    rf"(?:so|thus|therefore|hence|accordingly),? (?P<label>{_T}){_END}",
    rf"(?P<label>{_T})(?: wins|,? (?:and not|not|over|rather than|instead of) {_T})[.!]?\Z",
    rf"{_LEAD}(?P<label>{_T}) {_ADVERB}(?:beats|outranks|outperforms|wins (?:over|against)"
    rf"|is (?:preferred|preferable|superior) to|is preferred over) {_T}{_END}",
)
_OTHER_LANGUAGES = (
    r"(?:(?:die|la|meine|ma|mi|mia|richtige|bonne|finale|correcta) ){0,3}(?:antwort|réponse|respuesta|risposta|resposta"
    r"|ответ)(?: (?:correcte?|correcta|finale?|corretta))?(?: ?[:：]| (?:ist|lautet|est|es|è)(?: ?:)?) ?"
    rf"(?P<label>{_T}){_END}",
    rf"(?P<label>{_T}) ist (?:(?:klar|deutlich|eindeutig) )?(?:relevanter|besser)(?: als {_T})?[.!]?\Z",
    rf"(?P<label>{_T}) (?:est|es|è) (?:(?:plus|más|mas|più) (?:pertinente?|relevante|rilevante)"
    rf"|meilleure?|mejor|migliore)(?: (?:que|di|del) {_T})?[.!]?\Z",
    rf"(?:答案|回答|正解|答え|정답|답)(?:是|为|は)?[：: ]?(?P<label>{_T})(?:です)?{_END}",
    rf"(?:我选择?|选择?) ?(?P<label>{_T}){_END}",
    rf"(?P<label>{_T})(?:比{_T})?(?:更|更为)(?:相关|好|合适)[。!！.]?\Z",
    rf"(?P<label>{_T})(?:の方|のほう)が(?:より)?(?:関連(?:性|度)が高い|適切|良い|いい)(?:です)?[。.]?\Z",
)
_SIGNS = (
    rf"(?P<label>{_T}) ?>{{1,3}} ?{_T}[.!]?\Z",
    rf"[^\n{_T[1:-1]}]{{0,200}}\\boxed ?\{{? ?(?P<label>{_T})[ }}$.]*\Z",
)
_ANNOUNCED = tuple(re.compile(pattern, re.IGNORECASE) for pattern in (*_ENGLISH, *_OTHER_LANGUAGES, *_SIGNS))
#: A label at the beginning with a reason on its line: what parts them, and how the reason begins.
_HEAD = re.compile(
    rf"(?P<label>{_T})(?:(?P<stop>\.) +(?=(?:because|since|as|due|it|this|that|the|reason\w*|explanation|based|although"
    rf"|while|i|both|\w+ly)\b|{_T}[ ,'’])"
    rf"|[,;:]? ?[-–—]? ?(?={_REASON})| ?\((?={_REASON})|(?:[,;:]| ?[-–—]) ?(?=(?:it|this)\b))"
    rf"(?P<reason>[^\n]{{1,400}})",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(rf"[^{_T[1:-1]}\n]{{1,200}}, ")
#: What makes "A would be more relevant" a wish.
_WISHES = re.compile(r"\b(?:if|had|were|with|when|unless|provided|assuming|but|though)\b", re.IGNORECASE)
_FULL_STOP = re.compile(r"[.!?。！？;][\"')\]]*\Z")


def announced(sentence: str, *, cut: bool) -> str | None:
    """The label that a sentence announces as the better one. ``cut``: the answer was cut off in it."""
    lead = _LEAD_IN.match(sentence)
    starts = [0] if lead is None or SUPPOSES.search(lead[0]) else [0, lead.end()]
    for start in starts:
        for pattern in _ANNOUNCED:
            found = pattern.match(sentence, start)
            if found and _holds(found, cut=cut):
                return found["label"]
    return None


def _holds(found: re.Match[str], *, cut: bool) -> bool:
    """Whether the free words of an announcement leave it one, and a cut cannot have changed it."""
    groups = found.groupdict()
    if any(DENIES.search(groups.get(name) or "") for name in ("free", "which", "tail", "remark")):
        return False
    if "would be" in found[0] and _WISHES.search(groups.get("tail") or ""):
        return False
    if groups.get("which") and not re.search(f"{_RELEVANT}|better|best", groups["which"], re.IGNORECASE):
        return False  # "the passage that mentions dogs is A"
    end = groups.get("end")
    if not cut:
        return True
    if end is None:
        return False
    reasoned = re.search(_REASON, end, re.IGNORECASE) is not None
    behind = found.string[found.end() :]
    return end.endswith((".", "!", "。")) or (reasoned and not _may_turn(behind, found["label"]))


def at_head(line: str, *, cut: bool) -> str | None:
    """The label at the beginning of a line whose reason, the rest of the line, does not deny it. ``cut``: the answer
    was cut off in this line.
    """
    found = _HEAD.match(line)
    if found is None:
        return None
    label, reason = found["label"], found["reason"]
    first = re.split(rf"[.!?]\s|{other(label)}", reason, maxsplit=1)[0]
    if DENIES.search(first):
        return None
    begun = found["stop"] or re.match(_REASON, reason, re.IGNORECASE)
    return None if cut and (not begun or _may_turn(reason, label)) else label


def _may_turn(reason: str, label: str) -> bool:
    """Whether a reason that was cut off speaks of the other one in a sentence without an end: "A, because B is ..." may
    go on with "better, it loses".
    """
    if other(label) not in reason:
        return False
    before, _, _ = reason.rpartition(other(label))
    end = re.search(r"[.!?。]\s", reason[len(before) :])
    return end is None and _FULL_STOP.search(reason) is None
