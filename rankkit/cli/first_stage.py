"""What ``rankkit search`` and ``rankkit eval --first-stage`` share: a corpus from a path, and BM25 as a ranking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rankkit.errors import DataError
from rankkit.ranking import Candidate, Query, Ranking, Request, ScoreKind, Step

if TYPE_CHECKING:
    from rankkit.evaluation.datasets import Dataset
    from rankkit.evaluation.experiment import Experiment
    from rankkit.evaluation.report import EvaluationReport
    from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings

_PANEL = "First stage"
#: As reading a data set words it.
_UNFOUND = "queries without candidates, counted as 0"

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


@dataclass(frozen=True)
class Bm25Options:
    """How BM25 makes the first stage."""

    first: First = None
    tokenizer: Tokenizer = None
    stemmer: Stemmer = None

    @property
    def given(self) -> bool:
        return self != Bm25Options()

    @property
    def depth(self) -> int:
        return self.first or 100

    def settings(self) -> Bm25Settings | None:
        """``None`` where nothing was said of how to index."""
        from rankkit.retrieval.bm25 import Bm25Settings

        said = {"tokenizer": self.tokenizer, "stemmer": self.stemmer}
        given: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
        return Bm25Settings(**given) if given else None


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


def as_ranking(request: Request, index: Bm25Index) -> Ranking:
    """The order and the scores of BM25 as they are, where no model comes after it."""
    return Ranking(
        request,
        tuple(range(len(request))),
        scores=tuple(candidate.score for candidate in request.candidates),
        score_kind=ScoreKind.BM25,
        steps=(Step(repr(index)),),
    )


@dataclass(frozen=True, slots=True)
class Bm25FirstStage:
    """``experiment``, each query with the documents that ``index`` found for it; ``before`` is the data as it was."""

    experiment: Experiment
    index: Bm25Index
    before: Dataset

    @classmethod
    def over(cls, experiment: Experiment, options: Bm25Options) -> Bm25FirstStage:
        """Search the corpus of the experiment's data; a stored first stage is replaced.

        Raises:
            DataError: there is no corpus, it is wrong, or none of its documents is judged.
        """
        from rankkit.retrieval.bm25 import Bm25Index

        data, depth = experiment.dataset, options.depth
        if data.corpus is None:
            raise DataError(
                f"{data.name} has no corpus to search", hint="Put the collection's corpus.jsonl into its folder."
            )
        index = Bm25Index.build(data.corpus, options.settings())
        _refuse_strangers(data, index)
        found = index.search_many([Query(text, name) for name, text in data.queries.items()], depth)
        requests = tuple(request for request in found if request.candidates)
        unfound = {_UNFOUND: len(found) - len(requests)} if len(requests) < len(found) else {}
        searched = replace(
            data,
            name=f"{data.name}, first {depth} of {index!r}",
            requests=requests,
            notes={words: count for words, count in data.notes.items() if words != _UNFOUND} | unfound,
        )
        return cls(replace(experiment, dataset=searched), index, data)

    def alone(self) -> EvaluationReport:
        """Measure BM25 without a model after it, beside the stored first stage where the data has one; write the run.

        Raises:
            DataError: the run cannot be written.
        """
        from rankkit.evaluation.measures import Figures, evaluate
        from rankkit.evaluation.report import EvaluationReport
        from rankkit.evaluation.runs import write_run

        data, measures = self.experiment.dataset, self.experiment.measures
        if self.experiment.run_out is not None:
            rankings = [as_ranking(request, self.index) for request in data.requests]
            write_run(self.experiment.run_out, rankings, tag="bm25")
        figures = evaluate(data.qrels, data.first_stage, measures)
        stored = self.before.first_stage
        beside = evaluate(data.qrels, stored, measures) if stored else Figures({}, {})
        return EvaluationReport(
            data=data.name,
            ranked_by="first stage alone",
            measures=figures.means,
            first_stage=beside.means,
            queries=len(data.queries),
            per_query=figures.per_query,
            first_stage_per_query=beside.per_query,
            data_notes=data.notes,
        )


def _refuse_strangers(data: Dataset, index: Bm25Index) -> None:
    """Judgements of another collection would make a first stage that finds nothing look merely bad."""
    judged = {document for grades in data.qrels.values() for document in grades}
    if not any(index.documents[place].id in judged for place in range(len(index))):
        seen = ", ".join(repr(name) for name in sorted(judged)[:3])
        raise DataError(
            f"not one document of {data.name}'s corpus is judged: {index.documents[0].id!r} is the first there, "
            f"{seen} in the judgements",
            hint="Check that corpus and judgements are of the same collection and spell the ids in the same way.",
        )
