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
answer.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Literal, cast

from rankkit.errors import PromptError, nearest
from rankkit.prompting.files import read_prompt_file
from rankkit.prompting.sanitize import Frame
from rankkit.prompting.sanitize import sanitize as sanitize

PARADIGMS = ("pointwise", "pairwise", "listwise")


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


#: For each kind of question: the placeholders that may stand in a prompt, and those that must.
_PLACEHOLDERS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "score": (frozenset({"query", "passage"}), frozenset({"query", "passage"})),
    "compare": (frozenset({"query", "first", "second"}), frozenset({"query", "first", "second"})),
    "order": (frozenset({"query", "count", "passages", "last", "marks"}), frozenset({"query"})),
    "choose": (frozenset({"query", "count", "passages", "last", "marks"}), frozenset({"query"})),
}
#: A line's beginning up to a passage: what stands before its label and behind it. A comparison's labels are its words.
_LABELLED = re.compile(
    r"^([^\n$]*?)(?:\$label\b|\$\{label\}|(?<![A-Za-z])[A-Z]|\d)([^\w\n$]*)\$\{?(?:passage|first|second)\b",
    re.MULTILINE,
)
_EACH = frozenset({"label", "passage", "score"})
_ROLES = ("system", "user", "assistant")
_KEYS = {"question", "version", "source", "description", "labels", "passage", "text", "messages", "answer"}


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

    @property
    def fingerprint(self) -> str:
        """12 hex digits over everything that a model sees and how its answer is read."""
        said = [self.question, [(p.role, p.content, p.each) for p in self.parts], self.text, self.passage]
        content = json.dumps([*said, self.labels, self.answer])
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

    def render(self, values: Mapping[str, str], passages: Sequence[str] = (), scores: Sequence[str] = ()) -> Prompt:
        """Fill in the placeholders. ``passages`` get their labels in order; everything given is data and is not read
        for placeholders.
        """
        rows = [{"label": self.label(position), "passage": text} for position, text in enumerate(passages)]
        rows = [row | {"score": score} for row, score in zip(rows, scores, strict=True)] if scores else rows
        filled = dict(values)
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


def load_prompt(name: str | Path, paradigm: str | None = None) -> PromptTemplate:
    """A shipped prompt by name (``"rankgpt"``, ``"listwise/rankgpt"``), or one of your own by the path of its file.

    Raises:
        PromptError: no such prompt (with the nearest names), or a file that does not hold together.
    """
    file, called = find_prompt(name, paradigm)
    where = str(file) if Path(name).suffix == ".toml" else f"prompts/{called}.toml"
    return parse_prompt(read_prompt_file(file), name=called, where=where)


def find_prompt(name: str | Path, paradigm: str | None = None) -> tuple[Path, str]:
    """The file of a prompt that ships, or one of your own, and what the prompt is called.

    Raises:
        PromptError: no such prompt, or one of another paradigm.
    """
    path = Path(name)
    if path.suffix == ".toml":
        return path, path.stem
    shipped = list_prompts()
    known = [key for key in shipped if key.startswith(f"{paradigm or ''}")]
    called = [key for key in shipped if str(name) in (key, key.partition("/")[2])]
    wanted = [key for key in called if key in known]
    if called and not wanted:
        raise PromptError(
            f"prompt {called[0]!r} is for {called[0].partition('/')[0]} judges; a {paradigm} one is needed",
            hint=f"These are: {', '.join(known)}. Or give the path of a .toml file of your own.",
        )
    if len(wanted) != 1:
        problem = "more than one prompt is" if wanted else "no prompt is"
        raise PromptError(f"{problem} called {str(name)!r}", hint=nearest(str(name), wanted or known))
    return _folder() / f"{wanted[0]}.toml", wanted[0]


def list_prompts() -> list[str]:
    """The shipped prompts, as ``paradigm/name``."""
    root = _folder()
    return sorted(f"{paradigm}/{file.stem}" for paradigm in PARADIGMS for file in (root / paradigm).glob("*.toml"))


def _folder() -> Path:
    """Inside the package when it was installed from a wheel; beside it in a checkout, which an editable install
    points at.
    """
    inside = Path(str(resources.files("rankkit"))) / "prompts"
    if inside.is_dir():
        return inside
    checkout = inside.parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "prompts").is_dir():
        return checkout / "prompts"
    raise PromptError(
        f"the prompt files are neither in {inside} nor in {checkout / 'prompts'}",
        hint="The installation is incomplete: install rankkit again.",
    )


