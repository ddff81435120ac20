"""Inputs made of fixed tokens and texts in a given layout, cut so that only documents lose anything.

Each text is tokenised once, however many inputs it is part of: comparing a hundred documents with each other fills in
9,900 inputs from a hundred texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rankkit.backends.tokenizing.files import CHUNK, Encoded, LongQuery, shared_room
from rankkit.errors import InvalidModel, QueryTooLong

QUERY = "query"


@dataclass(frozen=True, slots=True)
class Fixed:
    """Tokens that every input has; ``type`` is their token type."""

    ids: tuple[int, ...]
    type: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """Where the row's value ``name`` stands. ``lead`` is tokenised with it: the space before it, mostly."""

    name: str
    type: int = 0
    lead: str = ""


Layout = Sequence[Fixed | Text]


class SegmentTokenizer:
    """Fills a layout in. The query is cut only beyond three quarters of the room, as ``long_query`` says.

    ``marks`` are left out of texts: tokens that only the layout may set. Sentencepiece models would make them from a
    document's "</s>".
    """

    def __init__(
        self, tokenizer: Tokenizer, layout: Layout, *, marks: Sequence[int], max_length: int, long_query: LongQuery
    ) -> None:
        self._tokenizer = tokenizer
        self._layout = tuple(layout)
        self._marks = np.asarray(sorted(set(marks)), dtype=np.int32)
        self._documents = [part for part in layout if isinstance(part, Text) and part.name != QUERY]
        self._max_length = max_length
        self._room = max_length - sum(len(part.ids) for part in layout if isinstance(part, Fixed))
        self._query_room = self._room * 3 // 4
        self._long_query = long_query
        if self._query_room < 1 or self._room - self._query_room < len(self._documents):
            raise InvalidModel(
                f"max_length {max_length} leaves no room for a query and {len(self._documents)} document(s)"
            )

    def encode(self, rows: Sequence[Mapping[str, str]]) -> Iterator[Encoded]:
        """Encode each row, in order.

        Raises:
            QueryTooLong: with ``long_query="error"``, for a query that would have to be shortened.
        """
        tokens = self._tokenise(rows)
        for row in rows:
            yield self._join({part: tokens[_words(part, row)] for part in self._layout if isinstance(part, Text)})

    def _tokenise(self, rows: Sequence[Mapping[str, str]]) -> dict[str, NDArray[np.int32]]:
        parts = [part for part in self._layout if isinstance(part, Text)]
        texts = list(dict.fromkeys(_words(part, row) for row in rows for part in parts))
        tokens: dict[str, NDArray[np.int32]] = {}
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            encodings = self._tokenizer.encode_batch(chunk, add_special_tokens=False)
            tokens |= {text: self._unmarked(one.ids) for text, one in zip(chunk, encodings, strict=True)}
        return tokens

    def _unmarked(self, ids: Sequence[int]) -> NDArray[np.int32]:
        found = np.asarray(ids, dtype=np.int32)
        return found[~np.isin(found, self._marks)]

    def _join(self, tokens: dict[Text, NDArray[np.int32]]) -> Encoded:
        room, query_shortened = self._room, False
        for part in tokens:
            if part.name == QUERY:
                query_shortened = len(tokens[part]) > self._query_room
                tokens[part] = self._fitting(tokens[part])
                room -= len(tokens[part])
        kept = shared_room([len(tokens[part]) for part in self._documents], room)
        shortened = any(count < len(tokens[part]) for part, count in zip(self._documents, kept, strict=True))
        for part, count in zip(self._documents, kept, strict=True):
            tokens[part] = tokens[part][:count]
        pieces = [np.asarray(part.ids, np.int32) if isinstance(part, Fixed) else tokens[part] for part in self._layout]
        types = [np.full(len(piece), part.type, np.int32) for piece, part in zip(pieces, self._layout, strict=True)]
        return Encoded(np.concatenate(pieces), np.concatenate(types), shortened, query_shortened)

    def _fitting(self, query: NDArray[np.int32]) -> NDArray[np.int32]:
        if len(query) > self._query_room and self._long_query == "error":
            raise QueryTooLong(
                f"the query has {len(query)} tokens; {self._query_room} of {self._max_length} are for the query",
                hint="Shorten it, or let rankkit do so with long_query='shorten'.",
            )
        return query[: self._query_room]


def _words(part: Text, row: Mapping[str, str]) -> str:
    return part.lead + row[part.name].strip()
