"""Data sets of ir_datasets (https://ir-datasets.com) by their names: queries, judgements, candidates and documents.

ir_datasets downloads what it needs of a data set when it is named here, into ``~/.ir_datasets`` or where
``IR_DATASETS_HOME`` says, and keeps it.
"""

from __future__ import annotations

import difflib
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, overload

from rankkit.core.documents import TEXT_KEYS
from rankkit.core.extras import require_extra
from rankkit.core.ranking import Candidate, Query, Request
from rankkit.data.datasets import UNFOUND, Dataset
from rankkit.data.lines import whole_id
from rankkit.data.qrels import Qrels
from rankkit.errors import ConfigError, DataError

_HOME = "Set IR_DATASETS_HOME to a folder that may be written to."
_EMPTY = "documents without text, skipped"

try:
    with require_extra("ir-datasets", "reading a data set of ir_datasets"):
        import ir_datasets
except OSError as error:  # it makes its folders when it is imported
    raise DataError(f"ir_datasets cannot make its folder ({error})", hint=_HOME) from error


def load_ir_dataset(name: str, *, depth: int | None = None, limit: int | None = None) -> Dataset:
    """Read the first ``limit`` judged queries of a data set, each with the first ``depth`` of its scored documents.

    ``name`` is that of ir_datasets: ``"msmarco-passage/trec-dl-2019/judged"``, ``"beir/scifact/test"``. Scored
    documents become candidates, by falling score; where there are none, ``requests`` is empty. Its documents are the
    corpus; they are looked up when they are needed, those of one query at a time. Of several grades of a document
    (subtopics) the highest counts.

    Raises:
        DataError: there is no data set of this name, it has no queries, judgements or documents, or ir_datasets cannot
            get or read it.
        ConfigError: ``depth`` or ``limit`` is less than 1.
        MissingExtra: the extra ``ir-datasets`` is not installed.
    """
    for what, value in (("depth", depth), ("limit", limit)):
        if value is not None and value < 1:
            raise ConfigError(f"{what} is {value}", hint="Give 1 or more, or leave it out for all.")
    source = _found(name)
    notes: dict[str, int] = {}
    qrels = _qrels(name, source)
    queries = _queries(name, source, notes)
    judged = [query for query in queries if query in qrels]
    if not judged:
        raise DataError(f"{name}: none of its {len(queries)} queries is judged", hint="Name another of its parts.")
    chosen = {query: queries[query] for query in judged[:limit]}
    collection = IrCollection(name, source)
    found = _candidates(name, source, chosen, notes) if source.has_scoreddocs() else {}
    orders = {query: tuple(found[query][:depth]) for query in chosen if query in found}
    left_out = {
        "queries without judgements, left out": len(queries) - len(judged),
        "judged queries without a text, left out": len(qrels) - len(judged),
        UNFOUND: len(chosen) - len(orders) if source.has_scoreddocs() else 0,
    }
    return Dataset(
        name=name,
        queries=chosen,
        qrels={query: qrels[query] for query in chosen},
        requests=IrRequests(chosen, orders, collection) if orders else (),
        corpus=collection,
        notes=notes | {words: count for words, count in left_out.items() if count},
    )


@dataclass(frozen=True, slots=True)
class IrCollection:
    """The documents of a data set, which ir_datasets holds on disk. Those without words are passed over."""

    name: str
    source: Any = field(repr=False, compare=False)

    def __iter__(self) -> Iterator[Candidate]:
        for document in _rows(self.name, "documents", self.source.docs_iter):
            if (candidate := _candidate(document)) is not None:
                yield candidate

    def pick(self, ids: Iterable[str]) -> dict[str, Candidate]:
        """Fetch the documents with these ids, in their order.

        Raises:
            DataError: one of them is not there, or has no text.
        """
        wanted = list(dict.fromkeys(ids))
        found = self.lookup(wanted)
        missing = [one for one in wanted if found.get(one) is None]
        if missing:
            raise self.missing(missing, len(wanted))
        return {one: document for one in wanted if (document := found[one]) is not None}

    def lookup(self, ids: Sequence[str]) -> dict[str, Candidate | None]:
        """The documents that there are; ``None`` for one without words."""
        with _their_errors(self.name, "documents"):
            documents = self.source.docs_store().get_many(ids)
        return {one: _candidate(document) for one, document in documents.items()}

    def missing(self, ids: Sequence[str], wanted: int) -> DataError:
        """The error of documents that are not there."""
        return DataError(
            f"{self.name}: {len(ids)} of {wanted} documents are not there, or have no text: "
            f"{', '.join(map(repr, ids[:5]))}",
            hint="Check that the ids are of this data set.",
        )


@dataclass(frozen=True, slots=True)
class IrRequests(Sequence[Request]):
    """The requests of ``queries`` (id and text) that have candidates: ids and scores are held, texts are looked up
    whenever a request is. ``notes`` of a request count its documents without text, which are left out.
    """

    queries: Mapping[str, str]
    orders: Mapping[str, tuple[tuple[str, float], ...]]
    collection: IrCollection

    def __len__(self) -> int:
        return len(self.orders)

    def __iter__(self) -> Iterator[Request]:
        return map(self._request, self.orders)

    @overload
    def __getitem__(self, place: int) -> Request: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Request, ...]: ...

    def __getitem__(self, place: int | slice) -> Request | tuple[Request, ...]:
        names = list(self.orders)[place]
        return self._request(names) if isinstance(names, str) else tuple(map(self._request, names))

    def _request(self, name: str) -> Request:
        rows = self.orders[name]
        found = self.collection.lookup([document for document, _ in rows])
        missing = [document for document, _ in rows if document not in found]
        if missing:
            raise self.collection.missing(missing, len(rows))
        listed = [(found[document], score) for document, score in rows]
        kept = tuple(_scored(document, score) for document, score in listed if document is not None)
        notes = {_EMPTY: len(rows) - len(kept)} if len(kept) < len(rows) else {}
        return Request(Query(self.queries[name], name), kept, notes)


