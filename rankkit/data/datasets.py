"""Data sets: a folder with queries, judgements, and candidates or a corpus.

Three layouts, which may be mixed; every file may be compressed (``.gz``, ``.bz2``, ``.xz``):

- ours: ``queries.tsv`` (qid, tab, text), ``qrels.txt`` (TREC), ``candidates.jsonl`` (see ``requests``)
- BEIR: ``queries.jsonl``, ``qrels/test.tsv`` (or ``dev``, ``train``), ``corpus.jsonl``
- MS MARCO: ``queries.dev.small.tsv``, ``qrels.dev.small.tsv``, ``top1000.dev.tsv``, ``collection.tsv``
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rankkit.core.ranking import Candidate, Query, Request
from rankkit.data.corpus import Collection, Corpus
from rankkit.data.folder import Files, read_queries
from rankkit.data.qrels import read_qrels
from rankkit.data.requests import read_requests
from rankkit.data.runs import Run, read_run
from rankkit.data.stored_requests import StoredRequests
from rankkit.errors import ConfigError, DataError

#: The note about queries that a first stage found nothing for.
UNFOUND = "queries without candidates, counted as 0"

#: Candidates of a file up to this size are kept in memory, where they take some five times as much.
_KEPT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Dataset:
    """The *judged* queries of a collection, in file order, with their judgements and first-stage candidates.

    ``queries`` and ``qrels`` have the same keys. A query that the first stage found nothing for has no request and
    counts as 0 in every average. ``requests`` is empty where there are no candidates, ``corpus`` is ``None`` where
    there is none.
    ``notes`` counts what was left out in reading; ``files`` are those that were read. The requests of a large file stay
    there (``StoredRequests``).
    """

    name: str
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    requests: Sequence[Request] = ()
    corpus: Collection | None = None
    notes: Mapping[str, int] = field(default_factory=dict)
    files: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def asked(self) -> dict[str, Query]:
        """The queries as models are given them: with the instructions that stand beside their candidates."""
        beside = {request.query.id: request.query for request in self.requests if request.query.instruction}
        return {name: beside.get(name) or Query(text, name) for name, text in self.queries.items()}

    @property
    def first_stage(self) -> dict[str, tuple[str, ...]]:
        """Document ids of each query's candidates, in stored order: the order says it, scores are not looked at."""
        return {request.query.id: tuple(item.id for item in request.candidates) for request in self.requests}


def load_dataset(
    folder: str | Path, *, depth: int | None = None, limit: int | None = None, split: str | None = None
) -> Dataset:
    """Read a data set: the first ``limit`` judged queries, each with its first ``depth`` candidates. Of several splits
    (``qrels/test.tsv``, ``qrels/dev.tsv``) the one of this name.

    ``depth`` here *drops* the tail. To rerank the head and keep the tail behind it, see ``evaluate_reranker``.
    Where there is a corpus and a ``run.trec`` but no candidates with texts, that run picks them from the corpus.
    Where ``queries`` and ``candidates`` both hold a query's text, that of ``queries`` is used. Files are checked as a
    whole, whatever the limit, but for the corpus.

    Raises:
        DataError: a file is missing or wrong (the error names the line), or judges other queries or documents.
        InputError: a request is not valid (duplicate ids, an empty query).
        ConfigError: ``depth`` or ``limit`` is less than 1.
    """
    _at_least_one("depth", depth)
    _at_least_one("limit", limit)
    files = Files.of(Path(folder), split)
    qrels = read_qrels(files.qrels)
    # Of a file that is too large to be kept, only the ids are: it is checked now, and read again when it is ranked.
    kept = files.candidates is not None and files.candidates.stat().st_size <= _KEPT_BYTES
    listed: dict[str, Request] = {}
    known: dict[str, tuple[str, ...]] = {}
    texts: dict[str, str] = {}
    for item in read_requests(files.candidates) if files.candidates else ():
        known[item.query.id] = tuple(sys.intern(candidate.id) for candidate in item.candidates)
        texts[item.query.id] = item.query.text
        if kept:
            listed[item.query.id] = item
    queries = read_queries(files.queries) if files.queries else texts
    judged = [name for name in queries if name in qrels]
    if not judged:
        raise strangers("queries", files.qrels, qrels, files.queries or files.root, queries)
    if files.candidates:
        refuse_strangers(files.qrels, qrels, files.candidates, known)
    chosen = judged[:limit]
    found = {name: queries[name] for name in chosen if name in known}
    requests: Sequence[Request]
    if kept or files.candidates is None:
        requests = tuple(
            Request(replace(listed[name].query, text=text), listed[name].candidates[:depth])
            for name, text in found.items()
        )
    else:
        requests = StoredRequests(files.candidates, found, len(found), depth)
    left_out = {
        "queries without judgements, left out": len(queries) - len(judged),
        "judged queries without a text, left out": len(qrels) - len(judged),
        UNFOUND: len(chosen) - len(requests) if files.candidates else 0,
    }
    dataset = Dataset(
        name=files.root.resolve().name,
        queries={name: queries[name] for name in chosen},
        qrels={name: qrels[name] for name in chosen},
        requests=requests,
        corpus=Corpus(files.corpus) if files.corpus else None,
        notes={words: count for words, count in left_out.items() if count},
        files=files.read,
    )
    if files.run is None:
        return dataset
    run = read_run(files.run)
    refuse_strangers(files.qrels, qrels, files.run, run.orders)
    return _picked(dataset, run, depth)


