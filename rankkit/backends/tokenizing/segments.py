"""Inputs made of fixed tokens and texts in a given layout, cut so that only documents lose anything.

A text is tokenised once, however many inputs it is part of: comparing a hundred documents with each other fills in
9,900 inputs from a hundred texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from rankkit.backends.tokenizing.batching import Encoded, shared_room
from rankkit.backends.tokenizing.files import LongQuery
from rankkit.backends.tokenizing.opening import OpenTokenizer
from rankkit.backends.tokenizing.texts import CHUNK, TextTokenizer, Tokens
from rankkit.errors import InvalidModel, QueryTooLong

QUERY = "query"

#: Texts whose tokens are kept for the inputs that follow.
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Fixed:
    """Tokens that every input has; ``type`` is their token type."""

    ids: tuple[int, ...]
    type: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """Where the row's value ``name`` stands, without white space around it, or (``verbatim``) with it. ``lead`` is
    tokenised with it: the space before it, mostly.
    """

    name: str
    type: int = 0
    lead: str = ""
    verbatim: bool = False


Layout = Sequence[Fixed | Text]


class SegmentTokenizer:
    """Fills a layout in. The query is cut only beyond three quarters of the room (all of it, where it stands alone), as
    ``long_query`` says. ``marks`` are the tokens that only the model's template may set, beside those that its files
    call special.
    """

    def __init__(
        self, tokenizer: OpenTokenizer, layout: Layout, *, marks: Sequence[int], max_length: int, long_query: LongQuery
    ) -> None:
        fixed = [part for part in layout if isinstance(part, Fixed)]
        self._texts = TextTokenizer(tokenizer, marks=marks)
        self._layout = tuple(layout)
        self._places = [part for part in layout if isinstance(part, Text)]
        self._documents = [part for part in self._places if part.name != QUERY]
        self._max_length = max_length
        self._room = max_length - sum(len(part.ids) for part in fixed)
        self._query_room = self._room * 3 // 4 if self._documents else self._room
        self._long_query = long_query
        if self._query_room < 1 or self._room - self._query_room < len(self._documents):
            raise InvalidModel(
                f"max_length {max_length} leaves no room for a query and {len(self._documents)} document(s)"
            )

    def encode(self, rows: Sequence[Mapping[str, str]]) -> Iterator[Encoded]:
        """Encode each row, in order, a few at a time.

        Raises:
            QueryTooLong: with ``long_query="error"``, for a query that would have to be shortened.
        """
        kept: dict[str, Tokens] = {}
        source = iter(rows)
        while chunk := list(islice(source, CHUNK)):
            wanted = dict.fromkeys(_words(part, row) for row in chunk for part in self._places)
            if len(kept) > _KEPT:
                kept = {text: kept[text] for text in wanted if text in kept}
            self._add(kept, [text for text in wanted if text not in kept])
            for row in chunk:
                yield self._join({part: kept[_words(part, row)] for part in self._places})

    def _add(self, kept: dict[str, Tokens], texts: Sequence[str]) -> None:
        for start in range(0, len(texts), CHUNK):
            some = texts[start : start + CHUNK]
            kept |= zip(some, self._texts.encode(some, most=self._room), strict=True)

    def _join(self, tokens: Mapping[Text, Tokens]) -> Encoded:
        ids = {part: one.ids for part, one in tokens.items()}
        room, query_shortened = self._room, False
        for part in tokens:
            if part.name == QUERY:
                query_shortened = self._is_long(tokens[part])
                ids[part] = ids[part][: self._query_room]
                room -= len(ids[part])
        totals = [tokens[part].total for part in self._documents]
        counts = shared_room(totals, room) if totals else []
        shortened = False
        for part, count in zip(self._documents, counts, strict=True):
            shortened |= count < tokens[part].total or tokens[part].cut
            ids[part] = ids[part][:count]
        pieces = [np.asarray(part.ids, np.int32) if isinstance(part, Fixed) else ids[part] for part in self._layout]
        types = [np.full(len(piece), part.type, np.int32) for piece, part in zip(pieces, self._layout, strict=True)]
        return Encoded(np.concatenate(pieces), np.concatenate(types), shortened, query_shortened, _notes(tokens))

    def _is_long(self, query: Tokens) -> bool:
        """Whether a query has to be shortened, where that is allowed."""
        if query.total <= self._query_room and not query.cut:
            return False
        if self._long_query == "error":
            count = f"more than {query.total}" if query.cut else query.total
            raise QueryTooLong(
                f"the query has {count} tokens; {self._query_room} of {self._max_length} are for the query",
                hint="Shorten it, or let rankkit do so with long_query='shorten'.",
            )
        return True


def _words(part: Text, row: Mapping[str, str]) -> str:
    return row[part.name] if part.verbatim else part.lead + row[part.name].strip()


def _notes(tokens: Mapping[Text, Tokens]) -> tuple[str, ...]:
    found = ("query" if part.name == QUERY else "document" for part, one in tokens.items() if one.invalid)
    return tuple(dict.fromkeys(f"{name} has invalid characters" for name in found))
