"""A prompt file's TOML read into a ``PromptTemplate``, and checked: its form is explained in ``template``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from string import Template
from typing import Literal, cast

from rankkit.errors import PromptError, nearest
from rankkit.prompting.template import MessageTemplate, PromptTemplate

#: For each kind of question: the placeholders that may stand in a prompt, and those that must.
_PLACEHOLDERS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "score": (frozenset({"query", "passage", "instruction"}), frozenset({"query", "passage"})),
    "compare": (frozenset({"query", "first", "second", "instruction"}), frozenset({"query", "first", "second"})),
    "order": (frozenset({"query", "count", "passages", "last", "marks", "instruction"}), frozenset({"query"})),
    "choose": (frozenset({"query", "count", "passages", "last", "marks", "instruction"}), frozenset({"query"})),
}
_EACH = frozenset({"label", "passage", "score"})
_ROLES = ("system", "user", "assistant")
_KEYS = {
    "question",
    "version",
    "source",
    "description",
    "labels",
    "passage",
    "text",
    "messages",
    "answer",
    "instruction",
    "chat_template",
}


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
        instruction=_instruction(data.get("instruction"), where),
        chat_template=str(data.get("chat_template", "")),
    )
    _check(template, where)
    return template


#: What a value must be: the types, and that in words.
_TYPES: Mapping[str, tuple[type, str]] = {
    "source": (str, "a text"),
    "description": (str, "a text"),
    "labels": (str, "'numbers' or 'letters'"),
    "passage": (str, "a text"),
    "chat_template": (str, "the name of a chat template"),
    "text": (str, "a text"),
    "messages": (list, "written as [[messages]], one table for each"),
    "answer": (dict, "a table"),
    "instruction": (dict, "a table"),
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


def _instruction(table: Mapping[str, object] | None, where: str) -> tuple[str, str] | None:
    """``given`` and ``none`` of ``[instruction]``."""
    if table is None:
        return None
    known = {"given", "none"}
    if unknown := sorted(set(table) - known):
        raise PromptError(f"{where}: unknown key {unknown[0]!r} under [instruction]", hint=nearest(unknown[0], known))
    given, none = table.get("given", "$instruction"), table.get("none", "")
    if not isinstance(given, str) or not isinstance(none, str):
        raise PromptError(f"{where}: given and none under [instruction] are texts")
    if "instruction" not in _placeholders(given, frozenset({"instruction"}), where):
        raise PromptError(f"{where}: given under [instruction] has no $instruction", hint="Say where it goes.")
    return given, none


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
    if ("instruction" in found) != (template.instruction is not None):
        here, there = ("$instruction", "[instruction]") if "instruction" in found else ("[instruction]", "$instruction")
        raise PromptError(
            f"{where}: {here} is there, but {there} is not", hint="One says where, the other in which words."
        )
    if continuation := dict(template.answer).get("continuation"):
        # What is asked is how probable the query is behind the passage: it stands there, and need not stand before.
        found |= _placeholders(continuation, frozenset({"query", "instruction"}), where)
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
