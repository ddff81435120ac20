"""Documents as people have them: strings, mappings, and the objects of search engines, vector stores and frameworks.

Read are mappings, and objects by their attributes, without their packages: LangChain (``page_content``, ``metadata``),
LlamaIndex (``NodeWithScore``, ``TextNode``), Haystack (``content``, ``meta``), Qdrant (``payload``), Elasticsearch and
OpenSearch hits (``_id``, ``_score``, ``_source``), and whatever else calls a text by one of ``TEXT_KEYS``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from itertools import count
from numbers import Real
from typing import Literal, TypeAlias

from rankkit.errors import InputError, InvalidDocument

#: Where a document's words and name are looked for, in this order: the field's data sets and frameworks do not agree
#: on one.
TEXT_KEYS = ("text", "segment", "contents", "content", "page_content", "body", "passage", "document")
ID_KEYS = ("id", "docid", "doc_id", "_id", "id_", "node_id")
_SCORE_KEYS = ("score", "_score")
#: Where the words may lie one level down.
_INNER_KEYS = ("node", "payload", "_source", "doc", "document", "properties", "metadata")

#: What becomes of documents without text.
OnEmpty: TypeAlias = Literal["error", "skip"]

_KEYS = ", ".join(TEXT_KEYS)
_BYTES = (bytes, bytearray, memoryview)


@dataclass(frozen=True, slots=True)
class Fields:
    """What was read of one document; ``id`` is ``""`` where it has none. ``seen`` says in words what it was, and
    ``worded`` whether there is a place for words among its fields, filled or not.
    """

    seen: str
    text: str | None = None
    id: str = ""
    title: str = ""
    score: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    worded: bool = True

    @property
    def is_empty(self) -> bool:
        """It has no words. A document whose words stand under a name that is not known is no empty one."""
        return not (self.text or "").strip() and not self.title.strip() and (self.worded or not self.metadata)


def listed(documents: object) -> list[object]:
    """The documents of any iterable, in its order; those of a set, which has none, sorted by what they say.

    Raises:
        InputError: it is no iterable of documents, but one of them, a mapping or a table.
    """
    hint = "Put it into a list."
    if isinstance(documents, Mapping):
        hint = "Put it into a list, or give its values: list(documents.values())."
    elif hasattr(documents, "columns"):
        # Iterating over a table gives the names of its columns, which would be ranked without a word.
        hint = 'Give its rows: documents.to_dict("records") of pandas, documents.to_dicts() of polars.'
    elif not isinstance(documents, (str, *_BYTES)):
        if isinstance(documents, Iterable):
            return sorted(documents, key=str) if isinstance(documents, Set) else list(documents)
        hint = "Give a list of strings, mappings, or objects that have a text."
    raise InputError(f"documents are a sequence of documents, not one {type(documents).__name__}", hint=hint)


def read_document(document: object, position: int) -> Fields:
    """Read a string, UTF-8 bytes, a mapping, or an object with attributes. ``None`` is a document without text.

    Raises:
        InvalidDocument: it is something else, or holds a text, a title, metadata or a score of a wrong type.
    """
    if isinstance(document, (str, *_BYTES)):
        return Fields(f"a {type(document).__name__}", _string(document, position))
    fields = _fields_of(document)
    if not fields and not _is_missing(document) and not isinstance(document, Mapping):
        raise InvalidDocument(
            f"document {position} has no text: a {_kind(document)} was given",
            hint=f'Give a string, {{"id": ..., "text": ..., "score": ...}}, or an object with one of: {_KEYS}.',
        )
    return _read(_flat(fields), position, f"a {_kind(document)} with {', '.join(fields) or 'nothing'}")


def unused_ids(taken: Set[str], positions: Iterable[int], beyond: int) -> Iterable[str]:
    """An id for each document without one: its position, or else the next number from ``beyond`` on that is free."""
    numbers = (str(number) for number in count(beyond) if str(number) not in taken)
    return (str(at) if str(at) not in taken else next(numbers) for at in positions)


def _kind(document: object) -> str:
    """The type; of a tuple with those of its parts, which tell what somebody meant: ``tuple of str and float``."""
    name = type(document).__name__
    if isinstance(document, tuple | list) and 0 < len(document) <= 3:
        return f"{name} of {' and '.join(type(part).__name__ for part in document)}"
    return name


def _fields_of(document: object) -> dict[str, object]:
    """What a mapping holds, or what an object has by the names that are looked for."""
    if isinstance(document, Mapping):
        return {str(key): value for key, value in document.items()}
    names = (*TEXT_KEYS, *ID_KEYS, *_SCORE_KEYS, "title", "metadata", "meta", "node", "payload", "properties")
    found = {name: value for name in names if not _is_missing(value := _attribute(document, name))}
    get_content = _get(document, "get_content")
    if callable(get_content) and not any(_is_filled(found.get(key)) for key in TEXT_KEYS):
        found["text"] = get_content()
    # An object has one id by several names, and its words beside the node or payload that they come from.
    spare = {*TEXT_KEYS, *ID_KEYS, *_SCORE_KEYS} - {_first(found, keys) for keys in (TEXT_KEYS, ID_KEYS, _SCORE_KEYS)}
    spare |= {"node", "payload", "properties"} if _has_words(found) else set()
    return {name: value for name, value in found.items() if name not in spare}


def _attribute(document: object, name: str) -> object:
    value = _get(document, name)
    return None if callable(value) else value


def _get(document: object, name: str) -> object:
    try:
        return getattr(document, name, None)
    except (ValueError, TypeError, NotImplementedError):  # a property that an object of this kind has no value for
        return None


def _flat(fields: Mapping[str, object]) -> Mapping[str, object]:
    """Where the words lie one level down: those of the inner level, under the id and the score of the outer."""
    if _has_words(fields):
        return fields
    for key in _INNER_KEYS:
        inner = _inner(fields.get(key))
        if not _has_words(inner):
            continue
        outer = {name: value for name, value in fields.items() if name != key and not _is_missing(value)}
        # The id and the score of what was found, not those that its document was stored with.
        for names in (ID_KEYS, _SCORE_KEYS):
            if _first(outer, names):
                inner = {name: value for name, value in inner.items() if name not in names}
        metadata = {**_mapping(outer.get("metadata")), **_mapping(inner.get("metadata"))}
        return {**outer, **inner, "metadata": metadata}
    return fields


def _inner(value: object) -> Mapping[str, object]:
    if isinstance(value, str):
        return {"text": value}
    return {} if value is None or isinstance(value, (Real, list, tuple)) else _fields_of(value)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _has_words(fields: Mapping[str, object]) -> bool:
    return any(_is_filled(fields.get(key)) for key in (*TEXT_KEYS, "title"))


def _read(fields: Mapping[str, object], position: int, seen: str) -> Fields:
    text_key, id_key, score_key = (_first(fields, keys) for keys in (TEXT_KEYS, ID_KEYS, _SCORE_KEYS))
    # Haystack's word; elsewhere it may be anything.
    meta_key = "meta" if "metadata" not in fields and isinstance(fields.get("meta"), Mapping) else "metadata"
    metadata = fields.get(meta_key)
    if not _is_missing(metadata) and not isinstance(metadata, Mapping):
        raise InvalidDocument(f"document {position}: metadata is a mapping, not {type(metadata).__name__}")
    known = {text_key, id_key, score_key, "title", meta_key}
    known |= {key for key in (*TEXT_KEYS, *ID_KEYS, *_SCORE_KEYS, "metadata") if not _is_filled(fields.get(key))}
    extra = {key: value for key, value in fields.items() if key not in known}
    title = fields.get("title")
    return Fields(
        seen,
        worded=any(key in fields for key in (*TEXT_KEYS, "title")),
        text=None if text_key is None else _string(fields[text_key], position),
        id="" if id_key is None else _name(fields[id_key]),
        title="" if _is_missing(title) else _string(title, position),
        score=None if score_key is None else _number(fields[score_key], position),
        metadata={**extra, **_mapping(metadata)},
    )


def _first(fields: Mapping[str, object], keys: Iterable[str]) -> str | None:
    """The first key with something in it, or else the first that is there at all."""
    there = [key for key in keys if not _is_missing(fields.get(key))]
    return next((key for key in there if _is_filled(fields[key])), next(iter(there), None))


def _is_filled(value: object) -> bool:
    return not _is_missing(value) and not (isinstance(value, str | bytes) and not value.strip())


def _is_missing(value: object) -> bool:
    """``None``, and what tables have in its place: NaN, and the ``NA`` of pandas."""
    return (
        value is None or (isinstance(value, Real) and value != value) or type(value).__name__ in ("NAType", "NaTType")
    )


def _string(value: object, position: int) -> str:
    if isinstance(value, _BYTES):
        try:
            return bytes(value).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidDocument(
                f"document {position} is bytes that are not UTF-8 ({error.reason} at byte {error.start})",
                hint="Decode them, naming their encoding.",
            ) from error
    if not isinstance(value, str):
        raise InvalidDocument(f"document {position}: text and title are strings, not {type(value).__name__}")
    return value


def _name(value: object) -> str:
    text = bytes(value).decode("utf-8", "replace") if isinstance(value, _BYTES) else str(value)
    return text if text.strip() else ""


def _number(value: object, position: int) -> float:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise InvalidDocument(f"document {position}: score is a number, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise InvalidDocument(f"document {position}: score is larger than any number that a float can hold") from None
