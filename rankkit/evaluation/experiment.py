"""All that ``rankkit eval`` does, apart from reading options and showing the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rankkit.core.execution import OnProgress
from rankkit.core.reranker import Reranker
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.data.runs import check_writable, read_run, write_run
from rankkit.errors import ConfigError
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

    @classmethod
    def of(
        cls,
        folder: str | Path,
        *,
        measures: str = DEFAULT_MEASURES,
        limit: int | None = None,
        run_out: str | Path | None = None,
    ) -> Experiment:
        """Read the first ``limit`` judged queries of a data set.

        Raises:
            ConfigError: a measure or ``limit`` is wrong.
            InputError: the data is wrong, or ``run_out`` cannot be written.
        """
        parsed = parse_measures(measures)
        if run_out is not None:
            check_writable(Path(run_out))
        return cls(load_dataset(folder, limit=limit), parsed, None if run_out is None else Path(run_out))

    def of_reranker(
        self, reranker: Reranker, *, depth: int | None = None, progress: OnProgress | None = None
    ) -> EvaluationReport:
        """Rerank the first ``depth`` candidates of each query, the others staying behind them; write ``run_out``.

        Raises:
            RankkitError: as ``evaluate_reranker``; or ``DataError``, when the run cannot be written.
        """
        report, rankings = evaluate_reranker(
            reranker, self.dataset, measures=self.measures, head=depth, progress=progress
        )
        if self.run_out is not None:
            write_run(self.run_out, rankings)
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
