"""Document text as data: nothing in it can pass for a mark of the prompt around it or for a turn of the chat."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

#: White space, and what has no width, between a mark's brackets and its label.
_GAP = r"[\s\u200b-\u200d\ufeff\ufe0f]*+"
_LABEL = r"(?:\d{1,4}|[A-Z]{1,2})"
_MARK = re.compile(rf"\[{_GAP}{_LABEL}{_GAP}\]")
#: The first character of what chat templates mark turns with: ChatML, Llama 3 and DeepSeek; Gemma and sentencepiece's
#: own; Llama 2 and Mistral; and of blocks of thinking, which are no part of an answer.
_CONTROL = re.compile(
    r"<(?=\|)|\|(?=>)|<(?=/?(?:s|bos|eos|pad|unk|mask|start_of_turn|end_of_turn)>)|<(?=</?SYS>>)"
    r"|\[(?=/?(?:INST|THINK|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
    r"|[<◁](?=/?(?:seed:)?(?:think|thinking|thought|reasoning)[>▷])",
    re.IGNORECASE,
)

#: The words before and behind a label, as a prompt writes it in front of a passage: ``("Passage ", ":")``.
Frame = tuple[str, str]


def sanitize(text: str, frames: Sequence[Frame] = ()) -> str:
    """Document text as data: ``[3]`` cannot pass for a passage's mark, ``Passage B:`` not for a prompt's own way to
    write one (``frames``), nor ``<|im_start|>`` or ``[INST]`` for a turn of the chat; in other shapes (``［3］``,
    ``【3】``, ``<｜User｜>``) no more than in these.

    What is left reads the same to a person: ``[3]`` becomes ``(3)``, ``Passage B:`` becomes ``Passage (B):``, and
    control marks lose their power by a space. Everything else stays as it is, to the letter.
    """
    seen = _folded(text)
    instead: dict[int, str] = {}
    for before, after in frames:
        for found in _framed(before, after).finditer(seen):
            first, last = found.start("label"), found.end("label") - 1
            instead[first] = f"({text[first]}"
            instead[last] = f"{instead.get(last, text[last])})"
    for found in _MARK.finditer(seen):
        instead[found.start()], instead[found.end() - 1] = "(", ")"
    for found in _CONTROL.finditer(seen):
        instead[found.start()] = f"{text[found.start()]} "
    if not instead:
        return text
    return "".join(instead.get(place, character) for place, character in enumerate(text))


def _folded(text: str) -> str:
    """As long as the text, place by place: characters of other shapes as the ASCII ones that they stand for."""
    if text.isascii():
        return text
    return text.translate({ord(character): _plain(character) for character in set(text) if not character.isascii()})


def _plain(character: str) -> str:
    if character in "【〔［":
        return "["
    if character in "】〕］":
        return "]"
    shape = unicodedata.normalize("NFKC", character)
    return shape if len(shape) == 1 else character


def _framed(before: str, after: str) -> re.Pattern[str]:
    """Capitals only, and whole words: an "a" or an "is" behind the word "passage" is no label. Of what stands behind a
    label its first character tells enough, whatever quotes or spaces follow it.
    """
    start, end = (_GAP.join(map(re.escape, _folded(words).split())) for words in (before, after.strip()[:1]))
    return re.compile(rf"(?<!\w)(?i:{start}){_GAP}(?P<label>{_LABEL})(?!\w){_GAP}(?i:{end})")
