"""Tokenising a query and two documents for a cross-encoder that reads all three (Nogueira et al., 2019, "Multi-stage
document ranking with BERT", arXiv 1910.14424).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rankkit.backends.tokenizing.batching import Encoded
from rankkit.backends.tokenizing.files import LongQuery, chosen_length, pad_id, read_json
from rankkit.backends.tokenizing.opening import Specials, open_tokenizer
from rankkit.backends.tokenizing.segments import QUERY, Fixed, SegmentTokenizer, Text
from rankkit.errors import InvalidModel


class TripleTokenizer:
    """``[CLS] query [SEP] first [SEP] second [SEP]``, with whatever the model's template for pairs has in these places.

    Token types are 0, 1, 2 where the model knows three of them (``type_vocab_size`` in ``config.json``), else 0, 1, 1.
    What does not fit is cut evenly from the two documents.
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
        marks = Specials.of(tokenizer, texts=2)
        if not marks.between:
            raise InvalidModel(
                f"the tokenizer of {folder.name} puts nothing between two texts: nobody could tell where one ends",
                hint="A cross-encoder for two documents has a separator ([SEP], </s>) in its template for pairs.",
            )
        known = read_json(folder / "config.json").get("type_vocab_size")
        last = 2 if isinstance(known, int) and known > 2 else 1
        layout = (
            Fixed(marks.before),
            Text(QUERY),
            Fixed(marks.between),
            Text("first", type=1),
            Fixed(marks.between, type=1),
            Text("second", type=last),
            Fixed(marks.after, type=last),
        )
        self._segments = SegmentTokenizer(
            tokenizer,
            layout,
            marks=(*marks.before, *marks.between, *marks.after),
            max_length=self.max_length,
            long_query=long_query,
        )

    def encode(self, triples: Sequence[tuple[str, str, str]]) -> Iterator[Encoded]:
        return self._segments.encode([{QUERY: query, "first": one, "second": two} for query, one, two in triples])
