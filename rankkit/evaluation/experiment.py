"""All that ``rankkit eval`` does, apart from reading options and showing the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rankkit.core.execution import OnProgress
from rankkit.core.reranker import Reranker
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.data.runs import check_run_out, read_run, write_run
from rankkit.errors import ConfigError, DataError
from rankkit.evaluation.evaluate import evaluate_reranker, evaluate_run
from rankkit.evaluation.measures import DEFAULT_MEASURES, Measure, parse_measures
from rankkit.evaluation.report import EvaluationReport


@dataclass(frozen=True, slots=True)
class Experiment:
    """Data and measures, read and checked: what can be refused is refused before a model is loaded.

    ::

        experiment = Experiment.of("data/trec-dl19", measures="nDCG@10,RR(rel=2)@10", run_out="out.run")
        report = experiment.of_reranker(load(...), depth=100)
        report = experiment.of_run("other.run")
    """

    dataset: Dataset
    measures: tuple[Measure, ...]
    run_out: Path | None = None
    tag: str = ""

    @classmethod
    def of(
        cls,
        folder: str | Path,
        *,
        measures: str = DEFAULT_MEASURES,
        limit: int | None = None,
        run_out: str | Path | None = None,
        split: str | None = None,
        tag: str = "",
    ) -> Experiment:
        """Read the first ``limit`` judged queries of a data set. ``tag`` names the run, in its file and in the report.

        Raises:
            ConfigError: a measure or ``limit`` is wrong.
            InputError: the data is wrong, or ``run_out`` cannot be written.
        """
        parsed = parse_measures(measures)
        dataset = load_dataset(folder, limit=limit, split=split)
        if run_out is not None:
            check_run_out(Path(run_out), dataset.files)
        return cls(dataset, parsed, None if run_out is None else Path(run_out), tag)

    def of_reranker(
        self, reranker: Reranker, *, depth: int | None = None, progress: OnProgress | None = None
    ) -> EvaluationReport:
        """Rerank the first ``depth`` candidates of each query, the others staying behind them; write ``run_out``.

        A run that cannot be written does not cost the report: ``unwritten`` says why.

        Raises:
            RankkitError: as ``evaluate_reranker``.
        """
        report, rankings = evaluate_reranker(
            reranker, self.dataset, measures=self.measures, head=depth, progress=progress
        )
        report = replace(report, tag=self.tag)
        try:
            if self.run_out is not None:
                write_run(self.run_out, rankings, tag=self.tag or "rankkit")
        except DataError as error:
            return replace(report, unwritten=error.message)
        return report

    def of_run(self, path: str | Path) -> EvaluationReport:
        """Measure a run file.

        Raises:
            DataError: the run cannot be read, or is of other data.
            ConfigError: ``run_out`` was given: nothing is ranked that could be written.
        """
        if self.run_out is not None:
            raise ConfigError(f"nothing to write to {self.run_out}: a run is measured as it is", hint="Leave it out.")
        return evaluate_run(self.dataset, read_run(Path(path)), measures=self.measures)
