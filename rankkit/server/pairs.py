"""Pairs with queries of their own: a request for each query, and their results as those of one reply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rankkit.server.exchange import Result, WireRequest


@dataclass(frozen=True, slots=True)
class QueryGroup:
    """The documents of one query, as a request, and their places in the whole one."""

    wire: WireRequest
    places: Sequence[int]


def groups_of(wire: WireRequest) -> list[QueryGroup]:
    """One for each query, in the order in which they first occur; of most requests that is all of it."""
    if not wire.queries:
        return [QueryGroup(wire, range(len(wire.documents)))]
    places: dict[str, list[int]] = {}
    for place, query in enumerate(wire.queries):
        places.setdefault(query, []).append(place)
    return [QueryGroup(_own_request(wire, query, own), own) for query, own in places.items()]


def _own_request(wire: WireRequest, query: str, places: Sequence[int]) -> WireRequest:
    return replace(
        wire,
        query=query,
        documents=tuple(wire.documents[place] for place in places),
        originals=tuple(wire.originals[place] for place in places),
        queries=(),
    )


def joined(groups: Iterable[tuple[QueryGroup, Sequence[Result]]]) -> tuple[Result, ...]:
    """The results of all groups by their places in the whole request, best first."""
    every = [Result(group.places[result.index], result.score) for group, results in groups for result in results]
    return tuple(sorted(every, key=lambda result: -result.score))
