"""What a comparison would cost, before any of it is spent, less what the run store already has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rankkit.comparison.datasets import open_datasets
from rankkit.comparison.experiment import Experiment
from rankkit.comparison.running import opened_store, store_path, variants_of
from rankkit.comparison.store import RunStore
from rankkit.comparison.systems import Opened
from rankkit.core.ranking import Request
from rankkit.data.datasets import Dataset
from rankkit.pipeline.cascade import BaseReranker
from rankkit.planning.calibration import calibrate
from rankkit.planning.totals import StageTotal, prices_of, summed, totals


@dataclass(frozen=True, slots=True)
class SystemPlan:
    """What one system has left to do, over all data sets: ``stored`` rankings need not be computed. ``total`` has the
    figures of ``rankkit plan`` for the others; it is empty for a system that computes nothing.
    """

    name: str
    rankings: int
    stored: int
    total: Mapping[str, object]

    def to_dict(self) -> dict[str, object]:
        left = {key: value for key, value in self.total.items() if key != "queries"}
        return {"system": self.name, "rankings": self.rankings, "stored": self.stored, **left}


def plan_comparison(
    experiment: str | Path | Mapping[str, object] | Experiment,
    *,
    limit: int | None = None,
    store: RunStore | str | Path | None = None,
    calibrated: bool = True,
) -> list[SystemPlan]:
    """Calls, tokens, seconds and money of each system. Nothing is ranked; with ``calibrated``, a few calls of each
    local model tell how fast it is on this machine.

    Raises:
        RankkitError: as ``compare``, before it ranks.
    """
    if not isinstance(experiment, Experiment):
        experiment = Experiment.of(experiment)
    experiment = experiment.limited(limit)
    datasets = open_datasets(experiment)
    with _store_that_is_there(store, experiment) as kept:
        return [
            _system_plan(opened, datasets, experiment, kept, calibrated=calibrated)
            for opened in map(Opened.of, experiment.systems)
        ]


@contextmanager
def _store_that_is_there(store: RunStore | str | Path | None, experiment: Experiment) -> Iterator[RunStore | None]:
    """A plan leaves nothing behind: where there is no store yet, none is made."""
    if not isinstance(store, RunStore) and not store_path(store, experiment).exists():
        yield None
        return
    with opened_store(store, experiment) as opened:
        yield opened


def _system_plan(
    opened: Opened, datasets: Sequence[Dataset], experiment: Experiment, store: RunStore | None, *, calibrated: bool
) -> SystemPlan:
    system = opened.system
    try:
        if system.kind != "reranker" or system.spec is None or not isinstance(opened.reranker, BaseReranker):
            return SystemPlan(system.name, sum(len(dataset.requests) for dataset in datasets), 0, {})
        requests = [
            (request.select(range(len(request))[: experiment.settings.depth]), variant.repeat)
            for dataset in datasets
            for variant in variants_of(system, dataset, experiment)
            for request in variant.dataset.requests
        ]
        left = [request for request, repeat in requests if not _is_stored(opened, request, repeat, store)]
        speeds = calibrate(opened.reranker, left[0]) if calibrated and left else {}
        stages: list[StageTotal] = totals(opened.reranker, left, speeds, prices_of(system.spec, opened.reranker))
        return SystemPlan(
            system.name, len(requests), len(requests) - len(left), summed(opened.reranker, len(left), stages)
        )
    finally:
        opened.close()


def _is_stored(opened: Opened, request: Request, repeat: int, store: RunStore | None) -> bool:
    if store is None or opened.identity is None:
        return False
    return not store.missing(opened.identity.fingerprint, [request], repeat)
