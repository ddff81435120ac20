"""Inputs in arrays: rows of tokens, grouped for short runs and padded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.protocols import PairBatch

#: Inputs are sorted by length among so many, so that the first batch can run before the last input is tokenised.
_WINDOW = 1024


@dataclass(frozen=True, slots=True)
class Encoded:
    """One input as the model reads it: ``ids`` and ``types`` have one entry a token. ``notes`` are remarks on it
    beside what was cut.
    """

    ids: NDArray[np.int32]
    types: NDArray[np.int32]
    shortened: bool
    query_shortened: bool
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a graph takes at once: so many rows, of so many tokens; ``None`` where it takes any number."""

    rows: int | None = None
    tokens: int | None = None


ANY_SHAPE = Shape()


def micro_batches(encoded: Iterable[Encoded], most_tokens: int, shape: Shape = ANY_SHAPE) -> Iterator[PairBatch]:
    """Batches of neighbours in length with at most ``most_tokens`` tokens, padding included; one input each at 0, and
    never more than the shape has rows.
    """
    most_rows = 1 if most_tokens == 0 else shape.rows or _WINDOW
    source, first = iter(encoded), 0
    if most_rows == 1:
        yield from (_batch([position], [row]) for position, row in enumerate(source))
        return
    while rows := list(islice(source, _WINDOW)):
        for group in _groups(rows, most_tokens, most_rows, shape.tokens):
            yield _batch([first + index for index in group], [rows[index] for index in group])
        first += len(rows)


def _groups(rows: Sequence[Encoded], most_tokens: int, most_rows: int, width: int | None) -> Iterator[list[int]]:
    group: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: len(rows[index])):
        tokens = (len(group) + 1) * (width or len(rows[index]))
        if group and (tokens > most_tokens or len(group) == most_rows):
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def _batch(positions: Sequence[int], rows: Sequence[Encoded]) -> PairBatch:
    return PairBatch(
        positions=tuple(positions),
        tokens=tuple(len(row) for row in rows),
        shortened=tuple(row.shortened for row in rows),
        query_shortened=tuple(row.query_shortened for row in rows),
        payload=tuple(rows),
        notes=tuple(row.notes for row in rows),
    )


def padded(
    batch: PairBatch, pad: int, shape: Shape = ANY_SHAPE
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Token ids, mask and types of a batch, each of shape (inputs, longest), or as large as the shape says: then rows
    that belong to no input repeat the first.
    """
    rows = batch.payload
    assert isinstance(rows, tuple)
    count, width = shape.rows or len(rows), shape.tokens or max([1, *(len(row) for row in rows)])
    ids = np.full((count, width), pad, dtype=np.int32)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    for number in range(count):
        row = rows[number if number < len(rows) else 0]
        ids[number, : len(row)], types[number, : len(row)], mask[number, : len(row)] = row.ids, row.types, 1
    return ids, mask, types


def shared_room(lengths: Sequence[int], room: int) -> list[int]:
    """How many tokens of each document are kept so that together they fit into ``room``.

    Each gives the same number of tokens; but the shorter one is not eaten up for the longer one's sake: none is cut
    below half of its fair share of the room, and what it cannot give the others do. An odd token is the longest's.
    """
    kept = list(lengths)
    floors = [min(length, room // (2 * len(lengths))) for length in lengths]
    while (over := sum(kept) - room) > 0:
        giving = [index for index in range(len(kept)) if kept[index] > floors[index]]
        giving.sort(key=lambda index: -kept[index])
        share, odd = divmod(over, len(giving))
        for turn, index in enumerate(giving):
            kept[index] = max(floors[index], kept[index] - share - (turn < odd))
    return kept
