"""What LanceDB found."""

from __future__ import annotations

from rankkit.core.documents import OnEmpty
from rankkit.core.ranking import Query, Request
from rankkit.errors import InputError
from rankkit.retrieval.hits.distances import DistanceScore, finite, score_from
from rankkit.retrieval.hits.hit import Hit, OnDuplicate, Reading, request_of
from rankkit.retrieval.hits.values import as_mapping, as_rows, own_id

#: What LanceDB calls its scores, those of its own reranking before those of words.
_SCORES = ("_relevance_score", "_score")


def from_lancedb(
    query: str | Query,
    results: object,
    *,
    text_field: str | None = None,
    title_field: str | None = None,
    id_field: str | None = None,
    distance_score: DistanceScore | None = None,
    on_empty: OnEmpty = "error",
    on_duplicate: OnDuplicate = "error",
) -> Request:
    """The rows of a search: the query itself, its ``to_list()``, ``to_arrow()``, ``to_polars()`` or ``to_pandas()``.

    ::

        request = from_lancedb(query, table.search(vector).limit(100), text_field="body")

    A full-text search has scores (``_score``), a hybrid one too (``_relevance_score``). A vector search has distances:
    ``_distance`` stays metadata, and ``distance_score`` says how it becomes a score. All other columns are metadata.

    Raises:
        InputError: these are no rows.
        InvalidDocument, DuplicateIds, EmptyQuery: as ``request_of``.
    """
    convert = score_from(distance_score)
    hits = []
    for position, row in enumerate(as_rows(results)):
        fields = as_mapping(row)
        if fields is None:
            raise InputError(f"row {position} is one {type(row).__name__}, and no row of LanceDB")
        fields = dict(fields)
        key = own_id(fields) if id_field is None else None
        name = None if key is None else fields.pop(key)
        found = next((column for column in _SCORES if fields.get(column) is not None), None)
        score = None if found is None else fields.pop(found)
        if score is None and convert is not None:
            distance = finite(fields.get("_distance"), f"row {position}: _distance")
            score = None if distance is None else convert(distance)
        hits.append(Hit(fields, name, score))
    return request_of(query, hits, Reading(text_field, title_field, id_field, on_empty, on_duplicate))
