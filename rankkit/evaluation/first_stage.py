"""A first stage made here: data whose candidates are found in its corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rankkit.core.ranking import Candidate
from rankkit.data.datasets import UNFOUND, Dataset
from rankkit.data.runs import write_run
from rankkit.errors import DataError
from rankkit.evaluation.experiment import Experiment
from rankkit.evaluation.measures import Figures, evaluate
from rankkit.evaluation.report import EvaluationReport
from rankkit.retrieval.index import Index
from rankkit.retrieval.searcher import as_ranking

#: Makes a searchable index of a corpus.
Build = Callable[[Iterable[Candidate]], Index]


@dataclass(frozen=True, slots=True)
class FirstStage:
    """``experiment``, each query with the documents that ``index`` found for it; ``before`` is the data as it was."""

    experiment: Experiment
    index: Index
    before: Dataset

    @classmethod
    def over(cls, experiment: Experiment, build: Build | None = None, k: int = 100) -> FirstStage:
        """Search the corpus of the experiment's data for ``k`` documents a query, by what ``build`` makes of it (BM25);
        a stored first stage is replaced.

        Raises:
            DataError: there is no corpus, it is wrong, or none of its documents is judged.
        """
        data, index = searched(experiment.dataset, build, k)
        return cls(replace(experiment, dataset=data), index, experiment.dataset)

    def alone(self) -> EvaluationReport:
        """Measure the first stage without a model after it, beside the stored one where the data has one; write the
        run. ``unwritten`` says why, where that cannot be done.
        """
        data, measures = self.experiment.dataset, self.experiment.measures
        unwritten = ""
        try:
            if self.experiment.run_out is not None:
                rankings = [as_ranking(request, self.index) for request in data.requests]
                write_run(
                    self.experiment.run_out, rankings, tag=self.experiment.tag or repr(self.index).partition("(")[0]
                )
        except DataError as error:
            unwritten = error.message
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
            tag=self.experiment.tag,
            unwritten=unwritten,
        )


def searched(data: Dataset, build: Build | None = None, k: int = 100) -> tuple[Dataset, Index]:
    """The data with the ``k`` documents that are found in its corpus for each query, and the index that ``build`` makes
    of it: BM25's, where none is given.

    Raises:
        DataError: there is no corpus, it is wrong, or none of its documents is judged.
    """
    if data.corpus is None:
        raise DataError(
            f"{data.name} has no corpus to search", hint="Put the collection's corpus.jsonl into its folder."
        )
    index = (build or _bm25)(data.corpus)
    _refuse_strangers(data, index)
    found = index.search_many(list(data.asked.values()), k)
    requests = tuple(request for request in found if request.candidates)
    unfound = {UNFOUND: len(found) - len(requests)} if len(requests) < len(found) else {}
    name = f"{data.name}, first {k} of {index!r}"
    notes = {words: count for words, count in data.notes.items() if words != UNFOUND} | unfound
    return replace(data, name=name, requests=requests, notes=notes), index


def _refuse_strangers(data: Dataset, index: Index) -> None:
    """Judgements of another collection would make a first stage that finds nothing look merely bad."""
    judged = {document for grades in data.qrels.values() for document in grades}
    if not any(index.documents[place].id in judged for place in range(len(index))):
        seen = ", ".join(repr(name) for name in sorted(judged)[:3])
        raise DataError(
            f"not one document of {data.name}'s corpus is judged: {index.documents[0].id!r} is the first there, "
            f"{seen} in the judgements",
            hint="Check that corpus and judgements are of the same collection and spell the ids in the same way.",
        )


def _bm25(documents: Iterable[Candidate]) -> Index:
    from rankkit.retrieval.bm25 import Bm25Index

    return Bm25Index.build(documents)
