"""How alike the vectors of query and document are, which are computed apart: bi-encoders by the cosine, late
interaction by MaxSim.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rankkit.backends.protocols import PairBatch, VectorEncoder, require
from rankkit.backends.vectors import DocumentVectors, Vectors, VectorStore, digest_of, similarity
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Score
from rankkit.core.ranking import Request, ScoreKind
from rankkit.core.usage import Usage
from rankkit.judging.on_backend import BackendJudge

_NOTHING = Usage()


@dataclass(frozen=True)
class SimilarityJudge(BackendJudge[VectorEncoder]):
    """Scores each candidate's title and text by its vectors. The query's are computed once a request.

    With a ``store`` a document's vectors are computed once for good: of a request whose documents are all known only
    the query is read. Scores are the same with and without.
    """

    store: VectorStore | None = None

    def __post_init__(self) -> None:
        require(self.backend, VectorEncoder, by="a similarity judge")

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"model": f"{self.backend.name}@{self.backend.fingerprint}", "method": "similarity"}

    @property
    def score_kind(self) -> ScoreKind:
        return self.backend.score_kind

    def max_group_size(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[BoundQuestion[Score]]) -> Iterator[Call[float]]:
        by_query: dict[str, list[int]] = {}
        for slot, item in enumerate(asked):
            by_query.setdefault(item.request.query.text, []).append(slot)
        for text, slots in by_query.items():
            yield from self._of_query(text, {slot: _text_of(asked[slot]) for slot in slots})

    def _of_query(self, text: str, texts: Mapping[int, str]) -> Iterator[Call[float]]:
        """Known documents in one call, which reads the query; each of the others in a call of its own."""
        query = _Query(self.backend, text)
        by_text: dict[str, list[int]] = {}
        for slot, content in texts.items():
            by_text.setdefault(content, []).append(slot)
        known = {content: found for content in by_text if (found := self._stored(content)) is not None}
        bound = query.usage
        if known:
            documents = [(slot, known[content]) for content in known for slot in by_text[content]]
            yield Call(tuple(slot for slot, _ in documents), bound, partial(self._known, query, documents))
            bound = _NOTHING
        unknown = [content for content in by_text if content not in known]
        for batch in self.backend.documents(unknown):
            content = unknown[batch.positions[0]]
            slots = tuple(by_text[content])
            yield Call(slots, bound + _usage(batch), partial(self._unknown, query, content, batch, len(slots)))
            bound = _NOTHING

    def _stored(self, content: str) -> DocumentVectors | None:
        return None if self.store is None else self.store.get(digest_of(content))

    def _known(self, query: _Query, documents: Sequence[tuple[int, DocumentVectors]]) -> list[Reply[float]]:
        vectors, usage = query.vectors()
        return [
            _reply(query, vectors, document, usage if place == 0 else _NOTHING)
            for place, (_, document) in enumerate(documents)
        ]

    def _unknown(self, query: _Query, content: str, batch: PairBatch, count: int) -> list[Reply[float]]:
        vectors, usage = query.vectors()
        document = self.backend.document_vectors(batch)
        if self.store is not None:
            self.store.add(digest_of(content), document)
        usages = [usage + _usage(batch), *[_NOTHING] * (count - 1)]
        return [_reply(query, vectors, document, each) for each in usages]


class _Query:
    """A query's vectors, computed by the first call that needs them while others wait. A call that fails leaves it to
    the next.
    """

    def __init__(self, encoder: VectorEncoder, text: str) -> None:
        [self._batch] = encoder.queries([text])
        self._encoder = encoder
        self._lock = threading.Lock()
        self._vectors: Vectors | None = None
        self.usage = _usage(self._batch)
        remarks = self._batch.notes[0] if self._batch.notes else ()
        self.notes = (*(("query shortened",) if self._batch.query_shortened[0] else ()), *remarks)

    def vectors(self) -> tuple[Vectors, Usage]:
        """The vectors, and what they cost just now."""
        with self._lock:
            if self._vectors is not None:
                return self._vectors, _NOTHING
            self._vectors = self._encoder.query_vectors(self._batch)
            return self._vectors, self.usage


def _reply(query: _Query, vectors: Vectors, document: DocumentVectors, usage: Usage) -> Reply[float]:
    marks = {"document shortened": document.shortened, "document has invalid characters": document.invalid}
    notes = (*query.notes, *(note for note, holds in marks.items() if holds))
    return Reply(Answer(similarity(vectors, document.rows)), usage, notes)


def _text_of(item: BoundQuestion[Score]) -> str:
    return item.request.candidates[item.question.index].content


def _usage(batch: PairBatch) -> Usage:
    return Usage(calls=1, input_tokens=sum(batch.tokens))