def parse_prompt(content: str, *, name: str, where: str) -> PromptTemplate:
    """Read and check a prompt's TOML. ``where`` is how errors call it."""
    try:
        data = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise PromptError(f"{where} is not TOML: {error}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets in brackets in brackets
        raise PromptError(f"{where} is no prompt: it holds numbers or lists beyond all measure") from error
    unknown = sorted(set(data) - _KEYS)
    if unknown:
        raise PromptError(f"{where} has unknown key(s): {', '.join(unknown)}", hint=nearest(unknown[0], _KEYS))
    question = data.get("question")
    if not isinstance(question, str) or question not in _PLACEHOLDERS:
        seen = "missing" if question is None else clipped(question)
        raise PromptError(f"{where}: question is {seen}", hint=nearest(str(question)[:40], _PLACEHOLDERS))
    if ("messages" in data) == ("text" in data):
        raise PromptError(f"{where}: exactly one of [[messages]] and text is needed")
    _check_types(data, where)
    template = PromptTemplate(
        name=name,
        question=cast(Literal["score", "compare", "order", "choose"], question),
        version=data["version"],
        source=str(data["source"]),
        description=str(data.get("description", "")),
        parts=tuple(_part(item, where) for item in data.get("messages", ())),
        text=str(data.get("text", "")),
        passage=str(data.get("passage", "[$label] $passage")),
        labels=data.get("labels", "numbers"),
        answer=tuple((str(key), str(value)) for key, value in data.get("answer", {}).items()),
    )
    _check(template, where)
    return template


#: What a value must be: the types, and that in words.
_TYPES: Mapping[str, tuple[type, str]] = {
    "source": (str, "a text"),
    "description": (str, "a text"),
    "labels": (str, "'numbers' or 'letters'"),
    "passage": (str, "a text"),
    "text": (str, "a text"),
    "messages": (list, "written as [[messages]], one table for each"),
    "answer": (dict, "a table"),
}


def _check_types(data: Mapping[str, object], where: str) -> None:
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or not data.get("source"):
        raise PromptError(f"{where}: version (a whole number) and source (where it comes from) are needed")
    for key, (kind, words) in _TYPES.items():
        if key in data and not isinstance(data[key], kind):
            raise PromptError(f"{where}: {key} is {clipped(data[key])}; it must be {words}")
    if data.get("messages") == []:
        raise PromptError(f"{where}: there are no messages", hint="Write at least one [[messages]] table.")
    answer = cast(Mapping[str, object], data.get("answer", {}))
    for key, value in answer.items():
        if not isinstance(value, str | int | float):
            raise PromptError(f"{where}: {key} under [answer] is {clipped(value)}; it must be a text")


def clipped(value: object) -> str:
    """A value of a file for a message: short, whatever it holds."""
    return f"a {type(value).__name__}" if isinstance(value, list | dict) else repr(value)[:60]


def _part(item: object, where: str) -> MessageTemplate:
    if (
        not isinstance(item, dict)
        or item.get("role") not in _ROLES
        or not isinstance(item.get("content"), str)
        or not isinstance(item.get("each", False), bool)
    ):
        raise PromptError(
            f"{where}: a message is a table with a role ({', '.join(_ROLES)}) and a content, and perhaps each = true"
        )
    return MessageTemplate(
        cast(Literal["system", "user", "assistant"], item["role"]), item["content"], bool(item.get("each", False))
    )


def _check(template: PromptTemplate, where: str) -> None:
    if template.labels not in ("numbers", "letters"):
        raise PromptError(f"{where}: labels is {template.labels!r}; it may be 'numbers' or 'letters'")
    allowed, needed = _PLACEHOLDERS[template.question]
    fixed = [part.content for part in template.parts if not part.each] + ([template.text] if template.text else [])
    found = set().union(*(_placeholders(text, allowed, where) for text in fixed))
    missing = sorted(needed - found)
    if missing:
        raise PromptError(f"{where}: ${missing[0]} does not occur, but a {template.question} prompt needs it")
    repeated = [part.content for part in template.parts if part.each]
    for text in (template.passage, *repeated):
        _placeholders(text, _EACH, where)
    if template.question in ("order", "choose") and "passages" not in found and not repeated:
        raise PromptError(f"{where}: the passages are nowhere: use $passages, or messages with each = true")


def _placeholders(text: str, allowed: frozenset[str], where: str) -> set[str]:
    template = Template(text)
    if not template.is_valid():
        raise PromptError(f"{where}: a lone $ in {text[:60]!r}", hint="Write $$ for a dollar sign.")
    names = set(template.get_identifiers())
    unknown = sorted(names - allowed)
    if unknown:
        raise PromptError(f"{where}: unknown placeholder ${unknown[0]}", hint=nearest(unknown[0], allowed))
    return names
