"""RankLLM's prompt templates (YAML) as rankkit's prompt files (TOML).

Their sections are ``system_message``, ``prefix``, ``body`` and ``suffix`` with ``{query}``, ``{num}``, ``{rank}``,
``{candidate}``; in multi-turn templates prefix, body and suffix are pairs of a user's and an assistant's part.
Pairwise and pointwise templates have a body only. Their regular expressions for reading answers are left behind:
``rankkit.listwise.reply`` reads any answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from rankkit.errors import PromptError
from rankkit.prompt import PromptTemplate, parse_prompt

_LISTWISE = ("listwise", "singleturn_listwise", "multiturn_listwise")
_NAMES = {
    "query": "query",
    "num": "count",
    "rank": "label",
    "candidate": "passage",
    "doc_content": "passage",
    "doc1": "first",
    "doc2": "second",
}
_UNUSED = {"output_validation_regex", "output_extraction_regex", "output_patterns", "method"}


def convert(path: Path) -> tuple[str, PromptTemplate]:
    """The TOML text for a RankLLM template, and the prompt that it loads as.

    Raises:
        PromptError: not YAML, a method that rankkit has no question for, or a placeholder without a counterpart.
    """
    sections = _read(path)
    method = sections.get("method", "")
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


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise PromptError(f"there is no file {path}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise PromptError(f"{path} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise PromptError(f"{path} holds no sections")
    return {str(key): str(value) for key, value in data.items() if value is not None}


def _listwise(sections: Mapping[str, str], path: Path) -> str:
    multi = any(key.endswith("_assistant") for key in sections)
    passage = _translated(sections.get("body") or sections.get("body_user", ""), path)
    head = _head("order", path, passage=passage.strip())
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
    return head + "".join(_message(role, said, path, each=each) for role, said, each in messages) + _ANSWER


_ANSWER = '\n[answer]\nopening = "["\nseparator = "] > ["\nclosing = "]"\n'


def _single(sections: Mapping[str, str], method: str, path: Path) -> str:
    if "body" not in sections:
        raise PromptError(f"{path}: a {method} template needs a body")
    head = _head("score" if method == "pointwise" else "compare", path)
    # Their trailing space is a slip of the file, not of the trained format.
    return f"{head}text = {json.dumps(_translated(sections['body'], path).rstrip())}\n"


def _head(question: str, path: Path, *, passage: str = "") -> str:
    source = json.dumps(f"RankLLM template {path.name}")
    lines = [f'question = "{question}"', "version = 1", f"source = {source}"]
    return "\n".join([*lines, *([f"passage = {json.dumps(passage)}"] if passage else [])]) + "\n"


def _message(role: str, said: str, path: Path, *, each: bool) -> str:
    repeated = "each = true\n" if each else ""
    return f'\n[[messages]]\n{repeated}role = "{role}"\ncontent = {json.dumps(_translated(said, path))}\n'


def _translated(text: str, path: Path) -> str:
    """``{query}`` becomes ``$query``; a dollar sign that was text stays one."""

    def name(found: re.Match[str]) -> str:
        if found[1] not in _NAMES:
            raise PromptError(
                f"{path}: the placeholder {{{found[1]}}} has no counterpart", hint=f"Known: {', '.join(_NAMES)}."
            )
        return "${" + _NAMES[found[1]] + "}"

    escaped = text.replace("$passages", "\0").replace("$", "$$").replace("\0", "$passages")
    return re.sub(r"\{(\w+)\}", name, escaped)
