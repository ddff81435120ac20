"""A data set's candidates in another order than the stored one, to see what a reranker makes of that."""

from __future__ import annotations

import random
from dataclasses import replace

from rankkit.core.ranking import Request
from rankkit.data.datasets import Dataset


def reversed_candidates(dataset: Dataset, *, depth: int | None = None) -> Dataset:
    """The first ``depth`` candidates of each query, those that are reranked, backwards; the others stay behind them."""
    requests = (
        request.select([*_places(request, depth)[::-1], *_rest(request, depth)]) for request in dataset.requests
    )
    return replace(dataset, requests=tuple(requests))


def shuffled_candidates(dataset: Dataset, seed: int | str, *, depth: int | None = None) -> Dataset:
    """The first ``depth`` candidates of each query shuffled: each query in its own way, whichever others there are."""
    return replace(dataset, requests=tuple(_shuffled(request, seed, depth) for request in dataset.requests))


def _shuffled(request: Request, seed: int | str, depth: int | None) -> Request:
    places = _places(request, depth)
    random.Random(f"{seed}/{request.query.id}").shuffle(places)
    return request.select([*places, *_rest(request, depth)])


def _places(request: Request, depth: int | None) -> list[int]:
    return list(range(len(request)))[:depth]


def _rest(request: Request, depth: int | None) -> range:
    return range(len(_places(request, depth)), len(request))
