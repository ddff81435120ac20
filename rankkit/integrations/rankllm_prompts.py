"""RankLLM's prompt templates (YAML) as rankkit's prompt files (TOML).

Their sections are ``system_message``, ``prefix``, ``body`` and ``suffix`` with ``{query}``, ``{num}``, ``{rank}``,
``{candidate}``; in multi-turn templates prefix, body and suffix are pairs of a user's and an assistant's part.
Pairwise and pointwise templates have a body only. Of their regular expressions for reading answers the output form is
taken (what opens, parts and closes an order, letters or numbers); ``rankkit.listwise.parsing.reply`` reads any answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from rankkit.errors import PromptError
from rankkit.prompting.files import read_prompt_file
from rankkit.prompting.parsing import clipped, parse_prompt
from rankkit.prompting.template import PromptTemplate

_LISTWISE = ("listwise", "singleturn_listwise", "multiturn_listwise")
_NAMES = {
    "query": "query",
    "num": "count",
    "rank": "label",
    "candidate": "passage",
    "score": "score",
    "doc_content": "passage",
    "doc1": "first",
    "doc2": "second",
}
#: What nobody can know from the file alone, and what to do about it.
_UNKNOWN = {
    "index": "rankkit calls a passage's number {rank}.",
    "instruction": "RankLLM fills it in for each task: say what to put there with --instruction, as in "
    "--instruction 'Given a web search query, retrieve passages that answer it.'",
}
_READING = {"method", "output_validation_regex", "output_extraction_regex", "output_patterns"}
_TURNS = {f"{section}_{role}" for section in ("prefix", "body", "suffix") for role in ("user", "assistant")}
_SECTIONS = {"system_message", "body", *_READING}
#: An output form as RankLLM writes it, ``^\[\d+\]( > \[\d+\])*$``.
_FORM = re.compile(
    r"\^?(?P<opening>.*?)(?P<label>\\d\+|\[A-Z\]\+?)(?P<after>.*?)"
    r"\((?P<separator>.*?)(?P=label)(?P=after)\)\*(?P<closing>.*?)\$?"
)
_LETTERS_SHOWN = re.compile(r"\[[A-Z]\]\s*>\s*\[[A-Z]\]")


def convert(path: Path, *, instruction: str | None = None) -> tuple[str, PromptTemplate]:
    """The TOML text for a RankLLM template, and the prompt that it loads as.

    ``instruction`` stands in place of ``{instruction}``, which RankLLM fills in for each task.

    Raises:
        PromptError: not YAML, a method that rankkit has no question for, or a section or placeholder without a
            counterpart.
    """
    sections = _read(path)
    method = sections.get("method", "")
    if method == "rankfid":
        raise PromptError(
            f"{path}: the method is 'rankfid', which cannot be used: it is for LiT5's Fusion-in-Decoder models, which "
            "read each passage apart, and no backend of rankkit's runs them",
            hint=f"These can be imported: {', '.join((*_LISTWISE, 'pairwise', 'pointwise'))}.",
        )
    unknown = sorted(set(sections) - _SECTIONS - ({"prefix", "suffix", *_TURNS} if method in _LISTWISE else set()))
    if unknown:
        raise PromptError(
            f"{path}: the section {unknown[0]!r} has no counterpart", hint="Take it out if the prompt can do without."
        )
    if instruction is not None:
        sections = {key: value.replace("{instruction}", instruction) for key, value in sections.items()}
    if method in _LISTWISE:
        text = _listwise(sections, path)
    elif method in ("pairwise", "pointwise"):
        text = _single(sections, method, path)
    else:
        raise PromptError(
            f"{path}: the method is {method!r}",
            hint=f"These can be imported: {', '.join((*_LISTWISE, 'pairwise', 'pointwise'))}.",
        )
    return text, parse_prompt(text, name=path.stem, where=str(path))


#: A template is a table of texts: its events in YAML are few, and nothing is nested.
_MOST_EVENTS = 1000
_DEEPEST = 3


def _read(path: Path) -> dict[str, str]:
    text = read_prompt_file(path)
    try:
        plain = _is_plain(text)
        data = yaml.safe_load(text) if plain else None
    except yaml.YAMLError as error:
        raise PromptError(f"{path} is not YAML: {error}") from error
    except (ValueError, RecursionError) as error:
        raise PromptError(f"{path} is no template: a value in it cannot be read") from error
    if not plain:
        raise PromptError(
            f"{path} is no template: it has aliases, or lists in lists",
            hint="A template is a table of texts, section by section.",
        )
    if not isinstance(data, dict):
        raise PromptError(f"{path} holds no sections")
    for key, value in data.items():
        if isinstance(value, list | dict | set) and (key == "method" or key not in _READING):
            raise PromptError(f"{path}: the section {str(key)[:60]!r} is {clipped(value)}; it must be a text")
    return {str(key): str(value) for key, value in data.items() if value is not None}


def _is_plain(text: str) -> bool:
    """Whether it has nothing that makes a small file a large one (aliases) or a deep one."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST or count > _MOST_EVENTS:
            return False
    return True


