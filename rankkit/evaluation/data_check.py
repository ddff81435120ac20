"""Data looked at before a model is asked about it: what there is, what it is worth, and all that is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import TypeAlias, cast

from rankkit.core.ranking import Query, Request
from rankkit.data.candidate_counter import CandidateCounter
from rankkit.data.corpus import Corpus
from rankkit.data.corpus_counter import CorpusCounter
from rankkit.data.datasets import refuse_strangers, strangers
from rankkit.data.duplicates import digest
from rankkit.data.findings import Findings, Severity
from rankkit.data.folder import Files, Parts, check_folder, parts_of, read_queries
from rankkit.data.lines import faults_to
from rankkit.data.qrels import Qrels, read_qrels
from rankkit.data.requests import read_requests
from rankkit.data.runs import read_run
from rankkit.data.text_facts import LONG_QUERY, TextCounter, TextFacts, check_scripts
from rankkit.errors import ConfigError, DataError, InputError
from rankkit.evaluation.data_report import CandidateFacts, CorpusFacts, DataReport, FileFacts, QueryFacts
from rankkit.evaluation.measures import evaluate, parse_measures

#: What a first stage is asked about: how good its first documents are, and what a reranker of 100 could find.
_MEASURES = "nDCG@10,RR@10,R@100"
_DEPTH = 100

#: Is given a file's name and how many of its queries or documents have been read.
OnRead: TypeAlias = Callable[[str, int], None]


def check_data(
    folder: str | Path, *, split: str | None = None, depth: int | None = None, on_read: OnRead | None = None
) -> DataReport:
    """Read all of a data set's files, and say what there is and what is wrong.

    No fault ends it: a line that cannot be used is left out and counted. ``depth`` (100) is how deep a reranker will
    look; the share of judged candidates is taken there. ``split`` is as in ``load_dataset``.

    Raises:
        DataError: there is no such folder, or nothing of a data set in it.
        ConfigError: ``depth`` is less than 1.
    """
    if depth is not None and depth < 1:
        raise ConfigError(f"depth is {depth}", hint="Give 1 or more, or leave it out.")
    return _Check(Path(folder), split, depth or _DEPTH, on_read or (lambda name, done: None)).report()


class _Check:
    """The passes of a check: judgements and queries are kept, candidates and corpus streamed."""

    def __init__(self, root: Path, split: str | None, depth: int, on_read: OnRead) -> None:
        self._root = root
        self._depth = depth
        self._on_read = on_read
        self._findings = Findings(root)
        self._parts = self._found(split)
        self._candidates = CandidateCounter(self._findings)
        self._qrels = self._read_qrels()
        self._queries = self._read_queries()
        #: With a text and judgements, in file order.
        self._judged = {name: self._qrels[name] for name in self._queries if name in self._qrels}

    def _found(self, split: str | None) -> Parts:
        check_folder(self._root)
        faults: list[InputError] = []
        parts = parts_of(self._root, split, faults.append)
        if parts == Parts(None, None, None, None) and faults:
            raise faults[0]
        # What is there but cannot be read is not missing. A folder with nothing in it is no data set at all.
        if not faults:
            with faults_to(None if parts == Parts(None, None, None, None) else faults.append):
                Files.complete(self._root, parts, split)
        for fault in faults:
            self._findings.add("error", fault.message)
        if parts.candidates is None and parts.corpus is None:
            self._findings.add("warning", "there are no candidates and no corpus: nothing can be reranked")
        elif parts.candidates is None and parts.run is None:
            self._findings.add("note", "there are no candidates: --first-stage bm25 finds them in the corpus")
        return parts

    @property
    def _listed(self) -> Path | None:
        """The file of the candidates: with their texts, or as a run."""
        return self._parts.candidates or self._parts.run

    def _read_qrels(self) -> Qrels:
        path = self._parts.qrels
        return {} if path is None else read_qrels(path, self._findings.in_file(path))

    def _read_queries(self) -> dict[str, str]:
        """Those of their own file, or else those that come with the candidates."""
        path, own = self._parts.queries, dict[str, str]()
        if path is not None:
            own = read_queries(path, self._findings.in_file(path))
        if self._parts.candidates is not None:
            self._read_candidates(self._parts.candidates)
        elif self._parts.run is not None and self._parts.corpus is not None:
            with faults_to(lambda fault: self._findings.add("error", fault.message)):
                self._read_run(self._parts.run, Corpus(self._parts.corpus), own)
        return own if path is not None else self._candidates.queries

    def _read_candidates(self, path: Path) -> None:
        for done, request in enumerate(read_requests(path, on_fault=self._findings.in_file(path)), start=1):
            self._candidates.add(request)
            self._on_read(path.name, done)

    def _read_run(self, path: Path, corpus: Corpus, queries: Mapping[str, str]) -> None:
        """A run has no texts: those of its documents are the corpus's."""
        rows = {name: row for name, row in read_run(path, self._findings.in_file(path)).rows.items() if name in queries}
        known = corpus.pick(document for row in rows.values() for document, _ in row)
        for done, (name, row) in enumerate(rows.items(), start=1):
            candidates = tuple(replace(known[document], score=score) for document, score in row)
            self._candidates.add(Request(Query(queries[name], name), candidates))
            self._on_read(path.name, done)

    def report(self) -> DataReport:
        """Everything, with what was found on the way."""
        queries, texts = self._query_facts(), {"queries": self._query_texts()}
        self._matching()
        candidates = self._candidate_facts()
        if candidates is not None:
            texts["candidates"] = self._candidates.texts.facts()
        corpus = self._corpus_counter()
        if corpus is not None:
            texts["corpus"] = corpus.texts.facts()
        check_scripts(texts, self._findings)
        return DataReport(
            data=self._root.resolve().name,
            files=self._files(),
            depth=self._depth,
            queries=queries,
            grades=dict(sorted(Counter(grade for row in self._qrels.values() for grade in row.values()).items())),
            candidates=candidates,
            corpus=None if corpus is None else CorpusFacts(corpus.documents, corpus.empty),
            duplicates={
                "queries": len(self._queries) - len({digest(text) for text in self._queries.values()}),
                **({} if candidates is None else {"candidates": self._candidates.same_text}),
                **({} if corpus is None else {"corpus": corpus.same_text}),
            },
            texts=texts,
            first_stage=self._first_stage(),
            problems=self._findings.problems(),
        )

    def _files(self) -> tuple[FileFacts, ...]:
        parts = {
            "judgements": self._parts.qrels,
            "queries": self._parts.queries,
            "candidates": self._listed,
            "corpus": self._parts.corpus,
        }
        return tuple(FileFacts(role, path, path.stat().st_size) for role, path in parts.items() if path is not None)

    def _query_facts(self) -> QueryFacts:
        unjudged = [name for name in self._queries if name not in self._qrels]
        unknown = [name for name in self._qrels if name not in self._queries]
        lone = [name for name in self._judged if name not in self._candidates.found or not self._candidates.found[name]]
        fruitless = [name for name, grades in self._judged.items() if max(grades.values()) < 1]
        without_candidates = [] if self._listed is None else lone
        for severity, words, names in (
            ("note", "queries without judgements, which are left out", unjudged),
            ("warning", "judged queries without a text, which are left out", unknown),
            ("warning", "judged queries without candidates, which count as 0", without_candidates),
            ("warning", "queries without a relevant document, which count as 0 whatever is ranked", fruitless),
        ):
            self._findings.add(cast(Severity, severity), words, *map("query {}".format, names[:3]), count=len(names))
        return QueryFacts(
            all=len(self._queries),
            judged=len(self._judged),
            without_judgements=len(unjudged),
            without_text=len(unknown),
            without_candidates=len(without_candidates),
            without_relevant=len(fruitless),
        )

    def _query_texts(self) -> TextFacts:
        counter, first = TextCounter("queries", LONG_QUERY, self._findings), dict[int, str]()
        for name, text in self._queries.items():
            counter.add(f"query {name}", text)
            if (before := first.setdefault(digest(text), name)) != name:
                self._findings.add("warning", "queries with the text of an earlier one", f"query {name} as {before}")
            stored = self._candidates.queries.get(name, text)
            if stored != text:
                words = "queries with another text beside their candidates: that of the queries' own file is used"
                self._findings.add("note", words, f"query {name}: {stored!r}")
        return counter.facts()

    def _matching(self) -> None:
        """Files of different collections match nowhere: evaluations refuse them, in these words."""
        parts, known = self._parts, self._candidates.found
        if not self._qrels or not self._queries or parts.qrels is None:
            return
        source = parts.queries or self._listed or self._root
        with faults_to(lambda fault: self._findings.add("error", fault.message)):
            if not self._judged:
                raise strangers("queries", parts.qrels, self._qrels, source, self._queries)
            if self._listed is not None and (known or parts.run is None):
                refuse_strangers(parts.qrels, self._qrels, self._listed, known)
        stray = [name for name in known if name not in self._queries]
        words = "queries with candidates that are not in the file of queries"
        self._findings.add("note", words, *map("query {}".format, stray[:3]), count=len(stray))

    def _candidate_facts(self) -> CandidateFacts | None:
        if self._listed is None:
            return None
        rows = {name: self._candidates.found.get(name, ()) for name in self._judged}
        relevant = {
            (name, document) for name, row in self._judged.items() for document, grade in row.items() if grade > 0
        }
        sizes = [len(row) for row in rows.values() if row]
        return CandidateFacts(
            all=self._candidates.all,
            documents=len(self._candidates.digests),
            per_query={"min": min(sizes), "median": median(sizes), "max": max(sizes)} if sizes else {},
            judged_share={str(depth): self._judged_share(rows, depth) for depth in (10, self._depth)} if sizes else {},
            relevant=len(relevant),
            relevant_found=sum(1 for name, row in rows.items() for document in row if (name, document) in relevant),
        )

    def _judged_share(self, rows: Mapping[str, Sequence[str]], depth: int) -> float:
        heads = {name: row[:depth] for name, row in rows.items() if row}
        return fmean(
            sum(1 for document in head if document in self._judged[name]) / len(head) for name, head in heads.items()
        )

    def _corpus_counter(self) -> CorpusCounter | None:
        path = self._parts.corpus
        if path is None:
            return None
        judged = {document for row in self._judged.values() for document in row}
        counter = CorpusCounter(Corpus(path), self._findings, judged, self._candidates.digests)
        counter.read(lambda done: self._on_read(path.name, done))
        return counter

    def _first_stage(self) -> Mapping[str, float]:
        orders = {name: row for name, row in self._candidates.found.items() if name in self._judged}
        if not any(orders.values()):
            return {}
        try:
            return evaluate(self._judged, orders, parse_measures(_MEASURES)).means
        except DataError as error:
            self._findings.add("error", f"the first stage cannot be measured: {error.message}")
            return {}
