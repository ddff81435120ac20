"""What ``rankkit.integrations.rerankers`` takes and gives: documents, and results around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, overload

from rankkit.errors import InputError, InvalidDocument

_FIELDS = ("text", "base64", "image_path", "doc_id", "metadata", "document_type")


class Document:
    """A text with an id and metadata. What was handed in is never changed: results hold copies where they differ."""

    def __init__(
        self,
        text: str | None = None,
        doc_id: str | int | None = None,
        metadata: Mapping[str, Any] | None = None,
        document_type: Literal["text", "image"] = "text",
        image_path: str | None = None,
        base64: str | None = None,
    ) -> None:
        if document_type == "text" and text is None:
            raise InvalidDocument("a document of type 'text' has no text", hint="Give Document(text=...).")
        self.text = text
        self.doc_id = doc_id
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.document_type = document_type
        self.image_path = image_path
        self.base64 = base64

    @property
    def attributes(self) -> list[str]:
        return list(_FIELDS)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and vars(self) == vars(other)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        shown = ("text", "doc_id", "metadata", "document_type", "image_path", "base64")
        return f"Document({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class Result:
    """A document with its score (none where the method gives none) and its rank, counted from 1. Attributes of the
    document and keys of its metadata can be read from here: ``result.text``, ``result.doc_id``.
    """

    def __init__(self, document: Document, score: float | None = None, rank: int | None = None) -> None:
        if score is None and rank is None:
            raise InputError("a result has a score or a rank", hint="Give one of the two.")
        self.document = document
        self.score = score
        self.rank = rank

    def __getattr__(self, name: str) -> Any:
        # Only what is not there by itself comes here; while an object is unpickled, its document is not there either.
        document = self.__dict__.get("document")
        if document is not None and name in _FIELDS:
            return getattr(document, name)
        if document is not None and name in document.metadata:
            return document.metadata[name]
        raise AttributeError(f"a result has no attribute {name!r}, nor has its document, nor the document's metadata")

    def __repr__(self) -> str:
        return f"Result(document={self.document!r}, score={self.score!r}, rank={self.rank!r})"


class RankedResults:
    """Results, best first."""

    def __init__(self, results: Sequence[Result], query: str, has_scores: bool = False) -> None:  # noqa: FBT001, FBT002
        self.results = list(results)
        self.query = query
        self.has_scores = has_scores

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        return self.results[index]

    def results_count(self) -> int:
        return len(self.results)

    def top_k(self, k: int) -> list[Result]:
        """The best ``k``, by score where there are scores, else by rank."""
        if self.has_scores:
            return sorted(self.results, key=lambda one: float("inf") if one.score is None else -one.score)[:k]
        return sorted(self.results, key=lambda one: float("inf") if one.rank is None else one.rank)[:k]

    def get_score_by_docid(self, doc_id: int | str) -> float | None:
        """The score of a document; ``None`` where it has none, or is not there."""
        found = self.get_result_by_docid(doc_id)
        return None if found is None else found.score

    def get_result_by_docid(self, doc_id: int | str) -> Result | None:
        return next((result for result in self.results if result.document.doc_id == doc_id), None)

    def __repr__(self) -> str:
        return f"RankedResults(results={self.results!r}, query={self.query!r}, has_scores={self.has_scores!r})"
