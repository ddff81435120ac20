"""BM25 over a corpus: the first stage, inside.

Robertson et al., "Okapi at TREC-3" (1994), in the form that Lucene computes it; scores are computed when the index is
built (bm25s: Lù, "BM25S: Orders of magnitude faster lexical search via eager sparse scoring", 2024).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rankkit.core.events import logger
from rankkit.core.extras import require_extra
from rankkit.core.ranking import Candidate, Query, Request, ScoreKind
from rankkit.errors import ConfigError, DataError
from rankkit.retrieval.document_store import Documents, StoredDocuments, fingerprint, store_documents
from rankkit.retrieval.folder import is_saved, open_saved, replacing
from rankkit.retrieval.index import check_depth, check_ids
from rankkit.retrieval.integrity import check_scorer
from rankkit.retrieval.tokens import TokenizerName, check_tokenizer, tokenize

with require_extra("search", "Searching with BM25"):
    import bm25s


_BUILD_AGAIN = "Delete the folder and build the index again from its corpus."


@dataclass(frozen=True, slots=True)
class Bm25Settings:
    """How a corpus is indexed. The defaults are those of the field's published baselines.

    ``k1`` (0 or more) says how much repeating a word counts, ``b`` (0 to 1) how much a document's length counts
    against it. ``stemmer`` is any that PyStemmer knows, or empty for none; only the tokenizer ``words`` stems.

    Raises:
        ConfigError: a value is out of its range, or a name unknown.
    """

    k1: float = 0.9
    b: float = 0.4
    tokenizer: TokenizerName = "words"
    stemmer: str = "porter"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.k1) and self.k1 >= 0 and 0 <= self.b <= 1):
            raise ConfigError(f"k1 is {self.k1}, b is {self.b}", hint="k1 is 0 or more, b is between 0 and 1.")
        check_tokenizer(self.tokenizer, self.stemmer)


@dataclass(frozen=True, slots=True, eq=False)
class Bm25Index:
    """A searchable corpus; made by ``build``, ``load`` or ``kept``. It may be used by several threads at once.

    ::

        index = Bm25Index.build([Candidate("a", "fleas live on cats"), Candidate("b", "cats sleep")])
        index.search("where do fleas live", k=10)      # a Request, ready for any reranker
    """

    settings: Bm25Settings
    documents: Documents
    _scorer: Any

    score_kind: ClassVar[ScoreKind] = ScoreKind.BM25

    @classmethod
    def build(cls, documents: Iterable[Candidate], settings: Bm25Settings | None = None) -> Bm25Index:
        """Index titles and texts. The documents are kept in memory; a score that one has is forgotten.

        Raises:
            DuplicateIds: two documents have the same id.
            DataError: there are no documents, or not one token in any of them.
        """
        chosen = settings or Bm25Settings()
        collected = tuple(documents)
        check_ids(collected)
        vocabulary: dict[str, int] = {}
        # Numbered as they come: the same corpus always gives the same index.
        numbered = [
            [vocabulary.setdefault(token, len(vocabulary)) for token in tokens]
            for tokens in _tokens((document.content for document in collected), chosen)
        ]
        if not vocabulary:
            raise DataError(
                f"nothing to index: not one word in {len(collected)} documents", hint="Check that the corpus has texts."
            )
        scorer = bm25s.BM25(k1=chosen.k1, b=chosen.b, method="lucene")
        scorer.index((numbered, vocabulary), create_empty_token=False, show_progress=False)
        return cls(chosen, collected, scorer)

    def search(self, query: str | Query, k: int = 100) -> Request:
        """Find the best ``k`` documents, best first, with their BM25 scores; equal scores stand in corpus order.

        Documents that share no token with the query are not found: there may be fewer than ``k``, or none.

        Raises:
            EmptyQuery: the query has no text.
            ConfigError: ``k`` is less than 1.
        """
        return self.search_many([query], k)[0]

    def search_many(self, queries: Sequence[str | Query], k: int = 100) -> list[Request]:
        """``search`` for each query, in their order."""
        check_depth(k)
        asked = [query if isinstance(query, Query) else Query(query) for query in queries]
        known = self._scorer.vocab_dict
        words = _tokens((query.text for query in asked), self.settings)
        found: list[Request] = []
        for query, tokens in zip(asked, words, strict=True):
            try:
                scores = self._scorer.get_scores_from_ids([known[token] for token in tokens if token in known])
            except (IndexError, ValueError, TypeError) as error:
                raise DataError(f"{self!r}: the index is broken ({error})", hint=_BUILD_AGAIN) from error
            found.append(
                Request(
                    query,
                    tuple(replace(self.documents[place], score=float(scores[place])) for place in _best(scores, k)),
                )
            )
        return found

    def __len__(self) -> int:
        return len(self.documents)

    def __repr__(self) -> str:
        chosen = self.settings
        how = (
            f"{chosen.tokenizer}, {chosen.stemmer}"
            if chosen.tokenizer == "words" and chosen.stemmer
            else chosen.tokenizer
        )
        return f"bm25(k1={chosen.k1:g}, b={chosen.b:g}, {how}; {len(self)} documents)"

    def save(self, folder: str | Path) -> None:
        """Write the index with its documents; one that is there is replaced as a whole, or stays as it was.

        Raises:
            DataError: the folder holds something else, or cannot be written.
            InvalidDocument: metadata of a document cannot be written as JSON.
        """
        documents = [self.documents[place] for place in range(len(self))]
        with replacing(Path(folder), fingerprint(documents, self.settings), asdict(self.settings)) as parts:
            store_documents(documents, parts)
            self._scorer.save(parts, show_progress=False)

    @classmethod
    def load(cls, folder: str | Path) -> Bm25Index:
        """Open a saved index. It stays on disk, mapped into memory; its corpus is not needed.

        Raises:
            DataError: there is no index, it is of another version, or it is broken.
        """
        saved = open_saved(Path(folder))
        settings = _settings_of(saved.settings, folder)
        try:
            scorer = bm25s.BM25.load(saved.parts, mmap=True, show_progress=False)
            documents = StoredDocuments.open(saved.parts)
            check_scorer(scorer, len(documents))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            EOFError,
            MemoryError,
            OverflowError,
            RecursionError,
        ) as error:
            raise DataError(f"{saved.parts}: the index is broken ({error})", hint=_BUILD_AGAIN) from error
        return cls(settings, documents, scorer)

    @classmethod
    def kept(
        cls, folder: str | Path, documents: Iterable[Candidate], settings: Bm25Settings | None = None
    ) -> tuple[Bm25Index, bool]:
        """Open the index of these documents, or build and save it where it is not there or not theirs any more.

        The documents are read in any case, to compare them with those of the index. Without ``settings``, those of a
        saved index stand; where they are not the usual ones, the log says so (``unusual`` gives it in words). The
        second value says whether the index was built.

        Raises:
            DataError, DuplicateIds, InvalidDocument: as ``load``, ``build`` and ``save``.
        """
        # Read twice where the index is not theirs, which an iterator would not survive.
        readable = tuple(documents) if isinstance(documents, Iterator) else documents
        if is_saved(Path(folder)):
            saved = open_saved(Path(folder))
            wanted = settings or _settings_of(saved.settings, folder)
            if settings is None and (note := unusual(wanted)):
                logger.warning("%s: %s", folder, note)
            if saved.fingerprint == fingerprint(readable, wanted):
                return cls.load(folder), False
            settings = wanted
        cls.build(readable, settings).save(folder)
        return cls.load(folder), True


def unusual(settings: Bm25Settings) -> str:
    """Of settings that nobody asked for: how they differ from those that an index is built with unless told; ``""``
    where they do not.
    """
    usual = asdict(Bm25Settings())
    differing = {name: value for name, value in asdict(settings).items() if value != usual[name]}
    stored = ", ".join(f"{name}={value!r}" for name, value in differing.items())
    asked = ", ".join(f"{name}={usual[name]!r}" for name in differing)
    return (differing and f"the index was built with {stored}, and is searched so; unsaid would be {asked}") or ""


def _tokens(texts: Iterable[str], settings: Bm25Settings) -> Iterator[list[str]]:
    return tokenize(texts, tokenizer=settings.tokenizer, stemmer=settings.stemmer)


def _best(scores: np.ndarray[Any, np.dtype[np.float32]], k: int) -> list[int]:
    """Positions of the ``k`` highest scores above 0, highest first, equal ones by position."""
    found = np.flatnonzero(scores > 0)
    if len(found) > k:
        # All that equal the k-th best stay in, so that the sort below decides among them and not the partition.
        found = found[scores[found] >= np.partition(scores[found], -k)[-k]]
    order = np.lexsort((found, -scores[found]))[:k]
    return [int(place) for place in found[order]]


def _settings_of(fields: object, folder: str | Path) -> Bm25Settings:
    try:
        return Bm25Settings(**fields)  # type: ignore[arg-type]  # the constructor checks them
    except (TypeError, ConfigError) as error:
        raise DataError(
            f"{folder}: the index has settings that are not known here ({error})",
            hint="Delete the folder and build the index again.",
        ) from error