def _scored(document: Candidate, score: float) -> Candidate:
    return Candidate(document.id, document.text, document.title, score, document.metadata)


def _found(name: str) -> Any:
    try:
        with _their_errors(name, "description"):
            source = ir_datasets.load(name)
    except KeyError as error:
        close = difflib.get_close_matches(name, list(ir_datasets.registry), n=3, cutoff=0.6)
        meant = f"Did you mean {' or '.join(close)}?" if close else "All names: https://ir-datasets.com"
        raise DataError(f"ir_datasets knows no data set {name!r}", hint=meant) from error
    for what, there in (
        ("queries", source.has_queries),
        ("judgements", source.has_qrels),
        ("documents", source.has_docs),
    ):
        if not there():
            parts = [one for one in ir_datasets.registry if one.startswith(f"{name}/") and _is_judged(one)]
            hint = f"Parts of it that are judged: {', '.join(parts[:5])}." if parts else "Name another data set."
            raise DataError(f"{name} of ir_datasets has no {what}", hint=hint)
    return source


def _is_judged(name: str) -> bool:
    source = ir_datasets.load(name)
    return bool(source.has_qrels() and source.has_queries())


def _queries(name: str, source: Any, notes: dict[str, int]) -> dict[str, str]:
    texts = {str(row.query_id): _text(row) for row in _rows(name, "queries", source.queries_iter)}
    empty = [query for query, text in texts.items() if not text.strip()]
    if empty:
        notes["queries without text, left out"] = len(empty)
    return {whole_id(query, "the query id"): text for query, text in texts.items() if text.strip()}


def _qrels(name: str, source: Any) -> Qrels:
    qrels: Qrels = {}
    for row in _rows(name, "judgements", source.qrels_iter):
        grade = getattr(row, "relevance", None)
        if not isinstance(grade, int):
            raise DataError(
                f"{name}: its judgements are {type(row).__name__}s ({', '.join(row._fields)}), which have no grade",
                hint="Name a data set with graded judgements.",
            )
        judged = qrels.setdefault(row.query_id, {})
        judged[row.doc_id] = max(grade, judged.get(row.doc_id, grade))
    return qrels


def _candidates(
    name: str, source: Any, queries: Mapping[str, str], notes: dict[str, int]
) -> dict[str, list[tuple[str, float]]]:
    """By falling score; where all are equal (MS MARCO has none), in stored order."""
    scores: defaultdict[str, dict[str, float]] = defaultdict(dict)
    repeated = 0
    for row in _rows(name, "scored documents", source.scoreddocs_iter):
        if row.query_id not in queries:
            continue
        listed = scores[row.query_id]
        if row.doc_id in listed:
            repeated += 1
        listed[sys.intern(row.doc_id)] = max(row.score, listed.get(row.doc_id, row.score))
    if repeated:
        notes["candidates that were there twice, kept once"] = repeated
    return {query: sorted(listed.items(), key=lambda item: -item[1]) for query, listed in scores.items()}


def _candidate(document: Any) -> Candidate | None:
    """Title and text apart, where these are what ir_datasets itself calls the text of such a document."""
    fields: Mapping[str, object] = document._asdict()
    title = fields.get("title")
    body = next((value for key in TEXT_KEYS if isinstance(value := fields.get(key), str) and value.strip()), "")
    whole = _text(document)
    name = whole_id(str(document.doc_id), "the document id")
    if isinstance(title, str) and title.strip() and f"{title} {body}".split() == whole.split():
        return Candidate(name, body, title)
    return Candidate(name, whole) if whole.strip() else None


def _text(row: Any) -> str:
    """What ir_datasets calls the text of a query or document; those of somebody's own may have a field only."""
    if callable(text := getattr(row, "default_text", None)):
        return str(text())
    return next((str(value) for key in TEXT_KEYS if (value := getattr(row, key, None))), "")


def _rows(name: str, what: str, rows: Any) -> Iterator[Any]:
    with _their_errors(name, what):
        yield from rows()


@contextmanager
def _their_errors(name: str, what: str) -> Iterator[None]:
    """ir_datasets raises whatever comes up: of the network, the disk, a package that one data set needs, a file."""
    try:
        yield
    except ImportError as error:
        raise DataError(f"{name}: {what} cannot be read: {error}", hint="Install what it names.") from error
    except PermissionError as error:
        raise DataError(f"{name}: {what} cannot be read ({error})", hint=_HOME) from error
    except (OSError, RuntimeError, ValueError, AssertionError) as error:
        raise DataError(
            f"{name}: {what} cannot be had: {_words(error)}",
            hint="ir_datasets downloads a data set when it is first used: that needs a network, and for some a licence "
            f"(https://ir-datasets.com/{name.split('/')[0]}.html).",
        ) from error


def _words(error: Exception) -> str:
    """Of its error about all sources of a file, what the sources are and the first reason."""
    if len(error.args) == 2 and isinstance(error.args[1], list):
        sources = [getattr(source, "url", str(source)) for source, _ in error.args[1]]
        return f"{error.args[0]}: {', '.join(sources)} ({error.args[1][0][1]})"
    return str(error) or type(error).__name__
