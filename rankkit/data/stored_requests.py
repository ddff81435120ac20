"""A data set's requests, read from their file again whenever they are gone through: memory holds a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import overload

from rankkit.core.ranking import Request
from rankkit.data.requests import read_requests


@dataclass(frozen=True, slots=True)
class StoredRequests(Sequence[Request]):
    """The requests of the ``queries`` (id and text) that a file holds, in the file's order, each with its first
    ``depth`` candidates. ``total`` is how many there are. Looking one up reads the file up to it.
    """

    path: Path
    queries: Mapping[str, str]
    total: int
    depth: int | None = None

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[Request]:
        for request in read_requests(self.path, depth=self.depth):
            name = request.query.id
            if name in self.queries:
                yield Request(replace(request.query, text=self.queries[name]), request.candidates)

    @overload
    def __getitem__(self, place: int) -> Request: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Request, ...]: ...

    def __getitem__(self, place: int | slice) -> Request | tuple[Request, ...]:
        places = range(self.total)[place]
        if isinstance(places, int):
            return next(islice(self, places, None))
        wanted = frozenset(places)
        found = {at: request for at, request in enumerate(self) if at in wanted}
        return tuple(found[at] for at in places)
