"""Tokenising (query, document) pairs so that the query is never what a long document pushes out.

Query and document are tokenised apart, the document is cut to what the query leaves, and the model's own template
joins them. Hugging Face tokenisers cut the longer of the two instead, token by token, and many callers cut the whole
string at its end; either can eat the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rankkit.backends.tokenizing.batching import Encoded
from rankkit.backends.tokenizing.files import LongQuery, chosen_length, pad_id
from rankkit.backends.tokenizing.opening import open_tokenizer, template_pieces
from rankkit.backends.tokenizing.segments import QUERY, Fixed, SegmentTokenizer, Text


class PairTokenizer:
    """Reads ``tokenizer.json`` and its neighbours in a model's folder.

    At most three quarters of ``max_length`` are the query's: what is longer is shortened or refused, as
    ``long_query`` says, so that some of every document is always read. One over the model's real length is not
    allowed, nor one over ``most_tokens``, which are all that its graph takes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        most_tokens: int | None = None,
    ) -> None:
        tokenizer = open_tokenizer(folder)
        self.max_length = chosen_length(folder, tokenizer, max_length, most_tokens)
        self.pad_id = pad_id(folder, tokenizer)
        template = template_pieces(tokenizer, texts=2)
        layout = [
            Fixed(piece.ids, piece.type)
            if piece.text is None
            else Text((QUERY, "document")[piece.text], piece.type, verbatim=True)
            for piece in template
        ]
        marks = [token for piece in template for token in piece.ids]
        self._segments = SegmentTokenizer(
            tokenizer, layout, marks=marks, max_length=self.max_length, long_query=long_query
        )

    def encode(self, pairs: Sequence[tuple[str, str]]) -> Iterator[Encoded]:
        """Encode each pair, in order.

        Raises:
            QueryTooLong: with ``long_query="error"``, for a query that would have to be shortened.
        """
        return self._segments.encode([{QUERY: query, "document": document} for query, document in pairs])
