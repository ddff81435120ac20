"""What heads have in common that make vectors of queries and of documents, which are compared afterwards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.engine import Engine, check_inputs, outputs_of, run
from rankkit.backends.encoders.head import Head, input_shape, open_model
from rankkit.backends.files import fingerprint_of
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.batching import Shape, micro_batches, padded
from rankkit.backends.tokenizing.files import LongQuery
from rankkit.backends.tokenizing.singles import Opening, SingleTokenizer
from rankkit.backends.vectors import DocumentVectors, Vectors
from rankkit.core.ranking import ScoreKind
from rankkit.errors import InvalidModel

#: What else says how a model's texts are read and its vectors made.
EMBEDDER_FILES = ("config_sentence_transformers.json", "1_Pooling/config.json")


class Embedder(Head):
    """A folder with a graph that gives each token a vector; a ``VectorEncoder``.

    Each text has a run of its own, so its vectors are the same bits in whatever company. All vectors are of length 1;
    those of documents are rounded to float16, stored or not: a score does not depend on whether there is a store.
    """

    score_kind = ScoreKind.SIMILARITY

    def __init__(  # noqa: PLR0913 - the keywords of every head, and those of its children
        self,
        folder: Path,
        *,
        openings: tuple[Opening, Opening],
        name: str | None,
        graph: str | None,
        engine: str | Engine,
        max_length: int | None,
        long_query: LongQuery,
        threads: int | None,
        more: Mapping[str, Any],
    ) -> None:
        arguments = {
            "name": name,
            "graph": graph,
            "engine": engine,
            "max_length": max_length,
            "long_query": long_query,
            "threads": threads,
            **more,
        }
        self._engine = open_model(folder, graph, engine, threads)
        super().__init__(folder, [self._engine], name=name, arguments=arguments)
        check_inputs(self._engine, {"input_ids"}, {"attention_mask", "token_type_ids"}, "an encoder")
        self._output = _vectors_output(self._engine)
        self._shape = input_shape(self._engine)
        self._openings = openings
        self._tokenizer = SingleTokenizer(
            folder,
            query=openings[0],
            document=openings[1],
            max_length=max_length,
            long_query=long_query,
            most_tokens=self._shape.tokens,
        )
        self.max_length = self._tokenizer.max_length
        self._long_query = long_query

    @property
    def runs_alone(self) -> bool:
        return True

    @cached_property
    def document_fingerprint(self) -> str:
        """Over all that a document's vectors depend on."""
        return fingerprint_of((*self._digests(), *self._document_options()))

    def _files(self) -> tuple[str, ...]:
        return (*super()._files(), *EMBEDDER_FILES)

    def _options(self) -> tuple[object, ...]:
        return (*self._document_options(), self._openings[0], self._long_query)

    def _document_options(self) -> tuple[object, ...]:
        """What of ``_options`` a document's vectors depend on."""
        return type(self).__name__, self._output, self.max_length, self._openings[1]

    def queries(self, texts: Sequence[str]) -> Iterable[PairBatch]:
        """Tokenise queries, each for a run of its own.

        Raises:
            QueryTooLong: with ``long_query="error"``, for a query that would have to be shortened.
        """
        return micro_batches(self._tokenizer.queries(texts), 0)

    def documents(self, texts: Sequence[str]) -> Iterable[PairBatch]:
        """Tokenise documents, each for a run of its own."""
        return micro_batches(self._tokenizer.documents(texts), 0)

    @abstractmethod
    def query_vectors(self, batch: PairBatch) -> Vectors:
        """A query's vectors, float32 of shape (vectors, numbers)."""

    @abstractmethod
    def document_vectors(self, batch: PairBatch) -> DocumentVectors:
        """A document's vectors, float16."""

    def _vectors_of(
        self, batch: PairBatch, *, pad: int, width: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """What the graph gives for the batch's one text, of shape (tokens, numbers) or (numbers,), and its tokens. Up
        to ``width`` it is filled up with ``pad``, which is not attended to.
        """
        shape = Shape(self._shape.rows, self._shape.tokens or width)
        ids, mask, types = padded(batch, pad, shape)
        output = run(self._engine, {"input_ids": ids, "attention_mask": mask, "token_type_ids": types})[self._output]
        if output.ndim not in (2, 3) or len(output) != len(ids) or not output.size:
            raise InvalidModel(
                f"{self._engine.source} gave an output of shape {output.shape} for {len(ids)} input(s)",
                hint=f"Its outputs are {outputs_of(self._engine)}; a vector a token was due, or one a text.",
            )
        return output[0].astype(np.float32), ids[0]

    def _of_length_one(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        lengths = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=-1, keepdims=True))
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise InvalidModel(
                f"{self._engine.source} gave a vector that is no direction (zeros, or no finite numbers)",
                hint="Is it an encoder that was exported whole? Half precision overflows on some.",
            )
        unit: NDArray[np.float32] = (rows / lengths).astype(np.float32)
        return unit


def as_stored(rows: NDArray[np.float32], batch: PairBatch) -> DocumentVectors:
    """The vectors of the batch's one document as they are kept."""
    return DocumentVectors(rows.astype(np.float16), batch.shortened[0], any(batch.notes and batch.notes[0]))


#: By these names exports call what is wanted, best first: projected or pooled vectors before the encoder's own.
_NAMES = ("contextual", "sentence_embedding", "token_embeddings", "last_hidden_state")


def _vectors_output(engine: Engine) -> str:
    """An output of a known name, else the first with a vector a token, else the first with one a text."""
    shapes = {name: spec.shape for name, spec in engine.outputs.items() if (spec.kind or "").startswith("float")}
    named = [name for name in _NAMES if name in shapes]
    tables = [name for size in (3, 2) for name, shape in shapes.items() if shape is not None and len(shape) == size]
    if not named and not tables:
        raise InvalidModel(
            f"{engine.source} has the outputs {outputs_of(engine)}; an encoder gives a vector a token, or one a text",
            hint="Is it a classifier?",
        )
    return (named or tables)[0]
