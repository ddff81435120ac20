"""What ``rankkit search`` and ``rankkit eval --first-stage`` share: a corpus from a path, and BM25 as a ranking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rankkit.errors import DataError
from rankkit.ranking import Candidate, Query, Ranking, Request, ScoreKind, Step

if TYPE_CHECKING:
    from rankkit.evaluation.experiment import Experiment
    from rankkit.evaluation.report import EvaluationReport
    from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings

_PANEL = "First stage"

First = Annotated[
    int | None,
    typer.Option(
        "--first", help="Documents that BM25 finds for each query. Default: 100.", min=1, rich_help_panel=_PANEL
    ),
]
Tokenizer = Annotated[
    Literal["words", "bigrams"] | None,
    typer.Option(
        "--tokenizer",
        help="bigrams for Chinese, Japanese, Thai: scripts without spaces. Default: words.",
        rich_help_panel=_PANEL,
    ),
]
Stemmer = Annotated[
    str | None,
    typer.Option(
        "--stemmer",
        help="porter, or another of PyStemmer's (german, french, ...); '' for none. Default: porter.",
        rich_help_panel=_PANEL,
    ),
]
DEFAULT_FIRST = 100


def read_corpus(path: Path) -> Iterable[Candidate]:
    """JSON lines (a file, or ``corpus.jsonl`` in a BEIR folder, plain or gzip), or a folder of text files.

    Raises:
        DataError: there is no such file or folder. Other troubles are told when the corpus is read.
    """
    from rankkit.evaluation.corpus import Corpus
    from rankkit.retrieval.text_files import TextFolder

    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder", hint="Give a folder, or a file of JSON lines.")
    if path.is_file():
        return Corpus(path)
    inside = [file for name in ("corpus.jsonl", "corpus.jsonl.gz") if (file := path / name).is_file()]
    return Corpus(inside[0]) if inside else TextFolder(path)


def settings_of(tokenizer: Literal["words", "bigrams"] | None, stemmer: str | None) -> Bm25Settings | None:
    """The settings that the options ask for; ``None`` where they ask for nothing."""
    from rankkit.retrieval.bm25 import Bm25Settings

    if tokenizer is None and stemmer is None:
        return None
    default = Bm25Settings()
    return Bm25Settings(
        tokenizer=tokenizer or default.tokenizer, stemmer=default.stemmer if stemmer is None else stemmer
    )


def as_ranking(request: Request, index: Bm25Index) -> Ranking:
    """The order and the scores of BM25 as they are, where no model comes after it."""
    return Ranking(
        request,
        tuple(range(len(request))),
        scores=tuple(candidate.score for candidate in request.candidates),
        score_kind=ScoreKind.BM25,
        steps=(Step(repr(index)),),
    )


class Bm25FirstStage:
    """BM25 over the corpus of an experiment's data; a stored first stage is replaced."""

    def __init__(self, experiment: Experiment, first: int | None, settings: Bm25Settings | None) -> None:
        from rankkit.evaluation.datasets import with_run
        from rankkit.evaluation.runs import Run
        from rankkit.retrieval.bm25 import Bm25Index

        data = experiment.dataset
        if data.corpus is None:
            raise DataError(
                f"{data.name} has no corpus to search", hint="Put the collection's corpus.jsonl into its folder."
            )
        depth = first or DEFAULT_FIRST
        self._before = data
        self._index = Bm25Index.build(data.corpus, settings)
        found = self._index.search_many([Query(text, name) for name, text in data.queries.items()], depth)
        rows = {
            request.query.id: tuple((candidate.id, candidate.score or 0.0) for candidate in request.candidates)
            for request in found
            if request.candidates
        }
        self._run = Run(rows, repr(self._index))
        named = replace(data, name=f"{data.name}, first {depth} of {self._index!r}")
        #: The experiment, its queries with the documents that BM25 found for them.
        self.experiment = replace(experiment, dataset=with_run(named, self._run))

    def alone(self) -> EvaluationReport:
        """Measure BM25 without a model after it, beside the stored first stage where the data has one; write the run.

        Raises:
            DataError: the run cannot be written.
        """
        from rankkit.evaluation.evaluate import evaluate_run
        from rankkit.evaluation.runs import write_run

        if self.experiment.run_out is not None:
            rankings = [as_ranking(request, self._index) for request in self.experiment.dataset.requests]
            write_run(self.experiment.run_out, rankings, tag="bm25")
        return evaluate_run(self._before, self._run, measures=self.experiment.measures)
