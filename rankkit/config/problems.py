"""What pydantic found wrong with a spec, in words: the key as a path, what was seen, what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from rankkit.errors import nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: What a word in the place of a spec is taken for: a failure policy.
POLICY = "policy"
_NO_KIND = ("union_tag_invalid", "union_tag_not_found")
_STAGE_WITHOUT_TABLE = "is a table of settings"


def problems(error: ValidationError, kind: type[BaseModel], kinds: Mapping[str, type[BaseModel]]) -> tuple[str, str]:
    """The message, and a hint which names the keys that are known where the first problem is."""
    found = error.errors(include_url=False)
    lines = [_line(item, kinds) for item in found]
    first = found[0]
    if first["type"] in _NO_KIND:
        return "; ".join(lines), nearest(str(first.get("ctx", {}).get("tag", "")), kinds)
    known = _known(first["loc"], kind, kinds)
    meant = nearest(str(first["loc"][-1]), known) if first["type"] in _UNKNOWN_KEY else ""
    guess = f"{meant} " if meant.startswith("Did you mean") else ""
    return "; ".join(lines), f"{guess}Known keys: {', '.join(known)}."


_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def _line(item: ErrorDetails, kinds: Mapping[str, type[BaseModel]]) -> str:
    key = path_of(item["loc"], kinds)
    start = f"{key}: " if key else ""
    if item["type"] in _NO_KIND:
        tag = item.get("ctx", {}).get("tag")
        seen = f"there is no paradigm {tag!r}" if tag and tag != repr(POLICY) else "a reranker is a table of settings"
        return f"{start}{seen.replace(chr(34), '')}{_seen(item) if 'table' in seen else ''}"
    # An unknown key may be a secret that was written where none belongs: its value is not repeated.
    told = item["loc"] and item["type"] not in ("missing", *_UNKNOWN_KEY)
    words = item["msg"].removeprefix("Value error, ")
    return f"{start}{words[:1].lower()}{words[1:]}{_seen(item) if told else ''}"


def _seen(item: ErrorDetails) -> str:
    value = item["input"]
    plain = isinstance(value, str | int | float | None)
    return f" (seen: {value!r:.80})" if plain else f" (seen: {_NAMES.get(type(value), 'something else')})"


_NAMES: Mapping[type, str] = {dict: "a table", list: "a list", tuple: "a list"}


def path_of(loc: Sequence[int | str], kinds: Mapping[str, Any]) -> str:
    """``("stages", 1, "pairwise", "top_k")`` is ``stages.2.top_k``."""
    words = [part + 1 if isinstance(part, int) else part for part in loc if part not in kinds and part != POLICY]
    return ".".join(map(str, words))


def _known(loc: Sequence[int | str], kind: type[BaseModel], kinds: Mapping[str, type[BaseModel]]) -> list[str]:
    """The keys of the innermost spec, or of the table inside it, in which the problem is."""
    inside = [part for part in loc if part in kinds]
    spec = kinds[str(inside[-1])] if inside else kind
    tables = [part for part in loc[:-1] if part in ("budget", "within", "skip_if")]
    if not tables:
        return list(spec.model_fields)
    from rankkit.config.gates import GatesSpec
    from rankkit.usage import Budget

    return list(GatesSpec.model_fields) if tables[-1] == "skip_if" else list(Budget.__dataclass_fields__)
