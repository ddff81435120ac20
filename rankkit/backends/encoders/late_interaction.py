"""Late interaction: query and document read apart, a vector a token (Khattab and Zaharia 2020, "ColBERT: Efficient and
Effective Passage Search via Contextualized Late Interaction over BERT", arXiv 2004.12832).
"""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np

from rankkit.backends.encoders.embedder import Embedder, as_stored
from rankkit.backends.encoders.engine import Engine
from rankkit.backends.encoders.head import DEFAULT_ENGINE
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.files import LongQuery, read_json
from rankkit.backends.tokenizing.singles import Opening
from rankkit.backends.vectors import DocumentVectors, Vectors

#: Where a folder does not say otherwise: BERT's unused tokens, and queries of 32 tokens.
_MARKERS = ("[unused0]", "[unused1]")
_MASK = "[MASK]"
_QUERY_TOKENS = 32


class LateInteraction(Embedder):
    """A ColBERT model: ``[CLS] marker text [SEP]``, every token's vector normalised.

    A query is filled up with [MASK] to 32 tokens; nothing attends to these, but their own vectors count. Of a document
    the vectors of punctuation are left out. ``config_sentence_transformers.json`` may name other markers
    (``query_prefix``, ``document_prefix``) and another ``query_length``, as PyLate writes them.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        graph: str | None = None,
        engine: str | Engine = DEFAULT_ENGINE,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        threads: int | None = None,
    ) -> None:
        folder = Path(folder)
        stated = read_json(folder / "config_sentence_transformers.json")
        query, document = (
            str(stated.get(key) or usual).strip()
            for key, usual in zip(("query_prefix", "document_prefix"), _MARKERS, strict=True)
        )
        super().__init__(
            folder,
            openings=(Opening(marker=query), Opening(marker=document)),
            name=name,
            graph=graph,
            engine=engine,
            max_length=max_length,
            long_query=long_query,
            threads=threads,
            more={},
        )
        length = stated.get("query_length")
        wanted = length if isinstance(length, int) and length > 0 else _QUERY_TOKENS
        self._query_tokens = min(wanted, self.max_length)
        self._mask = self._tokenizer.token(_MASK)
        skipped = {self._tokenizer.first_token(sign) for sign in string.punctuation} - {None}
        self._skipped = np.asarray(sorted(number for number in skipped if number is not None), np.int32)

    def _options(self) -> tuple[object, ...]:
        return (*super()._options(), self._query_tokens)

    def query_vectors(self, batch: PairBatch) -> Vectors:
        width = max(self._query_tokens, batch.tokens[0])
        output, _ = self._vectors_of(batch, pad=self._mask, width=width)
        return self._of_length_one(output[:width])

    def document_vectors(self, batch: PairBatch) -> DocumentVectors:
        output, ids = self._vectors_of(batch, pad=self._tokenizer.pad_id)
        tokens = batch.tokens[0]
        kept = ~np.isin(ids[:tokens], self._skipped)
        return as_stored(self._of_length_one(output[:tokens][kept]), batch)
