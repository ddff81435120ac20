"""Tokenising (query, document) pairs so that the query is never what a long document pushes out.

Query and document are tokenised apart, the document is cut to what the query leaves, and the model's own template
joins them. Hugging Face tokenisers cut the longer of the two instead, token by token, and many callers cut the whole
string at its end; either can eat the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Encoding

from rankkit.backends.tokenizing.files import CHUNK, Encoded, LongQuery, chosen_length, open_tokenizer, pad_id
from rankkit.errors import InvalidModel, QueryTooLong


class PairTokenizer:
    """Reads ``tokenizer.json`` and its neighbours in a model's folder.

    At most three quarters of ``max_length`` are the query's: what is longer is shortened or refused, as
    ``long_query`` says, so that some of every document is always read. One over the model's real length is not
    allowed.
    """

    def __init__(self, folder: Path, *, max_length: int | None = None, long_query: LongQuery = "shorten") -> None:
        self._tokenizer = open_tokenizer(folder)
        self.max_length = chosen_length(folder, self._tokenizer, max_length)
        self.pad_id = pad_id(folder, self._tokenizer)
        self._tokenizer.no_truncation()
        self._room = self.max_length - self._tokenizer.num_special_tokens_to_add(is_pair=True)
        self._query_room = self._room * 3 // 4
        self._long_query = long_query
        if self._query_room < 1:
            raise InvalidModel(f"max_length {self.max_length} leaves no room for a query and a document")

    def encode(self, pairs: Sequence[tuple[str, str]]) -> Iterator[Encoded]:
        """Encode each pair, in order.

        Raises:
            QueryTooLong: with ``long_query="error"``, for a query that would have to be shortened.
        """
        queries: dict[str, tuple[Encoding, bool]] = {}
        source = iter(pairs)
        while chunk := list(islice(source, CHUNK)):
            documents = self._tokenizer.encode_batch([text for _, text in chunk], add_special_tokens=False)
            for (query, _), document in zip(chunk, documents, strict=True):
                if query not in queries:
                    queries[query] = self._encode_query(query)
                encoded, query_shortened = queries[query]
                yield self._join(encoded, document, query_shortened=query_shortened)

    def _encode_query(self, query: str) -> tuple[Encoding, bool]:
        encoding = self._tokenizer.encode(query, add_special_tokens=False)
        tokens = len(encoding.ids)
        if tokens <= self._query_room:
            return encoding, False
        if self._long_query == "error":
            raise QueryTooLong(
                f"the query has {tokens} tokens; {self._query_room} of {self.max_length} are for the query",
                hint="Shorten it, or let rankkit do so with long_query='shorten'.",
            )
        encoding.truncate(self._query_room)
        return encoding, True

    def _join(self, query: Encoding, document: Encoding, *, query_shortened: bool) -> Encoded:
        room = self._room - len(query.ids)
        shortened = len(document.ids) > room
        if shortened:
            document.truncate(room)
        both = self._tokenizer.post_process(query, document)
        ids = np.asarray(both.ids, dtype=np.int32)
        return Encoded(ids, np.asarray(both.type_ids, dtype=np.int32), shortened, query_shortened)
