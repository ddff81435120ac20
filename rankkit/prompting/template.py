"""Prompt files: every word that is said to a model, as data with a version, a source and a fingerprint.

A file is TOML under ``prompts/<paradigm>/``. It names the kind of ``question`` that it puts, and holds either
``[[messages]]`` for a chat model or one ``text`` for a model that reads plain text to the letter. Placeholders are
``$name`` (``string.Template``), so braces in documents are harmless::

    question = "order"                # placeholders: $query $count $passages $last $marks ("[1], [2], ...")
    version = 1
    source = "where the wording or the trained format comes from"
    passage = "[$label] $passage"     # one of $passages; the word with $label is its mark; $score is the first stage's

    [[messages]]
    role = "user"
    content = "Rank these $count passages for: $query\\n$passages"

A message with ``each = true`` is repeated for every passage. ``[answer]`` holds what the judge needs to read the
answer. A prompt that can pass on a request's instruction has ``$instruction`` where it belongs, and ``[instruction]``
says what stands there: ``given`` ("Follow this too: $instruction"), or ``none`` where the request has no instruction.
``chat_template`` names the turns that a model was trained on, where those that its file carries are not to be trusted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Literal

from rankkit.errors import PromptError
from rankkit.prompting.sanitize import Frame, sanitize


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


#: Messages go through the model's chat template; a plain string is what the model sees, to the letter.
Prompt = tuple[Message, ...] | str


def without_template(messages: Sequence[Message]) -> str:
    """What a model without a chat template sees: the contents with empty lines between, and the answer on a new line.

    An assistant's message at the end is the beginning of the answer: it is gone on with where it stops.
    """
    text = "\n\n".join(message.content for message in messages)
    return text if messages[-1].role == "assistant" else f"{text}\n"


#: A line's beginning up to a passage: what stands before its label and behind it. A comparison's labels are its words.
_LABELLED = re.compile(
    r"^([^\n$]*?)(?:\$label\b|\$\{label\}|(?<![A-Za-z])[A-Z]|\d)([^\w\n$]*)\$\{?(?:passage|first|second)\b",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """One message of a prompt, or, with ``each``, one that is repeated for every passage."""

    role: Literal["system", "user", "assistant"]
    content: str
    each: bool = False


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt file, checked. ``parts`` is empty where the model is given plain ``text``."""

    name: str
    question: Literal["score", "compare", "order", "choose"]
    version: int
    source: str
    description: str
    parts: tuple[MessageTemplate, ...]
    text: str
    passage: str
    labels: Literal["numbers", "letters"]
    answer: tuple[tuple[str, str], ...]
    #: What stands in place of ``$instruction``: around one that is given, and for none.
    instruction: tuple[str, str] | None = None
    #: The turns that the model was trained on, by the name of a chat template, where its file may carry others.
    chat_template: str = ""

    @property
    def fingerprint(self) -> str:
        """12 hex digits over everything that a model sees and how its answer is read."""
        said: list[object] = [self.question, [(p.role, p.content, p.each) for p in self.parts], self.text, self.passage]
        said += [self.labels, self.answer, *([self.instruction] if self.instruction else [])]
        said += [self.chat_template] if self.chat_template else []
        content = json.dumps(said)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def answers(self, key: str, default: str | None = None) -> str:
        """A value of ``[answer]``.

        Raises:
            PromptError: the judge needs it and the file does not say.
        """
        value = dict(self.answer).get(key, default)
        if value is None:
            raise PromptError(f"prompt {self.name!r} does not say {key!r} under [answer]")
        return value

    def label(self, position: int) -> str:
        """The identifier of the passage at ``position``, counted from 0: 1, 2, ... or A, B, ..., Z, AA, ..."""
        if self.labels == "numbers":
            return str(position + 1)
        letters = ""
        position += 1
        while position:
            position, letter = divmod(position - 1, 26)
            letters = chr(ord("A") + letter) + letters
        return letters

    @property
    def mark(self) -> str:
        """How a passage is named, as a template: the word that holds ``$label`` where the passages are shown."""
        found = re.search(r"[^\s$]*\$(?:label\b|\{label\})[^\s$]*", self._shown[0])
        return found[0].rstrip(":.,") if found else "$label"

    def neutral(self, text: str) -> str:
        """Document text that cannot pass for anything else in this prompt: see ``rankkit.prompting.sanitize``."""
        return sanitize(text, self._frames)

    def said_of(self, query: str, instruction: str = "") -> dict[str, str]:
        """What ``render`` is given of a query and its instruction."""
        said = {"query": self.neutral(query)}
        return said | ({"instruction": self.neutral(instruction)} if self.takes_instruction else {})

    @property
    def _shown(self) -> list[str]:
        """What passages are shown in, one at a time."""
        return [part.content for part in self.parts if part.each and "passage" in part.content] or [self.passage]

    @property
    def _frames(self) -> list[Frame]:
        """What stands around labels on the passages' lines. A bare "3." is none: every list in a document has it."""
        written = [self.text, *(part.content for part in self.parts)] if self.question == "compare" else self._shown
        frames = [(found[1], found[2]) for text in written for found in _LABELLED.finditer(text)]
        return [(before, after) for before, after in frames if re.search(r"\w\W*$", before) and before[-1] not in "[("]

    @property
    def shows_scores(self) -> bool:
        """Whether ``render`` needs the first stage's scores beside the passages."""
        repeated = (self.passage, *(part.content for part in self.parts if part.each))
        return any("score" in Template(text).get_identifiers() for text in repeated)

    @property
    def takes_instruction(self) -> bool:
        """Whether a request's instruction has a place in it."""
        return self.instruction is not None

    def render(self, values: Mapping[str, str], passages: Sequence[str] = (), scores: Sequence[str] = ()) -> Prompt:
        """Fill in the placeholders. ``passages`` get their labels in order; everything given is data and is not read
        for placeholders.
        """
        rows = [{"label": self.label(position), "passage": text} for position, text in enumerate(passages)]
        rows = [row | {"score": score} for row, score in zip(rows, scores, strict=True)] if scores else rows
        filled = dict(values)
        if self.instruction is not None:
            said = values.get("instruction", "")
            filled["instruction"] = (
                Template(self.instruction[0]).substitute(instruction=said) if said else self.instruction[1]
            )
        if passages:
            lines = [Template(self.passage).substitute(row) for row in rows]
            marks = ", ".join(Template(self.mark).substitute(row) for row in rows)
            filled |= {"count": str(len(rows)), "last": rows[-1]["label"], "passages": "\n".join(lines), "marks": marks}
        if not self.parts:
            return Template(self.text).substitute(filled)
        return tuple(self._messages(filled, rows))

    def _messages(self, filled: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> list[Message]:
        """Neighbouring ``each`` parts go together: a user's and an assistant's turn for passage 1, both for passage
        2, ...
        """
        messages: list[Message] = []
        group: list[MessageTemplate] = []
        for part in (*self.parts, None):
            if part is not None and part.each:
                group.append(part)
                continue
            for row in rows if group else ():
                messages += (Message(each.role, Template(each.content).substitute(row)) for each in group)
            group = []
            if part is not None:
                messages.append(Message(part.role, Template(part.content).substitute(filled)))
        return messages
