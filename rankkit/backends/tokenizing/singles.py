"""Tokenising queries and documents apart, for models that read one text at a time and compare vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rankkit.backends.tokenizing.batching import Encoded
from rankkit.backends.tokenizing.files import LongQuery, chosen_length, pad_id
from rankkit.backends.tokenizing.opening import open_tokenizer, template_pieces
from rankkit.backends.tokenizing.segments import QUERY, Fixed, SegmentTokenizer, Text
from rankkit.errors import InvalidModel, nearest


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands before a text: ``words`` are tokenised with it ("query: "), ``marker`` is one token by name."""

    words: str = ""
    marker: str = ""


class SingleTokenizer:
    """Reads ``tokenizer.json`` and its neighbours in a model's folder. A document that is too long is cut; a query is
    cut or refused, as ``long_query`` says.
    """

    def __init__(
        self,
        folder: Path,
        *,
        query: Opening,
        document: Opening,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        most_tokens: int | None = None,
    ) -> None:
        self._tokenizer = open_tokenizer(folder)
        self.max_length = chosen_length(folder, self._tokenizer, max_length, most_tokens)
        self.pad_id = pad_id(folder, self._tokenizer)
        self._long_query: LongQuery = long_query
        self._queries = self._segments(QUERY, query)
        self._documents = self._segments("document", document)

    def queries(self, texts: Sequence[str]) -> Iterator[Encoded]:
        """Encode each query, in order.

        Raises:
            QueryTooLong: with ``long_query="error"``, for a query that would have to be shortened.
        """
        return self._queries.encode([{QUERY: text} for text in texts])

    def documents(self, texts: Sequence[str]) -> Iterator[Encoded]:
        """Encode each document, in order."""
        return self._documents.encode([{"document": text} for text in texts])

    def token(self, name: str) -> int:
        """A token's number.

        Raises:
            InvalidModel: the vocabulary has no such token.
        """
        number = self._tokenizer.native.token_to_id(name)
        if number is None:
            raise InvalidModel(
                f"{self._tokenizer.path} has no token {name!r}",
                hint=nearest(name, [name for name in self._tokenizer.native.get_vocab() if name[:1] in "[<"]),
            )
        return number

    def first_token(self, text: str) -> int | None:
        """The first token of a text without the template; ``None`` of one that has none."""
        ids = self._tokenizer.native.encode(text, add_special_tokens=False).ids
        return ids[0] if ids else None

    def _segments(self, name: str, opening: Opening) -> SegmentTokenizer:
        layout: list[Fixed | Text] = []
        for piece in template_pieces(self._tokenizer, texts=1):
            if piece.text is None:
                layout.append(Fixed(piece.ids, piece.type))
                continue
            if opening.marker:
                layout.append(Fixed((self.token(opening.marker),), piece.type))
            layout.append(Text(name, piece.type, lead=opening.words))
        marks = [token for part in layout if isinstance(part, Fixed) for token in part.ids]
        return SegmentTokenizer(
            self._tokenizer, layout, marks=marks, max_length=self.max_length, long_query=self._long_query
        )
