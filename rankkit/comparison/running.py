"""An experiment carried out: systems x data x queries, through the run store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from rankkit.comparison.assembling import JUDGED, SystemRuns, assembled
from rankkit.comparison.comparison import Comparison
from rankkit.comparison.database import default_store_path
from rankkit.comparison.datasets import open_datasets
from rankkit.comparison.experiment import Experiment, System
from rankkit.comparison.outputs.folder import ReportFolder
from rankkit.comparison.robustness import Variant, variants
from rankkit.comparison.store import RunStore
from rankkit.comparison.systems import Measured, Opened, ThroughStore, check_file, measured
from rankkit.core.ranking import Ranking
from rankkit.data.datasets import Dataset
from rankkit.errors import Cancelled


@dataclass(frozen=True, slots=True)
class ComparisonProgress:
    """Where a comparison stands: ``done`` of ``total`` queries of one system on one data set (as it is, or varied), and
    of all systems on all data sets together.
    """

    system: str
    data: str
    done: int
    total: int
    all_done: int
    all_total: int


OnComparisonProgress = Callable[[ComparisonProgress], None]


def compare(
    experiment: str | Path | Mapping[str, object] | Experiment,
    *,
    out: str | Path | None = None,
    limit: int | None = None,
    jobs: int = 1,
    store: RunStore | str | Path | None = None,
    progress: OnComparisonProgress | None = None,
) -> Comparison:
    """Compare the systems of an experiment (a file, or a mapping of its keys), and write all reports to ``out``.

    What the run store holds is not computed again, so a comparison that was ended goes on where it stopped. ``jobs``
    systems run at once. ``store`` is a path, or an open store; without it, the experiment's, or the user's own.

    Raises:
        ConfigError, ModelError: as ``Experiment.of``.
        InputError: the data, a run or a record is wrong, or ``out`` cannot be written.
        StoreError: the store cannot be used.
        RankkitError: what a reranker raises whose spec says so (``on_failure = "raise"``).
    """
    if not isinstance(experiment, Experiment):
        experiment = Experiment.of(experiment)
    experiment = experiment.limited(limit)
    datasets = open_datasets(experiment)
    for system in experiment.systems:
        check_file(system, datasets)
    folder = None if out is None else ReportFolder.of(Path(out))
    with opened_store(store, experiment) as kept:
        run = _Run(experiment, datasets, kept, progress, folder)
        run.all(jobs)
    comparison = assembled(experiment, datasets, run.found)
    if folder is not None:
        folder.write(comparison)
    return comparison


@contextmanager
def opened_store(store: RunStore | str | Path | None, experiment: Experiment) -> Iterator[RunStore]:
    """The store that is given, or that the experiment names, or the user's own; made where there is none."""
    if isinstance(store, RunStore):
        yield store
        return
    with RunStore.open(store_path(store, experiment)) as opened:
        yield opened


def store_path(store: str | Path | None, experiment: Experiment) -> Path:
    """Where the store is that somebody names, or the experiment does; else the user's own."""
    if store is not None:
        return Path(store).expanduser()
    said = experiment.settings.store
    return default_store_path() if said is None else experiment.folder / Path(said).expanduser()


def variants_of(system: System, dataset: Dataset, experiment: Experiment) -> Iterator[Variant]:
    """The data as it is, and in the other orders that the experiment asks for."""
    settings = experiment.settings
    if system.kind != "reranker":  # orders from a file do not change
        return iter([Variant(dataset)])
    return variants(
        dataset,
        shuffle=settings.shuffle,
        reverse=settings.reverse,
        repeat=settings.repeat,
        seed=settings.seed,
        depth=settings.depth,
    )


@dataclass
class _Run:
    """Carries out an experiment; ``found`` has what came out, system by system."""

    experiment: Experiment
    datasets: Sequence[Dataset]
    store: RunStore
    progress: OnComparisonProgress | None
    folder: ReportFolder | None
    found: dict[str, SystemRuns] = field(default_factory=dict)
    all_done: int = 0
    #: Turned when a system failed, or somebody ends the program: the others stop behind their current query.
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def all(self, jobs: int) -> None:
        """Every system on every data set, ``jobs`` systems at once.

        Raises:
            RankkitError: the first that one of them raised.
        """
        if jobs <= 1:
            for system in self.experiment.systems:
                self._system(system)
            return
        with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="rankkit-compare") as pool:
            futures: list[Future[None]] = [pool.submit(self._system, system) for system in self.experiment.systems]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                self.ended.set()
                for future in futures:
                    future.cancel()
        errors = [error for future in done if (error := future.exception()) is not None]
        if errors:
            raise errors[0]

    def _system(self, system: System) -> None:
        """One system on all data sets. It is loaded once, and closed before the next one is."""
        opened = Opened.of(system)
        try:
            runs = SystemRuns.of(opened)
            for dataset in self.datasets:
                for variant in variants_of(system, dataset, self.experiment):
                    runs.add(dataset.name, variant, self._measured(opened, dataset, variant))
            self.found[system.name] = runs
        finally:
            opened.close()

    @cached_property
    def run_files(self) -> dict[tuple[str, str], Path]:
        """Where the orders over the data as it is are written to; empty without a folder."""
        if self.folder is None:
            return {}
        systems = [system.name for system in self.experiment.systems]
        return self.folder.run_files(systems, [dataset.name for dataset in self.datasets])

    @cached_property
    def all_total(self) -> int:
        """Queries of all systems that rank, on all data sets and their variants."""
        settings = self.experiment.settings
        varied = settings.shuffle + settings.reverse + settings.repeat
        runs = sum(1 + varied * (one.kind == "reranker") for one in self.experiment.systems if one.kind != "run")
        return runs * sum(len(dataset.requests) for dataset in self.datasets)

    def _report(self, label: str, dataset: Dataset, done: int) -> None:
        if self.progress is None:
            return
        with self.lock:  # systems run side by side
            self.all_done += 1
            now = ComparisonProgress(label, dataset.name, done, len(dataset.requests), self.all_done, self.all_total)
        self.progress(now)

    def _measured(self, opened: Opened, dataset: Dataset, variant: Variant) -> Measured:
        settings, name = self.experiment.settings, opened.system.name
        label = f"{name}, {variant.label}" if variant.label else name
        ranked: dict[str, tuple[str, ...]] = {}
        done = 0

        def take(ranking: Ranking) -> None:
            nonlocal done
            if self.ended.is_set():
                raise Cancelled("another system of the comparison failed, or the program was ended")
            done += 1
            if settings.varied:
                ranked[ranking.query.id] = ranking.ids
            self._report(label, dataset, done)

        through = None
        if opened.identity is not None:
            run = self.store.begin_run(
                opened.identity,
                name=label,
                data=dataset.name,
                experiment=self.experiment.name,
                seed=settings.seed,
            )
            through = ThroughStore(self.store, opened.identity, run, variant.repeat, opened.served)
        result = measured(
            opened,
            variant.dataset,
            measures=(*self.experiment.measures, JUDGED),
            depth=settings.depth,
            through=through,
            run_out=None if variant.label else self.run_files.get((name, dataset.name)),
            on_ranking=take,
        )
        if through is not None:
            through.run.finish()  # until then it is listed as one that was ended
        return replace(result, ranked=ranked)
