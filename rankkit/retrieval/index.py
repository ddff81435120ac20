"""What every searchable corpus is, however it finds documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from rankkit.core.ranking import Candidate, Query, Request, ScoreKind
from rankkit.errors import ConfigError, DuplicateIds
from rankkit.retrieval.document_store import Documents


class Index(Protocol):
    """A corpus that can be searched: by BM25, by vectors, or by both. Its ``repr`` says which, and how large it is."""

    @property
    def documents(self) -> Documents: ...

    @property
    def score_kind(self) -> ScoreKind: ...

    def search(self, query: str | Query, k: int = 100) -> Request:
        """The best ``k`` documents, best first, each with its score."""

    def search_many(self, queries: Sequence[str | Query], k: int = 100) -> list[Request]: ...

    def __len__(self) -> int: ...


def check_depth(k: int) -> None:
    """Raises:
    ConfigError: there is no such number of best documents.
    """
    if k < 1:
        raise ConfigError(f"the best {k} documents cannot be searched for", hint="Give 1 or more.")


def check_ids(documents: Sequence[Candidate]) -> None:
    """Raises:
    DuplicateIds: two have the same id.
    """
    counts = Counter(document.id for document in documents)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise DuplicateIds(
            f"{len(repeated)} document id(s) are in the corpus more than once: {', '.join(map(repr, repeated[:5]))}",
            hint="Ids tell documents apart: make them unique.",
        )
