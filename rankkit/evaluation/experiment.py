"""All that ``rankkit eval`` does, apart from reading options and showing the result."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Ranking
from rankkit.core.reranker import Reranker
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.data.reordering import reversed_candidates, shuffled_candidates
from rankkit.data.runs import RunWriter, check_run_out, read_run
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
        self,
        reranker: Reranker,
        *,
        depth: int | None = None,
        reverse: bool = False,
        shuffle: int | None = None,
        progress: OnProgress | None = None,
    ) -> EvaluationReport:
        """Rerank the first ``depth`` candidates of each query, the others staying behind them; write ``run_out``.

        With ``reverse``, and with a seed to ``shuffle`` by, it does so once more each over these candidates in another
        order, and the report has what came of it as ``reordered``; the run is that of the stored order.

        A run that cannot be written does not cost the report: ``unwritten`` says why.

        Raises:
            RankkitError: as ``evaluate_reranker``.
        """
        evaluated = partial(
            evaluate_reranker, reranker, self.dataset, measures=self.measures, head=depth, progress=progress
        )
        report = evaluated() if self.run_out is None else self._written(evaluated, self.run_out)
        orders: dict[str, Dataset] = {}
        if reverse:
            orders["reversed"] = reversed_candidates(self.dataset, depth=depth)
        if shuffle is not None:
            orders[f"shuffled {shuffle}"] = shuffled_candidates(self.dataset, shuffle, depth=depth)
        reordered = {
            name: evaluate_reranker(reranker, dataset, measures=self.measures, head=depth, progress=progress)
            for name, dataset in orders.items()
        }
        return replace(report, tag=self.tag, reordered=reordered)

    def _written(self, evaluated: Callable[..., EvaluationReport], path: Path) -> EvaluationReport:
        """Evaluate, and write the run on the way."""
        run = _Run(path, self.tag or "rankkit")
        try:
            report = evaluated(on_ranking=run.add)
        except BaseException:
            run.abandon()
            raise
        return replace(report, unwritten=run.finish())

    def of_run(self, path: str | Path) -> EvaluationReport:
        """Measure a run file.

        Raises:
            DataError: the run cannot be read, or is of other data.
            ConfigError: ``run_out`` was given: nothing is ranked that could be written.
        """
        if self.run_out is not None:
            raise ConfigError(f"nothing to write to {self.run_out}: a run is measured as it is", hint="Leave it out.")
        return evaluate_run(self.dataset, read_run(Path(path)), measures=self.measures)


class _Run:
    """A run that is written while it is made. What goes wrong with the file must not cost the ranking."""

    def __init__(self, path: Path, tag: str) -> None:
        self._stack = ExitStack()
        self._writer = self._stack.enter_context(RunWriter(path, tag=tag))
        self._error = ""

    def add(self, ranking: Ranking) -> None:
        if self._error:
            return
        try:
            self._writer.add(ranking)
        except DataError as error:
            self._error = error.message
            self._stack.pop_all().__exit__(type(error), error, error.__traceback__)

    def abandon(self) -> None:
        """Leave everything as it was: there is no run."""
        self._stack.pop_all().__exit__(*sys.exc_info())

    def finish(self) -> str:
        """Put the file in its place. Why that could not be done, or ``""``."""
        try:
            self._stack.close()
        except DataError as error:
            self._error = error.message
        return self._error
