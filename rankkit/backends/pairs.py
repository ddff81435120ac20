"""Tokenising (query, document) pairs so that the query is never what a long document pushes out.

Query and document are tokenised apart, the document is cut to what the query leaves, and the model's own template
joins them. Hugging Face tokenisers cut the longer of the two instead, token by token, and many callers cut the whole
string at its end; either can eat the question.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from rankkit.errors import InvalidModel, QueryTooLong

LongQuery = Literal["shorten", "error"]

#: Encodings hold every token's text and offsets, some 100 bytes each: only so many documents are in that form at once.
_CHUNK = 64

#: RoBERTa and its kin number positions from ``pad_token_id + 1``, so two of the positions in ``config.json`` are
#: never used.
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl"}


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """One pair as the model reads it: ``ids`` and ``types`` have one entry a token."""

    ids: NDArray[np.int32]
    types: NDArray[np.int32]
    shortened: bool
    query_shortened: bool

    def __len__(self) -> int:
        return len(self.ids)


class PairTokenizer:
    """Reads ``tokenizer.json`` and its neighbours in a model's folder.

    At most three quarters of ``max_length`` are the query's: what is longer is shortened or refused, as
    ``long_query`` says, so that some of every document is always read. One over the model's real length is not
    allowed.
    """

    def __init__(self, folder: Path, *, max_length: int | None = None, long_query: LongQuery = "shorten") -> None:
        self._tokenizer = _open(folder / "tokenizer.json")
        limit = _length_limit(folder, self._tokenizer)
        if max_length is not None and max_length > limit:
            raise InvalidModel(
                f"max_length {max_length} is more than the {limit} tokens that {folder.name} can read",
                hint=f"Give {limit} or less, or leave it out.",
            )
        self.max_length = max_length or limit
        self.pad_id = _pad_id(folder, self._tokenizer)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._room = self.max_length - self._tokenizer.num_special_tokens_to_add(is_pair=True)
        self._query_room = self._room * 3 // 4
        self._long_query = long_query
        if self._query_room < 1:
            raise InvalidModel(f"max_length {self.max_length} leaves no room for a query and a document")

    def encode(self, pairs: Sequence[tuple[str, str]]) -> Iterator[EncodedPair]:
        """Encode each pair, in order.

        Raises:
            QueryTooLong: with ``long_query="error"``, for a query that would have to be shortened.
        """
        queries: dict[str, tuple[Encoding, bool]] = {}
        source = iter(pairs)
        while chunk := list(islice(source, _CHUNK)):
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

    def _join(self, query: Encoding, document: Encoding, *, query_shortened: bool) -> EncodedPair:
        room = self._room - len(query.ids)
        shortened = len(document.ids) > room
        if shortened:
            document.truncate(room)
        both = self._tokenizer.post_process(query, document)
        ids = np.asarray(both.ids, dtype=np.int32)
        return EncodedPair(ids, np.asarray(both.type_ids, dtype=np.int32), shortened, query_shortened)


def _open(path: Path) -> Tokenizer:
    if not path.is_file():
        raise InvalidModel(
            f"there is no tokenizer.json in {path.parent}",
            hint="A cross-encoder folder holds model.onnx (or onnx/model*.onnx) and tokenizer.json.",
        )
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise InvalidModel(
            f"{path} is not a tokenizer: {error}", hint="Is the file complete? Pull or copy it again."
        ) from error


def _length_limit(folder: Path, tokenizer: Tokenizer) -> int:
    """The model's length in tokens: what its config files allow, else what the tokenizer cuts at, else BERT's 512."""
    config, tokenizer_config = _read_json(folder / "config.json"), _read_json(folder / "tokenizer_config.json")
    limits: list[int] = []
    stated = tokenizer_config.get("model_max_length")
    if isinstance(stated, int) and 0 < stated < 1_000_000:  # "no limit" is written as a number of 30 digits
        limits.append(stated)
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - 2 if config.get("model_type") in _OFFSET_POSITIONS else positions)
    if limits:
        return min(limits)
    truncation = tokenizer.truncation
    return int(truncation["max_length"]) if truncation else 512


def _pad_id(folder: Path, tokenizer: Tokenizer) -> int:
    stated = _read_json(folder / "config.json").get("pad_token_id")
    if isinstance(stated, int):
        return stated
    token = _read_json(folder / "tokenizer_config.json").get("pad_token")
    named = tokenizer.token_to_id(token.get("content", "") if isinstance(token, dict) else str(token))
    if named is not None:
        return named
    return int(tokenizer.padding["pad_id"]) if tokenizer.padding else 0


def _read_json(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidModel(
            f"{path} cannot be read: {error}", hint="Is the file complete? Pull or copy it again."
        ) from error
    return content if isinstance(content, dict) else {}
