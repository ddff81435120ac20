"""One hit as every search gives it, and how hits become a ``Request``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, cast, get_args

from rankkit.core.documents import ID_KEYS, TEXT_KEYS, OnEmpty, read_document
from rankkit.core.ranking import Query, Request
from rankkit.errors import DuplicateIds, InputError, InvalidDocument, nearest
from rankkit.retrieval.hits.distances import finite
from rankkit.retrieval.hits.paths import has_path, is_absent, joined, seen, value_at

#: What becomes of hits with the same id, as the chunks of one document may have: an error; the first, which is the
#: best, stays and the others are counted; or all stay, the later ones as ``id#2``, ``id#3``, with the old one as
#: ``_id`` in their metadata.
OnDuplicate: TypeAlias = Literal["error", "first", "suffix"]

_NOT_FINITE = "scores that were no finite numbers, left out"
_REPEATED = "hits with the id of a better one, left out"
_RENAMED = "hits with the id of a better one, given an id of their own"
#: What is about a hit and not in its words, whatever they are called.
_ASIDE = (*ID_KEYS, "score", "_score")


@dataclass(frozen=True, slots=True)
class Hit:
    """``fields`` is what was stored, ``beside`` what the search says of it. Both are looked through, and kept."""

    fields: Mapping[str, object]
    id: object = None
    score: object = None
    beside: Mapping[str, object] = field(default_factory=dict)

    @property
    def scope(self) -> Mapping[str, object]:
        return {**self.fields, **{name: value for name, value in self.beside.items() if name not in self.fields}}


@dataclass(frozen=True, slots=True)
class Reading:
    """Which fields hold what, as paths; ``None`` where they are called as fields often are (``TEXT_KEYS``, ``title``).

    Raises:
        InputError: a choice that there is not.
    """

    text: str | None = None
    title: str | None = None
    id: str | None = None
    on_empty: OnEmpty = "error"
    on_duplicate: OnDuplicate = "error"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("on_empty", self.on_empty, get_args(OnEmpty)),
            ("on_duplicate", self.on_duplicate, get_args(OnDuplicate)),
        ):
            if value not in known:
                raise InputError(f"{name} is {value!r}", hint=nearest(str(value), known))


@dataclass(frozen=True, slots=True)
class _Document:
    """``there`` says whether the hit has a field for words at all, filled or not."""

    text: object
    title: object
    metadata: Mapping[str, object]
    there: bool
    id: object = None


def request_of(
    query: str | Query, hits: Sequence[Hit], reading: Reading, notes: Mapping[str, int] | None = None
) -> Request:
    """The hits in their order as a request. ``notes`` are added to its own.

    Raises:
        InvalidDocument: a hit has no text, or a value of a wrong type, or no hit has the field that was named.
        DuplicateIds: two have one id, and ``on_duplicate`` is ``error``.
        EmptyQuery: the query has no text.
    """
    read = [_document(hit, reading, position) for position, hit in enumerate(hits)]
    _check_words(hits, read, reading)
    counts = Counter(notes or {})
    documents = [_plain(hit, one, reading, counts) for hit, one in zip(hits, read, strict=True)]
    request = Request.of(query, _distinct(documents, reading, counts), on_empty=reading.on_empty)
    return replace(request, notes={**request.notes, **{words: times for words, times in counts.items() if times}})


def _document(hit: Hit, reading: Reading, position: int) -> _Document:
    title = None if reading.title is None else joined(value_at(hit.scope, reading.title))
    if reading.text is None:
        found = _recognised(hit, reading, position)
        return found if reading.title is None else replace(found, title=title)
    rest = {name: value for name, value in hit.fields.items() if name not in (reading.text, reading.title)}
    if reading.title is None and isinstance(one := joined(rest.get("title")), str):
        title = one
        del rest["title"]
    text = joined(value_at(hit.scope, reading.text))
    return _Document(text, title, rest, has_path(hit.scope, reading.text))


def _recognised(hit: Hit, reading: Reading, position: int) -> _Document:
    """The words by the names that ``Candidate.of`` knows; every other field stays metadata under its own name."""
    fields = {name: value for name, value in hit.fields.items() if name != reading.title}
    aside = {name: fields.pop(name) for name in _ASIDE if name in fields}
    if reading.title is not None and "title" in fields:
        aside["title"] = fields.pop("title")
    inner = fields.get("metadata")
    if "metadata" in fields and not (isinstance(inner, Mapping) and not {*inner} & {*fields, *aside}):
        aside["metadata"] = fields.pop("metadata")
    lists = {name: fields[name] for name in (*TEXT_KEYS, "title") if isinstance(fields.get(name), list | tuple)}
    found = read_document({**fields, **{name: joined(value) for name, value in lists.items()}}, position)
    metadata = {name: lists.get(name, value) for name, value in found.metadata.items()}
    if found.id:
        metadata.setdefault("id", found.id)
    return _Document(found.text, found.title, {**metadata, **aside}, found.worded)


def _check_words(hits: Sequence[Hit], read: Sequence[_Document], reading: Reading) -> None:
    """A field that no hit has is a mistake, whatever becomes of hits without words."""
    if hits and not any(one.there or (reading.text is None and _is_filled(one.title)) for one in read):
        what = "a text under a name that is known" if reading.text is None else f"a field {reading.text!r}"
        raise InvalidDocument(
            f"none of {len(hits)} hits has {what}; they have: {seen(hit.scope for hit in hits)}",
            hint="Name the field with text_field; a path with dots leads further inside. If the texts are missing, "
            "have the search return them.",
        )
    for position, (hit, one) in enumerate(zip(hits, read, strict=True)):
        for value, what in ((one.text, "text"), (one.title, "title")):
            if value is not None and not isinstance(value, str | bytes | bytearray | memoryview):
                raise InvalidDocument(
                    f"{_name(hit, position)}: the {what} is a string, not {type(value).__name__}",
                    hint=f"Name another field; there are: {seen([hit.scope])}.",
                )
        if reading.on_empty == "error" and not _is_filled(one.text) and not _is_filled(one.title):
            where = "" if reading.text is None else f" in {reading.text!r}"
            raise InvalidDocument(
                f"{_name(hit, position)} has no text{where}; it has: {seen([hit.scope])}",
                hint='Name another field with text_field, or leave such hits out with on_empty="skip".',
            )


def _plain(hit: Hit, one: _Document, reading: Reading, counts: Counter[str]) -> dict[str, object]:
    """As ``Request.of`` reads a mapping."""
    score = finite(hit.score, "a hit's score")
    counts[_NOT_FINITE] += score is None and hit.score is not None
    name, metadata = hit.id, dict(one.metadata)
    if reading.id is not None:
        name = _alone(value_at(hit.scope, reading.id))
        metadata.pop(reading.id, None)
        if hit.id is not None and str(hit.id) != str(name):
            metadata.setdefault("_id", hit.id)
    name = None if is_absent(name) else name
    for key, value in hit.beside.items():
        metadata[key if key not in metadata else f"hit.{key}"] = value
    if metadata.get("id") is not None and str(metadata["id"]) == str(name):
        del metadata["id"]
    title = one.title if _is_filled(one.title) else ""
    return {"id": name, "text": one.text or "", "title": title, "score": score, "metadata": metadata}


def _distinct(
    documents: Sequence[dict[str, object]], reading: Reading, counts: Counter[str]
) -> list[dict[str, object]]:
    names = Counter(str(one["id"]) for one in documents if one["id"] is not None)
    repeated = [name for name, times in names.items() if times > 1]
    if not repeated:
        return list(documents)
    if reading.on_duplicate == "error":
        raise DuplicateIds(
            f"{len(repeated)} id(s) are those of several hits: {', '.join(map(repr, repeated[:5]))}",
            hint="Chunks of one document? Name the field with their own id (id_field), keep the best one "
            '(on_duplicate="first"), or all under ids of their own (on_duplicate="suffix").',
        )
    kept, met = [], Counter[str]()
    for one in documents:
        name = str(one["id"])
        met[name] += 1
        if one["id"] is None or met[name] == 1:
            kept.append(one)
        elif reading.on_duplicate == "suffix":
            metadata = {"_id": one["id"], **cast(Mapping[str, object], one["metadata"])}
            kept.append({**one, "id": _unused(name, met, names), "metadata": metadata})
            counts[_RENAMED] += 1
        else:
            counts[_REPEATED] += 1
    return kept


def _unused(name: str, met: Counter[str], names: Counter[str]) -> str:
    while (new := f"{name}#{met[name]}") in names:
        met[name] += 1
    names[new] += 1
    return new


def _name(hit: Hit, position: int) -> str:
    return f"hit {position}" if hit.id is None else f"hit {position} (id {str(hit.id)!r})"


def _alone(value: object) -> object:
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _is_filled(value: object) -> bool:
    return isinstance(value, str | bytes | bytearray | memoryview) and bool(
        value.strip() if isinstance(value, str | bytes | bytearray) else value
    )
