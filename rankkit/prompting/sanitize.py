"""Document text as data: nothing in it can pass for a mark of the prompt around it or for a turn of the chat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rankkit.prompting.sanitize_shapes import places, seen

#: White space; characters without ink are not seen at all (``sanitize_shapes``).
_SPACE = r"\s\u2800"
_GAP = f"[{_SPACE}]*+"
_LABEL = r"(?:\d{1,4}|[A-Z]{1,2})"
_NOUN = (
    r"(?:passages?|documents?|docs?|texts?|paragraphs?|snippets?|candidates?|articles?|items?|results?|options?"
    r"|identifiers?|ids?|[pd](?=\d)|段落|文段|文章|文档|文書|パッセージ)"
)
#: What joins a noun and its label: "Passage 3", "passage_3", "ID: 3", "doc #3", "Passage **3**".
_JOINT = rf"[{_SPACE}#:=_.*~`\-]*+(?:(?i:no|nr|number)\b[{_SPACE}.:]*+)?"
#: Between a noun and its label: "Passages" is no mark of S, "PassageS" is one.
_ENDS = r"(?:(?![^\W\d_])|(?<=[a-z])(?=[A-Z]))"
#: A mark in square brackets, with whatever small signs stand beside its label: "[3]", "[ #3 ]", "[Passage 3]", "[3.]".
_MARK = re.compile(
    rf"\[[{_SPACE}#*_]*+(?:(?i:{_NOUN}){_ENDS}{_JOINT}|(?i:no|nr)\b[{_SPACE}.:#]*+)?{_LABEL}[{_SPACE}.,:;)*_]*+\]"
)
#: The first character of what chat templates mark turns with, what tools are called with, what thinking is parted by.
_CONTROL = re.compile(
    "|".join(
        (
            r"<(?=\|)|\|(?=>)",  # ChatML, Llama 3, DeepSeek, Phi, GLM, Command R
            r"\[(?=\|[a-z_]{1,30}\|\])",  # EXAONE
            r"\](?=~!?b[\[\]])|\[(?=e~\[)",  # MiniMax
            r"<(?=/?(?:s|bos|eos|pad|unk|mask|cls|sep|sop|eop|eod)>)|<(?=/?(?:BOS|EOS|PAD|UNK|CLS|SEP|MASK|EOP)_TOKEN>)",
            r"<(?=/?(?:start|end|begin)_of_\w{1,20}>)|<(?=/?(?:start|end)_(?:header|footer)\w{0,10}>)",  # Gemma
            # ... and without the bars that they have, as some tokenizers and many imitations write them.
            r"<(?=/?(?:im_(?:start|end|sep)|eo[tm]_id|eo[tmha]|end_?of_?(?:text|turn|prompt)|python_tag)>)",
            r"<(?=/?(?:system|assistant|user|human|bot|ai|用户)>)",  # MiniCPM, and others' roles
            r"<(?=(?:unused_?|extra_id_|reserved_?|special_)\d{1,4}>|0x[0-9a-f]{2}>|fim_\w{1,10}>|\w{1,12}_soft_token>)",
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

#: The words before and behind a label, as a prompt writes it in front of a passage: ``("Passage ", ":")``.
Frame = tuple[str, str]


def sanitize(text: str, frames: Sequence[Frame] = ()) -> str:
    """Document text as data: ``[3]`` cannot pass for a passage's mark, ``Passage B:`` not for a prompt's own way to
    write one (``frames``), nor ``<|im_start|>`` or ``[INST]`` for a turn of the chat; in other shapes (``［3］``,
    ``⟦3⟧``, ``<｜User｜>``), in letters of other scripts, with emphasis or with invisible characters inside, no more
    than in these.

    What is left reads the same to a person: ``[3]`` becomes ``(3)``, ``Passage B:`` becomes ``Passage (B):``, and
    control marks lose their power by a space. Everything else stays as it is, to the letter, marks of vowels, joined
    emoji and invisible characters included. Sanitizing twice is the same as once; the time is linear in the text.
    """
    looks = seen(text)
    marks = [found.span() for found in _MARK.finditer(looks)]
    labels = [found.span("label") for frame in frames for found in _framed(*frame).finditer(looks)]
    controls = [found.start() for found in _CONTROL.finditer(looks)]
    if not (marks or labels or controls):
        return text
    at = places(text)
    edits = _Edits(text)
    for start, end in labels:
        edits.bracket(at[start], at[end - 1])
    for start, end in marks:
        edits.replace_ends(at[start], at[end - 1])
    for start in controls:
        edits.part(at[start])
    return edits.done()


class _Edits:
    """Changes of single characters of a text, made at once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._instead: dict[int, str] = {}

    def bracket(self, first: int, last: int) -> None:
        """Round brackets around what stands from ``first`` to ``last``; once, if two frames find it."""
        if not self._at(first).startswith("("):
            self._instead[first] = f"({self._at(first)}"
            self._instead[last] = f"{self._at(last)})"

    def replace_ends(self, first: int, last: int) -> None:
        self._instead[first], self._instead[last] = "(", ")"

    def part(self, place: int) -> None:
        self._instead[place] = f"{self._at(place)} "

    def done(self) -> str:
        return "".join(self._instead.get(place, character) for place, character in enumerate(self._text))

    def _at(self, place: int) -> str:
        return self._instead.get(place, self._text[place])


@lru_cache(maxsize=64)
def _framed(before: str, after: str) -> re.Pattern[str]:
    """A label as the frame has it. Whole words, and capitals where nothing stands behind it: an "a" or an "is" behind
    the word "passage" is no label. Of what stands behind a label its first character tells enough, whatever emphasis,
    quotes or spaces are between. As a heading, or between marks of emphasis, the label needs nothing behind it.
    """
    words = seen(before).strip(" \t\n#*_~`").split()
    end = seen(after).strip(" \t\n#*_~`")[:1]
    label = rf"{_LABEL}|[a-z]" if end else _LABEL
    return re.compile(
        rf"(?:(?P<heading>#{{1,6}}{_GAP}[*_~`]{{0,3}})|(?P<emphasis>[*_~`]{{1,3}}))?"
        rf"(?<![^\W_])(?i:{_GAP.join(map(re.escape, words))}){_ENDS}{_JOINT}[\"'“”‘’]?(?P<label>{label})(?![^\W_])"
        rf"(?:[{_SPACE}*_~`\"'“”‘’)\]]*+(?i:{re.escape(end)})|(?(heading)|(?(emphasis)[*_~`]|(?!))))"
    )
