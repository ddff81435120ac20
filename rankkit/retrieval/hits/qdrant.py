"""Points of Qdrant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rankkit.core.documents import OnEmpty
from rankkit.core.ranking import Query, Request
from rankkit.errors import InputError, InvalidDocument
from rankkit.retrieval.hits.distances import DistanceScore, finite, score_from
from rankkit.retrieval.hits.hit import Hit, OnDuplicate, Reading, request_of
from rankkit.retrieval.hits.values import as_mapping, attribute

_BESIDE = ("version", "vector", "shard_key", "order_value")


def from_qdrant(
    query: str | Query,
    points: object,
    *,
    text_field: str | None = None,
    title_field: str | None = None,
    id_field: str | None = None,
    distance_score: DistanceScore | None = None,
    on_empty: OnEmpty = "error",
    on_duplicate: OnDuplicate = "error",
) -> Request:
    """What ``query_points``, ``query_points_groups`` or ``scroll`` found, as the client or the HTTP API gives it.

    ::

        found = client.query_points("articles", query=vector, limit=100)
        request = from_qdrant(query, found, text_field="body")

    Fields are looked for in the payload (``article.body`` leads inside), whose rest becomes metadata. Groups stand one
    after the other, in their order. In a collection compared by Euclid or Manhattan distance the points' ``score`` is
    a distance: say with ``distance_score`` how it becomes a score; the distance itself stays in metadata.

    Raises:
        InputError: these are no points.
        InvalidDocument, DuplicateIds, EmptyQuery: as ``request_of``.
    """
    convert = score_from(distance_score)
    hits = []
    for position, point in enumerate(_points_of(points)):
        hit = _hit(point, position)
        if convert is not None and (distance := finite(hit.score, f"the score of point {hit.id!r}")) is not None:
            hit = Hit(hit.fields, hit.id, convert(distance), {**hit.beside, "distance": distance})
        hits.append(hit)
    return request_of(query, hits, Reading(text_field, title_field, id_field, on_empty, on_duplicate))


def _points_of(found: object) -> Sequence[object]:
    if isinstance(found, tuple) and found and isinstance(found[0], list):  # scroll: the records, and where to go on
        found = found[0]
    for name in ("result", "points"):
        if (inside := attribute(found, name)) is not None:
            found = inside
    if (groups := attribute(found, "groups")) is not None and isinstance(groups, Sequence):
        return [point for group in groups for point in _points_of(attribute(group, "hits"))]
    if isinstance(found, str | bytes) or not isinstance(found, Sequence):
        raise InputError(
            f"points are a list, not one {type(found).__name__}", hint="Give what client.query_points returned."
        )
    return found


def _hit(point: object, position: int) -> Hit:
    if not isinstance(point, Mapping) and not hasattr(point, "payload"):
        raise InputError(f"point {position} is one {type(point).__name__}, and no point of Qdrant")
    name, payload = attribute(point, "id"), attribute(point, "payload")
    if payload is None:
        raise InvalidDocument(
            f"point {position} (id {str(name)!r}) came without a payload", hint="Search with with_payload=True."
        )
    fields = as_mapping(payload)
    if fields is None:
        raise InvalidDocument(f"point {position}: its payload is a mapping, not {type(payload).__name__}")
    beside = {key: value for key in _BESIDE if (value := attribute(point, key)) is not None}
    return Hit(fields, name, attribute(point, "score"), beside)
