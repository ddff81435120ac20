"""Hits of Elasticsearch and OpenSearch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rankkit.core.documents import OnEmpty
from rankkit.core.ranking import Query, Request
from rankkit.errors import InputError
from rankkit.retrieval.hits.hit import Hit, OnDuplicate, Reading, request_of
from rankkit.retrieval.hits.values import as_mapping, attribute

_SHARDS = "shards of the search that failed: their hits are not here"
_TIMED_OUT = "the search ended before its time: more hits may be missing"


def from_elasticsearch(
    query: str | Query,
    response: object,
    *,
    text_field: str | None = None,
    title_field: str | None = None,
    id_field: str | None = None,
    on_empty: OnEmpty = "error",
    on_duplicate: OnDuplicate = "error",
) -> Request:
    """The hits of a search response (plain, of the client, or of its DSL), or a list of hits.

    ::

        request = from_elasticsearch(query, client.search(index="articles", query=...), text_field="body")
        ranking = reranker.rank(request, top_k=10)

    Fields are looked for in ``_source``, then in ``fields`` and in the hit itself: ``article.body`` leads inside,
    ``highlight.body`` takes the fragments; several strings become lines of one text. Metadata is the rest of
    ``_source`` and what stands beside it (``_index``, ``highlight``, ``sort``, ``fields``). The request's ``notes``
    say where the search itself is not whole: shards failed, or its time was over.

    Raises:
        InputError: it is no response, or says that the search failed.
        InvalidDocument, DuplicateIds, EmptyQuery: as ``request_of``.
    """
    body, notes = _body(response)
    hits = [_hit(one, position) for position, one in enumerate(_hits_of(body))]
    return request_of(query, hits, Reading(text_field, title_field, id_field, on_empty, on_duplicate), notes)


#: OpenSearch answers as Elasticsearch does.
from_opensearch = from_elasticsearch


def _body(response: object) -> tuple[object, dict[str, int]]:
    """The body as plain values, with what it says of itself."""
    body = attribute(response, "body") if not isinstance(response, Mapping) else response
    if body is None and callable(to_dict := getattr(response, "to_dict", None)):  # of the DSL
        body = to_dict()
    if not isinstance(body, Mapping):
        return response, {}
    if "error" in body:
        raise InputError(f"the search failed: {_reason(body['error'])}")
    if "responses" in body:
        raise InputError(
            "these are the responses of several searches", hint="Give one: response['responses'][0], with its query."
        )
    shards = body.get("_shards")
    failed = shards.get("failed") if isinstance(shards, Mapping) else 0
    return body, {_SHARDS: int(failed or 0), _TIMED_OUT: int(body.get("timed_out") is True)}


def _reason(error: object) -> object:
    return error.get("reason", error) if isinstance(error, Mapping) else error


def _hits_of(body: object) -> Sequence[object]:
    inside = body.get("hits") if isinstance(body, Mapping) else body
    if isinstance(inside, Mapping):
        inside = inside.get("hits")
    if isinstance(inside, str | bytes) or not isinstance(inside, Sequence):
        seen = ", ".join(map(str, body)) if isinstance(body, Mapping) else f"one {type(body).__name__}"
        raise InputError(
            f"there are no hits in {seen}", hint="Give the response of a search, or response['hits']['hits']."
        )
    return inside


def _hit(one: object, position: int) -> Hit:
    if not isinstance(one, Mapping) and (meta := as_mapping(getattr(one, "meta", None))) is not None:  # of the DSL
        return Hit(as_mapping(one) or {}, meta.pop("id", None), meta.pop("score", None), meta)
    hit = as_mapping(one)
    if hit is None:
        raise InputError(f"hit {position} is one {type(one).__name__}, and no hit of a search")
    if not {"_id", "_source", "_score", "fields"} & {*hit}:
        raise InputError(f"hit {position} has no _id and no _source: {', '.join(hit) or 'nothing'}")
    source, listed = as_mapping(hit.pop("_source", None)), as_mapping(hit.get("fields"))
    name, score = hit.pop("_id", None), hit.pop("_score", None)
    source, listed = source or {}, listed or {}
    # What both have stays beside: dates and numbers come in other forms there.
    both = {key: value for key, value in listed.items() if key in source}
    beside = {**hit, "fields": both} if both else {key: value for key, value in hit.items() if key != "fields"}
    return Hit({**listed, **source}, name, score, beside)
