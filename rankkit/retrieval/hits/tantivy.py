"""What Tantivy found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rankkit.core.documents import OnEmpty
from rankkit.core.ranking import Query, Request
from rankkit.errors import InputError
from rankkit.retrieval.hits.hit import Hit, OnDuplicate, Reading, request_of
from rankkit.retrieval.hits.values import as_mapping, own_id


class Searcher(Protocol):
    """A searcher of Tantivy, as far as it is needed."""

    def doc(self, address: Any, /) -> Any: ...


def from_tantivy(
    query: str | Query,
    results: object,
    searcher: Searcher,
    *,
    text_field: str | None = None,
    title_field: str | None = None,
    id_field: str | None = None,
    on_empty: OnEmpty = "error",
    on_duplicate: OnDuplicate = "error",
) -> Request:
    """The hits of ``searcher.search``, or a list of (score, address), opened with the searcher that found them.

    ::

        request = from_tantivy(query, searcher.search(parsed, 100), searcher, text_field="body")

    Only stored fields come back. Tantivy keeps a list for each field: several strings become lines of one text; in
    metadata a list of one is its value. Hits that were ordered by a field have its value in place of a score: a whole
    number there goes to metadata (``order_value``).

    Raises:
        InputError: these are no hits.
        InvalidDocument, DuplicateIds, EmptyQuery: as ``request_of``.
    """
    found = getattr(results, "hits", results)
    if isinstance(found, str | bytes | Mapping) or not isinstance(found, Iterable):
        raise InputError(f"hits are a list, not one {type(found).__name__}", hint="Give what searcher.search returned.")
    hits = [_hit(one, searcher, position, named=id_field is not None) for position, one in enumerate(found)]
    return request_of(query, hits, Reading(text_field, title_field, id_field, on_empty, on_duplicate))


def _hit(one: object, searcher: Searcher, position: int, *, named: bool) -> Hit:
    if not isinstance(one, tuple | list) or len(one) != 2:
        raise InputError(f"hit {position} is one {type(one).__name__}, and not (score, address)")
    score, address = one
    stored = as_mapping(searcher.doc(address)) or {}
    fields = {name: _alone(value) for name, value in stored.items()}
    key = None if named else own_id(fields)
    name = None if key is None else fields.pop(key)
    beside = {} if isinstance(score, float) or score is None else {"order_value": score}
    return Hit(fields, name, score if isinstance(score, float) else None, beside)


def _alone(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value
