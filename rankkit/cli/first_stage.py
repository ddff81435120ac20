"""What ``rankkit search``, ``eval`` and ``plan`` share: the options of BM25, and data whose first stage it is."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rankkit.config.first_stage import FirstStageSpec
from rankkit.core.ranking import Query
from rankkit.errors import DataError

if TYPE_CHECKING:
    from rankkit.data.datasets import Dataset
    from rankkit.evaluation.experiment import Experiment
    from rankkit.evaluation.report import EvaluationReport
    from rankkit.retrieval.bm25 import Bm25Index

_PANEL = "First stage"
#: As reading a data set words it.
_UNFOUND = "queries without candidates, counted as 0"

K = Annotated[
    int | None,
    typer.Option("--k", help="Documents that BM25 finds for each query. Default: 100.", min=1, rich_help_panel=_PANEL),
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

    k: K = None
    tokenizer: Tokenizer = None
    stemmer: Stemmer = None

    @property
    def given(self) -> bool:
        return self != Bm25Options()

    def over(
        self, said: FirstStageSpec | None, *, corpus: Path | None = None, index: Path | None = None
    ) -> FirstStageSpec:
        """What the options say, and where they say nothing, what a config says. An index belongs to its corpus: a
        corpus of one's own goes without the config's.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        given |= {"corpus": corpus and str(corpus), "index": index and str(index)}
        update = {name: value for name, value in given.items() if value is not None}
        if corpus is not None:
            update.setdefault("index", None)
        return (said or FirstStageSpec()).model_copy(update=update)


@dataclass(frozen=True, slots=True)
class Bm25FirstStage:
    """``experiment``, each query with the documents that ``index`` found for it; ``before`` is the data as it was."""

    experiment: Experiment
    index: Bm25Index
    before: Dataset

    @classmethod
    def over(cls, experiment: Experiment, first: FirstStageSpec) -> Bm25FirstStage:
        """Search the corpus of the experiment's data; a stored first stage is replaced.

        Raises:
            DataError: there is no corpus, it is wrong, or none of its documents is judged.
        """
        data, index = searched(experiment.dataset, first)
        return cls(replace(experiment, dataset=data), index, experiment.dataset)

    def alone(self) -> EvaluationReport:
        """Measure BM25 without a model after it, beside the stored first stage where the data has one; write the run.

        Raises:
            DataError: the run cannot be written.
        """
        from rankkit.data.runs import write_run
        from rankkit.evaluation.measures import Figures, evaluate
        from rankkit.evaluation.report import EvaluationReport
        from rankkit.retrieval.searcher import as_ranking

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


def searched(data: Dataset, first: FirstStageSpec) -> tuple[Dataset, Bm25Index]:
    """The data with what BM25 finds in its corpus, and the index.

    Raises:
        DataError: there is no corpus, it is wrong, or none of its documents is judged.
    """
    from rankkit.retrieval.bm25 import Bm25Index

    if data.corpus is None:
        raise DataError(
            f"{data.name} has no corpus to search", hint="Put the collection's corpus.jsonl into its folder."
        )
    index = Bm25Index.build(data.corpus, first.settings())
    _refuse_strangers(data, index)
    found = index.search_many([Query(text, name) for name, text in data.queries.items()], first.k)
    requests = tuple(request for request in found if request.candidates)
    unfound = {_UNFOUND: len(found) - len(requests)} if len(requests) < len(found) else {}
    name = f"{data.name}, first {first.k} of {index!r}"
    notes = {words: count for words, count in data.notes.items() if words != _UNFOUND} | unfound
    return replace(data, name=name, requests=requests, notes=notes), index


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
