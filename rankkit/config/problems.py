"""What pydantic found wrong with a spec, in words: the key as a path, what was seen, what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rankkit.errors import nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: A key of files only, which is gone when a spec is checked.
_INCLUDE = ("include",)
#: What a word in the place of a spec is taken for: a failure policy.
POLICY = "policy"
_NO_KIND = ("union_tag_invalid", "union_tag_not_found")
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def problems(error: ValidationError, kind: type[BaseModel], kinds: Mapping[str, type[BaseModel]]) -> tuple[str, str]:
    """The message, and a hint: the names that are nearest to a wrong one, and the keys that are known there."""
    found = error.errors(include_url=False)
    return "; ".join(_line(item, kinds) for item in found), next((h for i in found if (h := _hint(i, kind, kinds))), "")


def _hint(item: ErrorDetails, kind: type[BaseModel], kinds: Mapping[str, type[BaseModel]]) -> str:
    if item["type"] in _NO_KIND:
        return nearest(_tag(item), kinds)
    if item["type"] not in _UNKNOWN_KEY:
        return ""
    key, known = str(item["loc"][-1]), _known(item["loc"], kind, kinds)
    table = _table(item["loc"], kinds)
    elsewhere = [] if table else [name for name, spec in kinds.items() if key in spec.model_fields]
    # The key may be that of another kind, and wrongly written so that the table was taken for this one.
    every = known if table else {name for spec in kinds.values() for name in spec.model_fields} | {*known}
    meant = f"{key} goes with {' or '.join(elsewhere)}." if elsewhere else nearest(key, {*every, *_INCLUDE})
    return f"{meant if not meant.startswith('Known') else ''} Known keys: {', '.join(known)}.".strip()


def _line(item: ErrorDetails, kinds: Mapping[str, type[BaseModel]]) -> str:
    key = path_of(item["loc"], kinds)
    start = f"{key}: " if key else ""
    if item["type"] in _NO_KIND:
        if _tag(item) in ("", POLICY):
            return f"{start}a reranker is a table of settings{_seen(item)}"
        return f"{key}.paradigm: there is no paradigm {_tag(item)!r}"
    # An unknown key may be a secret that was written where none belongs: its value is not repeated.
    shown = item["loc"] and item["type"] not in ("missing", *_UNKNOWN_KEY)
    words = item["msg"].removeprefix("Value error, ").replace("; Did you", "; did you").replace("valid tuple", "list")
    return f"{start}{words[:1].lower()}{words[1:]}{_seen(item) if shown else ''}"


def _tag(item: ErrorDetails) -> str:
    """Which kind was asked for where there is none of that name."""
    return str(item.get("ctx", {}).get("tag", ""))


def _seen(item: ErrorDetails) -> str:
    value = item["input"]
    if isinstance(value, dict):
        return ""
    plain = isinstance(value, str | int | float | None)
    return f" (seen: {value!r:.80})" if plain else f" (seen: {_NAMES.get(type(value), 'something else')})"


_NAMES: Mapping[type, str] = {list: "a list", tuple: "a list"}


def path_of(loc: Sequence[int | str], kinds: Mapping[str, Any]) -> str:
    """``("stages", 1, "pairwise", "top_k")`` is ``stages.2.top_k``."""
    words = [part + 1 if isinstance(part, int) else part for part in loc if part not in kinds and part != POLICY]
    return ".".join(map(str, words))


def _known(loc: Sequence[int | str], kind: type[BaseModel], kinds: Mapping[str, type[BaseModel]]) -> list[str]:
    """The keys of the innermost spec, or of the table inside it, in which the problem is."""
    inside = [part for part in loc if part in kinds]
    spec = kinds[str(inside[-1])] if inside else kind
    table = _table(loc, kinds)
    return list(spec.model_fields) if table is None else _tables(kinds)[table]


def _table(loc: Sequence[int | str], kinds: Mapping[str, type[BaseModel]]) -> str | None:
    """Which table inside a spec, and no spec itself, the problem is in."""
    tables = _tables(kinds)
    return next((str(part) for part in reversed(loc[:-1]) if part in tables), None)


def _tables(kinds: Mapping[str, type[BaseModel]]) -> dict[str, list[str]]:
    """The keys of specs that hold a table of settings of its own (``budget``), and the keys of that."""
    fields = [(key, field.annotation) for spec in kinds.values() for key, field in spec.model_fields.items()]
    found = {key: [one for one in _types_in(annotation) if one not in kinds.values()] for key, annotation in fields}
    return {key: keys for key, types in found.items() for one in types if (keys := _keys_of(one))}


def _types_in(annotation: Any) -> list[Any]:
    inside = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return [one for part in inside for one in _types_in(part)] if inside else [annotation]


def _keys_of(table: Any) -> list[str]:
    if not isinstance(table, type):
        return []
    if is_dataclass(table):
        return [field.name for field in dataclass_fields(table)]
    return list(table.model_fields) if issubclass(table, BaseModel) else []
