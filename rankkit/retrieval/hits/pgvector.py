"""Rows of PostgreSQL with pgvector, or of any other SQL database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rankkit.core.documents import OnEmpty
from rankkit.core.ranking import Query, Request
from rankkit.errors import InputError, InvalidDocument, nearest
from rankkit.retrieval.hits.distances import DistanceScore, finite, score_from
from rankkit.retrieval.hits.hit import Hit, OnDuplicate, Reading, request_of
from rankkit.retrieval.hits.values import as_mapping, as_rows, own_id


def from_pgvector(  # noqa: PLR0913 - the keywords of every search, and which column is what
    query: str | Query,
    rows: object,
    *,
    columns: object = None,
    text_field: str | None = None,
    title_field: str | None = None,
    id_field: str | None = None,
    score_field: str | None = None,
    distance_field: str | None = None,
    distance_score: DistanceScore | None = None,
    on_empty: OnEmpty = "error",
    on_duplicate: OnDuplicate = "error",
) -> Request:
    """Rows in the order of their query: mappings, rows that know their columns (psycopg's ``dict_row``, SQLAlchemy,
    asyncpg, named tuples), or tuples with ``columns``: their names, a cursor, or its ``description``.

    ::

        cursor.execute("SELECT id, body, embedding <=> %s AS distance FROM articles ORDER BY 3 LIMIT 100", [vector])
        request = from_pgvector(query, cursor.fetchall(), columns=cursor, text_field="body",
                                distance_field="distance", distance_score="cosine")

    A column is a score only where ``score_field`` names it. What ``distance_field`` names stays metadata;
    ``distance_score`` says how it becomes a score too. The order of the rows is never changed. All other columns are
    metadata.

    Raises:
        InputError: there are no such columns, or none for tuples.
        InvalidDocument, DuplicateIds, EmptyQuery: as ``request_of``.
    """
    convert = score_from(distance_score)
    if score_field is not None and convert is not None:
        raise InputError("a score is a column (score_field) or made from a distance (distance_score), not both")
    if convert is not None and distance_field is None:
        raise InputError("distance_score says how a distance becomes a score", hint="Name its column: distance_field.")
    names = None if columns is None else _names_of(columns)
    hits = []
    for position, row in enumerate(as_rows(rows)):
        fields = _fields(row, names, position)
        for wanted in (score_field, distance_field, id_field):
            if wanted is not None and wanted not in fields:
                raise InputError(f"row {position} has no column {wanted!r}", hint=nearest(wanted, fields))
        key = own_id(fields) if id_field is None else id_field
        name = None if key is None else fields.pop(key)
        score = None if score_field is None else fields.pop(score_field)
        if convert is not None and distance_field is not None:
            distance = finite(fields[distance_field], f"row {position}: {distance_field}")
            score = None if distance is None else convert(distance)
        hits.append(Hit(fields, name, score))
    return request_of(query, hits, Reading(text_field, title_field, None, on_empty, on_duplicate))


def _names_of(columns: object) -> list[str]:
    """Of names, of a cursor, or of its description (columns as objects or as tuples that begin with their name)."""
    described = getattr(columns, "description", columns)
    if described is None:
        raise InputError("the cursor has no columns", hint="Give its rows after a SELECT, and the same cursor.")
    if isinstance(described, str) or not isinstance(described, Iterable):
        raise InputError(f"columns are names, not one {type(described).__name__}", hint="Give cursor.description.")
    names = [str(one if isinstance(one, str) else getattr(one, "name", None) or one[0]) for one in described]
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise InputError(f"several columns are called {repeated[0]!r}", hint="Name them apart in the query: AS.")
    return names


def _fields(row: object, names: list[str] | None, position: int) -> dict[str, object]:
    if names is None or not isinstance(row, Sequence) or isinstance(row, str | bytes):
        if (mapping := as_mapping(row)) is None:
            if isinstance(row, Sequence) and not isinstance(row, str | bytes):
                raise InputError(f"row {position} is a {type(row).__name__} without names", hint="Give columns=cursor.")
            raise InvalidDocument(f"row {position} is one {type(row).__name__}, and no row")
        return dict(mapping)
    if len(row) != len(names):
        raise InputError(f"row {position} has {len(row)} values, and there are {len(names)} columns")
    return dict(zip(names, row, strict=True))
