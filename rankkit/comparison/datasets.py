"""An experiment's data sets, read, with the candidates that all systems are given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rankkit.comparison.experiment import DataSpec, Experiment
from rankkit.comparison.result import ALL_DATA
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.errors import ConfigError, DataError


def open_datasets(experiment: Experiment) -> list[Dataset]:
    """Each data set with candidates for its first ``limit`` queries.

    Raises:
        DataError: one cannot be read, or a system needs candidates and there are none.
        ConfigError: two of them have one name.
    """
    opened: list[Dataset] = []
    for number, spec in enumerate(experiment.data, start=1):
        dataset = _opened(spec, experiment.settings.limit, experiment.folder)
        if dataset.name in [one.name for one in opened]:
            raise ConfigError(
                f"{experiment.source}: data.{number}: a data set before it is called {dataset.name!r}, too",
                hint='Give it a name of its own: name = "...".',
            )
        if dataset.name == ALL_DATA:
            raise ConfigError(
                f"{experiment.source}: data.{number} is called {ALL_DATA!r}, as the figures over all of them are",
                hint='Give it another name: name = "...".',
            )
        if not len(dataset.requests) and any(one.kind != "run" for one in experiment.systems):
            raise DataError(
                f"{dataset.name} has no candidates to rerank",
                hint='Put candidates.jsonl into its folder, or search its corpus: first_stage = "bm25" under [[data]].',
            )
        opened.append(dataset)
    return opened


def _opened(spec: DataSpec, limit: int | None, folder: Path) -> Dataset:
    if spec.ir_datasets is not None:
        from rankkit.data.ir_datasets import load_ir_dataset

        dataset = load_ir_dataset(spec.ir_datasets, limit=limit)
    else:
        dataset = load_dataset(folder / Path(str(spec.folder)).expanduser(), limit=limit, split=spec.split)
    name = spec.name or dataset.name
    if spec.first_stage is not None:
        from rankkit.evaluation.first_stage import searched

        dataset, _ = searched(dataset, spec.first_stage.settings(), spec.first_stage.k)
    return replace(dataset, name=name)
