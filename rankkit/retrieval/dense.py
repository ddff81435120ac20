"""Exact search over the vectors of a corpus: the dense first stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rankkit.backends.protocols import VectorEncoder
from rankkit.backends.vectors import DocumentVectors, Vectors, VectorStore, digest_of, similarity
from rankkit.core.ranking import Candidate, Query, Request, ScoreKind
from rankkit.errors import DataError
from rankkit.retrieval.document_store import Documents, StoredDocuments, fingerprint, store_documents
from rankkit.retrieval.folder import is_saved, open_saved, replacing
from rankkit.retrieval.index import check_depth, check_ids

_VECTORS, _ENDS = "vectors.npy", "vectors.ends.npy"
_BUILD_AGAIN = "Delete the folder and build the index again from its corpus."
#: Rows that are compared at once: float32 copies of them stay in a CPU's cache.
_BLOCK = 16_384
#: Documents that are read before the next are tokenised.
_CHUNK = 256
#: More than sums of different orders differ: what is nearer than this to the k-th best is compared once more, alone.
_ROUNDING = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class DenseIndex:
    """A corpus with the vectors of its documents; made by ``build``, ``load`` or ``kept``. Every document is compared
    with the query, and none is missed: thousands of documents take milliseconds, millions want a search engine.

    ``rows`` are all vectors, float16, and ``ends`` where each document's end. Scores are those that
    ``SimilarityJudge`` gives, to the last bit.
    """

    encoder: VectorEncoder
    documents: Documents
    rows: Vectors
    ends: np.ndarray[Any, np.dtype[np.int64]]

    score_kind: ClassVar[ScoreKind] = ScoreKind.SIMILARITY

    @classmethod
    def build(
        cls, documents: Iterable[Candidate], encoder: VectorEncoder, store: VectorStore | None = None
    ) -> DenseIndex:
        """Compute the vectors of titles and texts; those that ``store`` has are taken from it, and others added.

        Raises:
            DuplicateIds: two documents have the same id.
            DataError: there are no documents.
        """
        collected = tuple(documents)
        check_ids(collected)
        if not collected:
            raise DataError("nothing to index: there are no documents", hint="Check that the corpus has texts.")
        found = list(_vectors((document.content for document in collected), encoder, store))
        ends = np.cumsum([len(rows) for rows in found], dtype=np.int64)
        return cls(encoder, collected, np.concatenate(found), ends)

    def search(self, query: str | Query, k: int = 100) -> Request:
        """Find the ``k`` documents that are most like the query, best first; equal scores stand in corpus order.

        Raises:
            EmptyQuery: the query has no text.
            ConfigError: ``k`` is less than 1.
        """
        return self.search_many([query], k)[0]

    def search_many(self, queries: Sequence[str | Query], k: int = 100) -> list[Request]:
        """``search`` for each query, in their order."""
        check_depth(k)
        asked = [query if isinstance(query, Query) else Query(query) for query in queries]
        batches = list(self.encoder.queries([query.text for query in asked]))
        with ThreadPoolExecutor(self.encoder.concurrency) as threads:
            vectors = list(threads.map(self.encoder.query_vectors, batches))
        return [Request(query, self._best(found, k)) for query, found in zip(asked, vectors, strict=True)]

    def _best(self, query: Vectors, k: int) -> tuple[Candidate, ...]:
        about = self._about(query)
        if len(about) > k:
            places = np.flatnonzero(about >= np.partition(about, -k)[-k] - _ROUNDING * len(query))
        else:
            places = np.arange(len(about))
        scores = np.array([similarity(query, self._rows_of(int(place))) for place in places])
        best = np.lexsort((places, -scores))[:k]
        return tuple(replace(self.documents[int(places[at])], score=float(scores[at])) for at in best)

    def _about(self, query: Vectors) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Every document's score but for rounding, many at once."""
        scores = np.empty(len(self.ends))
        first = 0
        while first < len(self.ends):
            start = int(self.ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(self.ends, start + _BLOCK, side="right")))
            rows = self.rows[start : int(self.ends[last - 1])].astype(np.float32)
            starts = np.concatenate(([start], self.ends[first : last - 1])) - start
            scores[first:last] = np.maximum.reduceat(rows @ query.T, starts, axis=0).sum(axis=1)
            first = last
        return scores

    def _rows_of(self, place: int) -> Vectors:
        return self.rows[int(self.ends[place - 1]) if place else 0 : int(self.ends[place])]

    def __len__(self) -> int:
        return len(self.documents)

    def __repr__(self) -> str:
        return f"dense({self.encoder.name}; {len(self)} documents)"

    def save(self, folder: str | Path) -> None:
        """Write the index with its documents; one that is there is replaced as a whole, or stays as it was.

        Raises:
            DataError: the folder holds something else, or cannot be written.
            InvalidDocument: metadata of a document cannot be written as JSON.
        """
        documents = [self.documents[place] for place in range(len(self))]
        settings = _settings(self.encoder)
        with replacing(Path(folder), fingerprint(documents, settings), settings) as parts:
            store_documents(documents, parts)
            np.save(parts / _VECTORS, self.rows)
            np.save(parts / _ENDS, self.ends)

    @classmethod
    def load(cls, folder: str | Path, encoder: VectorEncoder) -> DenseIndex:
        """Open a saved index. It stays on disk, mapped into memory; its corpus is not needed.

        Raises:
            DataError: there is no index, it is of another model or version, or it is broken.
        """
        saved = open_saved(Path(folder))
        if dict(saved.settings) != _settings(encoder):
            was = saved.settings.get("model", "BM25")
            raise DataError(
                f"{folder}: the index is one of {was}, and not of {encoder.name} as it is set up now",
                hint="Name the model that it was built with, or give the corpus too, to build it again.",
            )
        try:
            documents = StoredDocuments.open(saved.parts)
            rows = np.load(saved.parts / _VECTORS, mmap_mode="r")
            ends = np.load(saved.parts / _ENDS)
            _check_arrays(rows, ends, len(documents))
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{saved.parts}: the index is broken ({error})", hint=_BUILD_AGAIN) from error
        return cls(encoder, documents, rows, ends)

    @classmethod
    def kept(
        cls,
        folder: str | Path,
        documents: Iterable[Candidate],
        encoder: VectorEncoder,
        store: VectorStore | None = None,
    ) -> tuple[DenseIndex, bool]:
        """Open the index of these documents, or build and save it where it is not there or not theirs any more. The
        second value says whether it was built.

        Raises:
            DataError, DuplicateIds, InvalidDocument: as ``load``, ``build`` and ``save``.
        """
        readable = tuple(documents) if isinstance(documents, Iterator) else documents
        if is_saved(Path(folder)) and (
            open_saved(Path(folder)).fingerprint == fingerprint(readable, _settings(encoder))
        ):
            return cls.load(folder, encoder), False
        cls.build(readable, encoder, store).save(folder)
        return cls.load(folder, encoder), True


