"""The work of a conversion: one pass over each file of a data set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TypeAlias

from rankkit.core.ranking import Candidate, Query, Ranking, Request
from rankkit.data.corpus import Corpus
from rankkit.data.duplicates import digest
from rankkit.data.folder import SPLITS, Files, parts_of, read_queries
from rankkit.data.layouts import (
    QRELS_HEADER,
    Layout,
    Losses,
    document_line,
    fits_table,
    has_space,
    json_line,
    qrels_line,
    query_line,
    rankllm_line,
    request_line,
    top1000_lines,
)
from rankkit.data.plain import plain
from rankkit.data.qrels import read_qrels
from rankkit.data.requests import read_requests
from rankkit.data.runs import RunWriter, printable_scores, read_run
from rankkit.errors import DataError

#: Is given a file's name and how many of its queries or documents have been read.
OnRead: TypeAlias = Callable[[str, int], None]


def split_of(path: Path) -> str:
    """The split that the name of a file of judgements has in it (``qrels/dev.tsv``), or ``""``."""
    stem = re.sub(r"\.tsv(\.\w+)?$", "", path.name.removeprefix("qrels."))
    return stem if stem in SPLITS else ""


class Converter:
    """One pass over each file. Held are queries, judgements and the digests of candidates, no texts of documents."""

    def __init__(self, files: Files, layout: Layout, split: str, place: Path, on_read: OnRead) -> None:
        self._files = files
        self._layout = layout
        self._split = split
        self._place = place
        self._on_read = on_read
        self._queries: dict[str, str] | None = read_queries(files.queries) if files.queries else None
        self._qrels = read_qrels(files.qrels)
        #: Queries whose text is another one beside their candidates.
        self._other_texts: set[str] = set()
        self.written: Losses = Losses()
        self.losses: Losses = Losses()
        self.notes: Losses = Losses()

    def run(self, run: Path | None) -> None:
        """Write everything."""
        requests: Callable[[], Iterator[Request]] | None = None
        if run is not None:
            rankings = self._rankings(run)
            requests = lambda: iter(rankings)  # noqa: E731
        elif self._files.candidates is not None:
            requests = self._stored
        found = {} if requests is None else self._write_candidates(requests)
        self._write_queries()
        self._write_qrels()
        if self._files.corpus is not None or (self._layout.fills_corpus and found):
            self._write_corpus(found, requests or (lambda: iter(())))
        self._lose("texts of queries beside candidates, other than in the file of queries", len(self._other_texts))
        others = [name for name in SPLITS if name != self._split and self._has_split(name)]
        if others:
            self.notes[f"other splits, which are not converted ({', '.join(others)})"] = len(others)

    def _has_split(self, split: str) -> bool:
        return split_of(self._files.qrels) != "" and parts_of(self._files.root, split).qrels is not None

    def _stored(self) -> Iterator[Request]:
        path = self._files.candidates
        assert path is not None
        for done, request in enumerate(read_requests(path), start=1):
            self._on_read(path.name, done)
            query = request.query
            text = (self._queries or {}).get(query.id, query.text)
            if text != query.text:
                self._other_texts.add(query.id)
            yield request if text == query.text else replace(request, query=replace(query, text=text))

    def _rankings(self, path: Path) -> list[Request]:
        """The requests of a run: texts are those of the candidates, and of the corpus for other documents."""
        rows = read_run(path).rows
        wanted = {document for listed in rows.values() for document, _ in listed}
        known: dict[str, Candidate] = {}
        asked: dict[str, Query] = {}
        queries = dict(self._queries or {})
        for request in self._stored() if self._files.candidates else ():
            queries.setdefault(request.query.id, request.query.text)
            asked[request.query.id] = request.query
            known |= {candidate.id: candidate for candidate in request.candidates if candidate.id in wanted}
        missing = sorted(wanted - known.keys())
        if missing and self._files.corpus is None:
            raise DataError(
                f"{path}: {len(missing)} of {len(wanted)} documents have no text: {', '.join(map(repr, missing[:5]))}",
                hint="Put the collection's corpus.jsonl into the folder.",
            )
        if missing and self._files.corpus is not None:
            known |= Corpus(self._files.corpus).pick(missing)
        self._queries = queries
        foreign = [name for name in rows if name not in queries]
        self._lose("rankings of queries without a text", len(foreign))
        return [
            Request(
                asked.get(name) or Query(queries[name], name),
                tuple(replace(known[one], score=score) for one, score in listed),
            )
            for name, listed in rows.items()
            if name in queries
        ]

    def _lose(self, words: str, count: int = 1) -> None:
        if count:
            self.losses[words] += count

    @contextmanager
    def _file(self, name: str) -> Iterator[IO[str]]:
        path = self._place / name.format(split=self._split)
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file

    def _write_candidates(self, requests: Callable[[], Iterator[Request]]) -> dict[str, int]:
        """The digests of the documents by their ids."""
        found: dict[str, int] = {}
        texts = dict[str, str]()
        with self._writer() as write:
            for request in requests():
                self._compare(request, texts)
                for candidate in request.candidates:
                    value = _digest(candidate)
                    if found.setdefault(candidate.id, value) != value and self._layout.fills_corpus:
                        self._lose("candidates with another text than for an earlier query, which is kept")
                write(request)
                self.written["candidates"] += len(request)
        if not self.written["candidates"] and self._layout.candidate_format == "run":
            # A run without a line is no run.
            (self._place / self._layout.candidates).unlink()
        self._queries = texts if self._queries is None else self._queries
        return found

    def _compare(self, request: Request, texts: dict[str, str]) -> None:
        """Queries that are not in their own file: their texts stand beside candidates, where there is room."""
        name = request.query.id
        texts[name] = request.query.text
        if request.query.instruction and self._layout.candidate_format in ("run", "top1000"):
            self._lose("instructions beside queries")
        if self._queries is not None and name not in self._queries and self._layout.candidate_format == "run":
            self._lose("texts of queries that are not in the file of queries")

    @contextmanager
    def _writer(self) -> Iterator[Callable[[Request], object]]:
        layout = self._layout
        if layout.candidate_format == "run":
            with RunWriter(self._place / layout.candidates) as run:
                yield lambda request: run.add(self._ranking(request))
            return
        with self._file(layout.candidates) as file:
            if layout.candidate_format == "top1000":
                yield lambda request: file.writelines(top1000_lines(request, self.losses))
            else:
                line = rankllm_line if layout.candidate_format == "rankllm" else request_line
                yield lambda request: file.write(line(request))

    def _ranking(self, request: Request) -> Ranking:
        scores = tuple(candidate.score for candidate in request.candidates)
        ranking = Ranking(request, tuple(range(len(request))), None if None in scores else scores)
        if None not in scores and tuple(printable_scores(ranking)) != scores:
            self._lose("queries with scores that do not fall strictly, which are made up from the ranks")
        if None in scores and scores.count(None) < len(scores):
            self._lose("queries with scores for some candidates only, which are made up from the ranks")
        return ranking

    @property
    def _own(self) -> bool:
        """Whether files of other formats may stand in for what the format's own cannot hold: rankkit reads them."""
        return self._layout.name in ("rankkit", "rankllm")

    def _write_queries(self) -> None:
        assert self._queries is not None
        name = self._layout.queries
        if self._own and not all(fits_table(word) for row in self._queries.items() for word in row):
            # BEIR's lines hold every text.
            name = "queries.jsonl"
        with self._file(name) as file:
            file.writelines(query_line(name, *row, self.losses) for row in self._queries.items())
        self.written["queries"] = len(self._queries)

    def _write_qrels(self) -> None:
        rows = [(query, document, grade) for query, row in self._qrels.items() for document, grade in row.items()]
        name, form = self._layout.qrels, self._layout.qrels_format
        if self._own and any(has_space(one) for row in rows for one in row[:2]):
            # BEIR's columns hold ids with white space, and are read beside everything else.
            name, form = "qrels.tsv", "beir"
        with self._file(name) as file:
            file.write(QRELS_HEADER if form == "beir" else "")
            file.writelines(qrels_line(form, *row) for row in rows)
        self.written["judgements"] = len(rows)

    def _write_corpus(self, found: Mapping[str, int], requests: Callable[[], Iterator[Request]]) -> None:
        """The corpus as it is; where candidates leave their texts there, with those that it lacks behind."""
        lacking = set(found) if self._layout.fills_corpus else set()
        with self._file(self._layout.corpus) as file:
            for document in self._corpus():
                file.write(document_line(self._layout, document, self.losses))
                self.written["documents"] += 1
                if document.id in lacking:
                    lacking.discard(document.id)
                    if found[document.id] != _digest(document):
                        self._lose("candidates with another text than in the corpus, which is kept")
            if self._files.corpus is not None and lacking:
                self.notes["documents added to the corpus: candidates that it lacked"] = len(lacking)
            for document in (one for request in (requests() if lacking else ()) for one in request.candidates):
                if document.id in lacking:
                    lacking.discard(document.id)
                    file.write(document_line(self._layout, document, self.losses))
                    self.written["documents"] += 1

    def _corpus(self) -> Iterator[Candidate]:
        path = self._files.corpus
        if path is None:
            return
        empty = "documents of the corpus without a title and a text"
        for done, (_, document) in enumerate(Corpus(path).located(lambda where: self._lose(empty)), start=1):
            self._on_read(path.name, done)
            yield document


def _digest(document: Candidate) -> int:
    """Of all that stands in a corpus."""
    return digest(json_line({"title": document.title, "text": document.text, "more": plain(document.metadata)}))
