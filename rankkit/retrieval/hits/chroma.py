"""What Chroma found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rankkit.core.documents import OnEmpty
from rankkit.core.ranking import Query, Request
from rankkit.errors import InputError, InvalidDocument
from rankkit.retrieval.hits.distances import DistanceScore, finite, score_from
from rankkit.retrieval.hits.hit import Hit, OnDuplicate, Reading, request_of
from rankkit.retrieval.hits.values import as_mapping

#: Each hit's own part of a result, and what it is called in its metadata.
_BESIDE = (
    ("distances", "distance"),
    ("scores", "search_score"),
    ("uris", "uri"),
    ("embeddings", "embedding"),
    ("data", "data"),
)
_COLUMNS = ("documents", "metadatas", *(name for name, _ in _BESIDE))


def from_chroma(  # noqa: PLR0913 - the keywords of every search, which query, and what a score is
    query: str | Query,
    results: object,
    *,
    position: int | None = None,
    text_field: str | None = None,
    title_field: str | None = None,
    id_field: str | None = None,
    distance_score: DistanceScore | None = None,
    on_empty: OnEmpty = "error",
    on_duplicate: OnDuplicate = "error",
) -> Request:
    """What ``collection.query`` (or ``get``) returned for one query; where it was asked several, ``position`` says
    which, counted from 0.

    ::

        request = from_chroma(query, collection.query(query_texts=[query], n_results=100))

    The text is the document, or with ``text_field`` a field of its metadata. Distances stay metadata (``distance``);
    ``distance_score`` says how they become scores.

    Raises:
        InputError: it is no result, or there are several and no ``position``.
        InvalidDocument, EmptyQuery: as ``request_of``; documents were not asked for (``include``).
    """
    found = as_mapping(results)
    if found is None or not _is_list(found.get("ids")):
        raise InputError("a result of Chroma has lists of ids", hint="Give what collection.query returned.")
    columns = {name: _one(found, name, position) for name in ("ids", *_COLUMNS) if name in found}
    ids, documents, metadatas = columns["ids"] or [], columns.get("documents"), columns.get("metadatas")
    if documents is None and text_field is None and ids:
        raise InvalidDocument(
            "the result has no documents",
            hint='Ask for them: include=["documents", "metadatas", "distances"], or name a field of the metadata with '
            "text_field.",
        )
    for name, column in columns.items():
        if column is not None and len(column) != len(ids):
            raise InputError(f"the result has {len(ids)} ids, and {len(column)} {name}")
    convert, hits = score_from(distance_score), []
    for at, name in enumerate(ids):
        fields = dict(as_mapping(metadatas[at]) or {}) if metadatas is not None else {}
        beside = {label: column[at] for key, label in _BESIDE if (column := columns.get(key)) is not None}
        distance = finite(beside.get("distance"), f"the distance of {name!r}")
        score = None if convert is None or distance is None else convert(distance)
        document = None if documents is None else documents[at]
        if text_field is None:
            hits.append(Hit({"#document": document, **fields}, name, score, beside))
        else:
            hits.append(Hit(fields, name, score, beside | ({} if document is None else {"document": document})))
    text = "#document" if text_field is None else text_field  # which no metadata is called
    return request_of(query, hits, Reading(text, title_field, id_field, on_empty, on_duplicate))


def _one(found: Mapping[str, Any], name: str, position: int | None) -> Any:
    """The part of a result that belongs to one query; ``get`` has no queries, and so no lists of lists."""
    ids, column = found["ids"], found[name]
    if column is None or all(isinstance(one, str) for one in ids):
        return column
    if position is None and len(ids) > 1:
        raise InputError(f"the result is that of {len(ids)} queries", hint="Say which one with position=0.")
    if not 0 <= (position or 0) < len(ids):
        raise InputError(f"there is no query {position}: the result is that of {len(ids)}")
    return column[position or 0] if _is_list(column) else None


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