def _settings(encoder: VectorEncoder) -> dict[str, object]:
    return {"model": encoder.name, "vectors": encoder.document_fingerprint}


def _vectors(texts: Iterable[str], encoder: VectorEncoder, store: VectorStore | None) -> Iterator[Vectors]:
    """Each document's, in order, as many at a time as the encoder runs at once."""
    source = iter(texts)
    with ThreadPoolExecutor(encoder.concurrency) as threads:
        while chunk := list(islice(source, _CHUNK)):
            found: list[DocumentVectors | None] = [
                None if store is None else store.get(digest_of(text)) for text in chunk
            ]
            missing = [place for place, known in enumerate(found) if known is None]
            batches = encoder.documents([chunk[place] for place in missing])
            for place, made in zip(missing, threads.map(encoder.document_vectors, batches), strict=True):
                found[place] = made
                if store is not None:
                    store.add(digest_of(chunk[place]), made)
            yield from (one.rows for one in found if one is not None)


def _check_arrays(rows: Vectors, ends: np.ndarray[Any, Any], documents: int) -> None:
    """Raises:
    ValueError: they are not the vectors of so many documents.
    """
    if rows.ndim != 2 or rows.dtype != np.float16 or ends.shape != (documents,) or ends.dtype != np.int64:
        raise ValueError("vectors and documents do not fit together")
    if not documents or np.any(np.diff(ends, prepend=0) <= 0) or ends[-1] != len(rows):
        raise ValueError("vectors do not end where they should")
    if not np.isfinite(rows).all():
        raise ValueError("vectors that are no finite numbers")