def with_run(dataset: Dataset, run: Run, *, depth: int | None = None) -> Dataset:
    """Take the first stage from a run: its documents, order and scores replace the candidates of ``dataset``.

    Texts come from the candidates that ``dataset`` has, and from its corpus for documents that are not among them.

    Raises:
        DataError: the run has none of the queries, no judged document, or a document without a known text.
        ConfigError: ``depth`` is less than 1.
    """
    _at_least_one("depth", depth)
    refuse_foreign_run(dataset, run)
    return _picked(dataset, run, depth)


def _picked(dataset: Dataset, run: Run, depth: int | None) -> Dataset:
    rows = {name: run.rows[name][:depth] for name in dataset.queries if name in run.rows}
    known: dict[str, Candidate] = {item.id: item for request in dataset.requests for item in request.candidates}
    wanted = {document for listed in rows.values() for document, _ in listed}
    missing = sorted(wanted - known.keys())
    if missing and dataset.corpus is None:
        raise DataError(
            f"{dataset.name}: {len(missing)} of the run's {len(wanted)} documents have no text here: "
            f"{', '.join(map(repr, missing[:5]))}",
            hint="Put the collection's corpus.jsonl into the folder.",
        )
    if missing and dataset.corpus is not None:
        known |= dataset.corpus.pick(missing)
    asked = dataset.asked
    requests = tuple(
        Request(asked[name], tuple(replace(known[document], score=score) for document, score in listed))
        for name, listed in rows.items()
    )
    notes = {words: count for words, count in dataset.notes.items() if words != UNFOUND}
    if len(requests) < len(dataset.queries):
        notes[UNFOUND] = len(dataset.queries) - len(requests)
    return replace(dataset, requests=requests, notes=notes)


def refuse_foreign_run(dataset: Dataset, run: Run) -> None:
    """Raise a ``DataError`` if a run is about other queries, or found not one judged document."""
    orders = {name: rows for name, rows in run.orders.items() if name in dataset.queries}
    if not orders:
        raise DataError(
            f"the run has none of the {len(dataset.queries)} queries of {dataset.name}: {_sample(run.rows)} in the "
            f"run, {_sample(dataset.queries)} in the data",
            hint="Check that the run and the data are of the same collection.",
        )
    if not any(document in dataset.qrels[name] for name, documents in orders.items() for document in documents):
        name = next(iter(orders))
        raise DataError(
            f"not one document of the run is judged: for query {name!r}, {_sample(orders[name])} in the run, "
            f"{_sample(dataset.qrels[name])} in the judgements",
            hint="Check that the document ids are of the same collection (with a limit of few queries: raise it).",
        )


def refuse_strangers(
    qrels_file: Path, qrels: Mapping[str, Mapping[str, int]], source: Path, listed: Mapping[str, Sequence[str]]
) -> None:
    """Raise a ``DataError`` if no judged query has candidates (``listed``), or no candidate is judged: they are of
    another collection.
    """
    known = {name: documents for name, documents in listed.items() if name in qrels}
    if not known:
        raise strangers("queries", qrels_file, qrels, source, listed)
    if not any(document in qrels[name] for name, documents in known.items() for document in documents):
        name, documents = next(iter(known.items()))
        raise strangers("candidates", qrels_file, qrels[name], source, documents)


def strangers(what: str, qrels_file: Path, judged: Iterable[str], other_file: Path, others: Iterable[str]) -> DataError:
    """The error of judgements that match nothing of another file."""
    return DataError(
        f"{qrels_file} judges none of the {what} of {other_file}: {_sample(judged)} against {_sample(others)}",
        hint="Check that the files are of the same collection and spell the ids in the same way.",
    )


def _sample(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for _, name in zip(range(3), names, strict=False)) or "nothing"


def _at_least_one(what: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ConfigError(f"{what} is {value}", hint="Give 1 or more, or leave it out for all.")