def _listwise(sections: Mapping[str, str], path: Path) -> str:
    multi = any(key.endswith("_assistant") for key in sections)
    passage = _translated(sections.get("body") or sections.get("body_user", ""), path)
    opening, separator, closing, letters = _form(sections)
    head = _head("order", path, passage=passage.strip(), letters=letters)
    messages = [("system", sections["system_message"], False)] if "system_message" in sections else []
    if multi:
        named = ("prefix", "body", "suffix")
        for section in named:
            each = section == "body"
            for role in ("user", "assistant"):
                said = sections.get(f"{section}_{role}") or (sections.get(section) if role == "user" else None)
                messages += [(role, said, each)] if said else []
    else:
        inner = sections.get("prefix", "").rstrip("\n")
        joined = "\n".join(part for part in (inner, "$passages", sections.get("suffix", "").rstrip("\n")) if part)
        messages.append(("user", joined, False))
    answer = {"opening": opening, "separator": separator, "closing": closing}
    tail = "\n[answer]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in answer.items())
    return head + "".join(_message(role, said, path, each=each) for role, said, each in messages) + tail


def _form(sections: Mapping[str, str]) -> tuple[str, str, str, bool]:
    """What opens, parts and closes an order, and whether passages are called by letters."""
    said = "".join(value for key, value in sections.items() if key not in _READING)
    letters = _LETTERS_SHOWN.search(said) is not None
    # The file has Python's way of writing a string inside the string: r"...".
    written = sections.get("output_validation_regex", "").strip().removeprefix("r").strip("\"'")
    found = _FORM.fullmatch(written)
    if found is None:
        return "[", "] > [", "]", letters
    parts = {key: re.sub(r"\\(.)", r"\1", value) for key, value in found.groupdict().items()}
    after = parts["after"]
    return parts["opening"], after + parts["separator"], after + parts["closing"], letters or "A-Z" in found["label"]


def _single(sections: Mapping[str, str], method: str, path: Path) -> str:
    if "body" not in sections:
        raise PromptError(f"{path}: a {method} template needs a body")
    head = _head("score" if method == "pointwise" else "compare", path)
    # Their trailing space is a slip of the file, not of the trained format.
    body = sections["body"].rstrip()
    if "system_message" in sections:
        return head + "".join(
            _message(role, said, path, each=False)
            for role, said in (("system", sections["system_message"]), ("user", body))
        )
    return f"{head}text = {json.dumps(_translated(body, path))}\n"


def _head(question: str, path: Path, *, passage: str = "", letters: bool = False) -> str:
    source = json.dumps(f"RankLLM template {path.name}")
    lines = [f'question = "{question}"', "version = 1", f"source = {source}"]
    lines += ['labels = "letters"'] if letters else []
    return "\n".join([*lines, *([f"passage = {json.dumps(passage)}"] if passage else [])]) + "\n"


def _message(role: str, said: str, path: Path, *, each: bool) -> str:
    repeated = "each = true\n" if each else ""
    return f'\n[[messages]]\n{repeated}role = "{role}"\ncontent = {json.dumps(_translated(said, path))}\n'


def _translated(text: str, path: Path) -> str:
    """``{query}`` becomes ``$query``; a dollar sign that was text stays one."""

    def name(found: re.Match[str]) -> str:
        if found[1] == "psg_ids":  # RankLLM puts the brackets around the list itself
            return "[${marks}]"
        if found[1] not in _NAMES:
            known = f"Known: {', '.join((*_NAMES, 'psg_ids'))}."
            raise PromptError(
                f"{path}: the placeholder {{{found[1]}}} has no counterpart", hint=_UNKNOWN.get(found[1], known)
            )
        return "${" + _NAMES[found[1]] + "}"

    escaped = text.replace("$passages", "\0").replace("$", "$$").replace("\0", "$passages")
    return re.sub(r"\{(\w+)\}", name, escaped)
