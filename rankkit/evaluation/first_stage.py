"""A first stage made here: data whose candidates BM25 finds in its corpus."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rankkit.data.datasets import UNFOUND, Dataset
from rankkit.data.runs import write_run
from rankkit.errors import DataError
from rankkit.evaluation.experiment import Experiment
from rankkit.evaluation.measures import Figures, evaluate
from rankkit.evaluation.report import EvaluationReport
from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings
from rankkit.retrieval.searcher import as_ranking


@dataclass(frozen=True, slots=True)
class Bm25FirstStage:
    """``experiment``, each query with the documents that ``index`` found for it; ``before`` is the data as it was."""

    experiment: Experiment
    index: Bm25Index
    before: Dataset

    @classmethod
    def over(cls, experiment: Experiment, settings: Bm25Settings | None = None, k: int = 100) -> Bm25FirstStage:
        """Search the corpus of the experiment's data for ``k`` documents a query; a stored first stage is replaced.

        Raises:
            DataError: there is no corpus, it is wrong, or none of its documents is judged.
        """
        data, index = searched(experiment.dataset, settings, k)
        return cls(replace(experiment, dataset=data), index, experiment.dataset)

    def alone(self) -> EvaluationReport:
        """Measure BM25 without a model after it, beside the stored first stage where the data has one; write the run.
        ``unwritten`` says why, where that cannot be done.
        """
        data, measures = self.experiment.dataset, self.experiment.measures
        unwritten = ""
        try:
            if self.experiment.run_out is not None:
                rankings = [as_ranking(request, self.index) for request in data.requests]
                write_run(self.experiment.run_out, rankings, tag=self.experiment.tag or "bm25")
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


def searched(data: Dataset, settings: Bm25Settings | None = None, k: int = 100) -> tuple[Dataset, Bm25Index]:
    """The data with the ``k`` documents that BM25 finds in its corpus for each query, and the index.

    Raises:
        DataError: there is no corpus, it is wrong, or none of its documents is judged.
    """
    if data.corpus is None:
        raise DataError(
            f"{data.name} has no corpus to search", hint="Put the collection's corpus.jsonl into its folder."
        )
    index = Bm25Index.build(data.corpus, settings)
    _refuse_strangers(data, index)
    found = index.search_many(list(data.asked.values()), k)
    requests = tuple(request for request in found if request.candidates)
    unfound = {UNFOUND: len(found) - len(requests)} if len(requests) < len(found) else {}
    name = f"{data.name}, first {k} of {index!r}"
    notes = {words: count for words, count in data.notes.items() if words != UNFOUND} | unfound
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
