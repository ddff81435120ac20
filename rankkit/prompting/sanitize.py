"""Document text as data: nothing in it can pass for a mark of the prompt around it or for a turn of the chat."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

#: White space between a mark's brackets and its label; characters without ink are not seen at all (``_seen``).
_GAP = "[\\s\u2800]*+"
_LABEL = r"(?:\d{1,4}|[A-Z]{1,2})"
_NOUN = r"(?:passages?|documents?|docs?|texts?|paragraphs?|snippets?|candidates?|articles?|identifiers?|ids?)"
_MARK = re.compile(rf"\[{_GAP}(?:(?i:{_NOUN}){_GAP})?#?{_GAP}{_LABEL}{_GAP}\]")
#: The first character of what chat templates mark turns with, what tools are called with, what thinking is parted by.
_CONTROL = re.compile(
    "|".join(
        (
            r"<(?=\|)|\|(?=>)",  # ChatML, Llama 3, DeepSeek, Phi, GLM, Command R
            r"\[(?=\|[a-z_]{1,30}\|\])",  # EXAONE
            r"\](?=~!?b[\[\]])|\[(?=e~\[)",  # MiniMax
            r"<(?=/?(?:s|bos|eos|pad|unk|mask|cls|sep|sop|eop|eod)>)|<(?=/?(?:BOS|EOS|PAD|UNK|CLS|SEP|MASK|EOP)_TOKEN>)",
            r"<(?=/?(?:start|end|begin)_of_\w{1,20}>)|<(?=/?(?:start|end)_(?:header|footer)\w{0,10}>)",  # Gemma
            r"<(?=(?:unused_?|extra_id_|reserved_?)\d{1,4}>|0x[0-9a-f]{2}>|fim_\w{1,10}>|\w{1,12}_soft_token>)",
            r"<(?=</?SYS>>)",  # Llama 2
            r"\[(?=/?(?:INST|THINK|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT)\])",  # Mistral
            r"\[(?-i:(?=/?(?:ARGS|CALL_ID|PREFIX|SUFFIX|MIDDLE|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO)\]))",
            r"\[(?-i:(?=(?:CLS|SEP|MASK|gMASK|sMASK|PAD|UNK|BOS|EOS)\]))",  # GLM, BERT
            r"<(?=/?(?:\w{1,12}:)?(?:tools?|tool_\w{1,12}|function_calls?|functions?|invoke|arg_key|arg_value)>)",
            r"<(?=/?(?:seed|minimax):\w{1,20}>)",
            r"[<◁](?=/?(?:seed:)?(?:think|thinking|thought|reasoning)[>▷])",
        )
    ),
    re.IGNORECASE,
)
#: Characters without ink beside the categories of such (Cf, Mn, Me, Cc): fillers, and one that is not yet assigned.
_FILLERS = "\u115f\u1160\u3164\uffa0\u2065"

#: The words before and behind a label, as a prompt writes it in front of a passage: ``("Passage ", ":")``.
Frame = tuple[str, str]


def sanitize(text: str, frames: Sequence[Frame] = ()) -> str:
    """Document text as data: ``[3]`` cannot pass for a passage's mark, ``Passage B:`` not for a prompt's own way to
    write one (``frames``), nor ``<|im_start|>`` or ``[INST]`` for a turn of the chat; in other shapes (``［3］``,
    ``⟦3⟧``, ``<｜User｜>``), or with invisible characters inside, no more than in these.

    What is left reads the same to a person: ``[3]`` becomes ``(3)``, ``Passage B:`` becomes ``Passage (B):``, and
    control marks lose their power by a space. Everything else stays as it is, to the letter, marks of vowels, joined
    emoji and invisible characters included.
    """
    seen, places = _seen(text)
    instead: dict[int, str] = {}
    for before, after in frames:
        for found in _framed(before, after).finditer(seen):
            first, last = places[found.start("label")], places[found.end("label") - 1]
            instead[first] = f"({text[first]}"
            instead[last] = f"{instead.get(last, text[last])})"
    for found in _MARK.finditer(seen):
        instead[places[found.start()]], instead[places[found.end() - 1]] = "(", ")"
    for found in _CONTROL.finditer(seen):
        place = places[found.start()]
        instead[place] = f"{text[place]} "
    if not instead:
        return text
    return "".join(instead.get(place, character) for place, character in enumerate(text))


def _seen(text: str) -> tuple[str, Sequence[int]]:
    """The text as a reader sees it, and where each of its characters stands in the text: other shapes as the ASCII
    characters that they stand for, nothing for what has no ink.
    """
    shapes = {character: _plain(character) for character in set(text)}
    if all(shape == character for character, shape in shapes.items()):
        return text, range(len(text))
    places = [place for place, character in enumerate(text) if shapes[character]]
    return "".join(shapes[text[place]] for place in places), places


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """One character or none."""
    if " " <= character <= "~" or character in "\t\n\r\v\f":
        return character
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me", "Cc") or character in _FILLERS or 0xE0000 <= ord(character) <= 0xE0FFF:
        return ""
    shape = unicodedata.normalize("NFKC", character)
    shape = shape if len(shape) == 1 else character
    kind = unicodedata.category(shape)
    if kind in ("Ps", "Pe") and re.search("SQUARE|LENTICULAR|TORTOISE|HALF BRACKET", unicodedata.name(shape, "")):
        return "[" if kind == "Ps" else "]"
    return shape


@lru_cache(maxsize=64)
def _framed(before: str, after: str) -> re.Pattern[str]:
    """Capitals only, and whole words: an "a" or an "is" behind the word "passage" is no label. Of what stands behind a
    label its first character tells enough, whatever quotes or spaces follow it.
    """
    start, end = (_GAP.join(map(re.escape, _seen(words)[0].split())) for words in (before, after.strip()[:1]))
    return re.compile(rf"(?<!\w)(?i:{start}){_GAP}(?P<label>{_LABEL})(?!\w){_GAP}(?i:{end})")
