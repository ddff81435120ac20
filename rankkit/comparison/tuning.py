"""Which values of a config's keys are best, at what cost, and how sure that is: a sweep over the run store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from rankkit.comparison.choosing import check_folds, cross_validated, pareto_front
from rankkit.comparison.experiment import System
from rankkit.comparison.statistics import difference, interval
from rankkit.comparison.store import RunStore
from rankkit.comparison.sweep import Combination, combinations
from rankkit.comparison.systems import Measured, Opened, ThroughStore, measured
from rankkit.comparison.tuned import AS_IT_IS, CostUnit, Tried, Tuning
from rankkit.config.checking import check_models
from rankkit.config.files import check_name
from rankkit.config.kinds import Spec
from rankkit.config.loading import read_spec
from rankkit.config.shared_judges import SharedJudges
from rankkit.core.ranking import Ranking
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.errors import ConfigError, DataError, ModelNotPulled, nearest
from rankkit.evaluation.measures import Measure, parse_measures


@dataclass(frozen=True, slots=True)
class TuningProgress:
    """``done`` of ``total`` rankings over all combinations; ``combination`` is the one at work."""

    combination: str
    done: int
    total: int


OnTuningProgress = Callable[[TuningProgress], None]


def tune(  # noqa: PLR0913 - each is a keyword of its own, as on the command line
    config: str | Path | Mapping[str, object],
    data: str | Path,
    *,
    sweep: Mapping[str, Sequence[object]],
    measure: str = "nDCG@10",
    cost: CostUnit = "seconds",
    max_cost: float | None = None,
    folds: int = 5,
    seed: int = 0,
    limit: int | None = None,
    depth: int | None = None,
    store: RunStore | str | Path | None = None,
    progress: OnTuningProgress | None = None,
) -> Tuning:
    """Try every combination of values (``{"stages.1.drop_after": [10, 20]}``), and choose the best by ``measure`` among
    those that cost at most ``max_cost`` a query, cross-validated over queries.

    What the run store holds is not computed again, so a sweep that was ended goes on where it stopped. ``depth``
    candidates of each query are reranked. Where the config has a ``first_stage``, the data's corpus is searched.

    Raises:
        ConfigError: the config, a swept key or value, the measure, the unit, the depth or the folds are wrong; nothing
            is cheap enough, or a cost is asked for that nobody knows.
        ModelNotPulled: a model is not on this machine; names the command that pulls it.
        DataError: the data is wrong, or has fewer queries than folds.
        StoreError: the store cannot be used.
        RankkitError: what a reranker raises whose spec says so (``on_failure = "raise"``).
    """
    if not isinstance(config, Mapping):
        check_name(config)
    base = read_spec(config)
    grid = combinations(base, sweep)
    _check_numbers(limit=limit, depth=depth, seed=seed, max_cost=max_cost)
    if cost not in get_args(CostUnit):
        raise ConfigError(f"there is no unit of cost {cost!r}", hint=nearest(cost, get_args(CostUnit)))
    [by] = _one_measure(measure)
    _check_models(grid)
    candidates = _Candidates(load_dataset(data, limit=limit))
    check_folds(len(candidates.data.qrels), folds)
    name = "the config" if isinstance(config, Mapping) else str(config)
    # The config as it is may be one of the combinations: then it is measured once.
    extra = [] if any(one.spec == base for one in grid) else [Combination(AS_IT_IS, {}, base)]
    opened: AbstractContextManager[RunStore] = (
        nullcontext(store) if isinstance(store, RunStore) else RunStore.open(store)
    )
    with opened as kept:
        run = _Sweep(candidates, by, depth, kept, f"tune {Path(name).name}", seed, cost, progress)
        found = run.all([*grid, *extra])
    before = next(one.name for one in (*grid, *extra) if one.spec == base)
    return _tuning(name, grid, found, before, candidates.data, by.name, cost, folds, seed, max_cost)


def _check_numbers(**numbers: float | None) -> None:
    for key, value in numbers.items():
        least = 1 if key in ("limit", "depth") else 0
        if value is not None and not value >= least:  # which NaN is not
            raise ConfigError(f"{key} is {value}", hint=f"Give {least} or more.")


def _one_measure(measure: str) -> tuple[Measure, ...]:
    found = parse_measures(measure)
    if len(found) != 1:
        raise ConfigError(f"one measure decides, and {measure!r} names {len(found)}", hint='Give one: "nDCG@10".')
    return found


def _check_models(grid: Sequence[Combination]) -> None:
    for one in grid:
        for note in check_models(one.spec):
            if "models pull" in note:
                raise ModelNotPulled(note)


@dataclass
class _Candidates:
    """The data, with the candidates of each first stage that is asked for; the last one is kept."""

    data: Dataset
    _last: tuple[object, Dataset] | None = None

    def of(self, spec: Spec) -> Dataset:
        first = spec.first_stage
        if first is None or self.data.corpus is None:
            if not len(self.data.requests):
                raise DataError(
                    f"{self.data.name} has no candidates to rerank",
                    hint="Put candidates.jsonl into its folder, or [first_stage] into the config.",
                )
            return self.data
        if self._last is None or self._last[0] != first:
            from rankkit.evaluation.first_stage import searched

            self._last = first, searched(self.data, first.settings(), first.k)[0]
        return self._last[1]


@dataclass
class _Sweep:
    candidates: _Candidates
    measure: Measure
    depth: int | None
    store: RunStore
    experiment: str
    seed: int
    unit: CostUnit
    progress: OnTuningProgress | None
    done: int = 0
    #: A model that the combination before had open, and this one has, too, is not opened again.
    shared: SharedJudges = field(default_factory=SharedJudges)

    def all(self, grid: Sequence[Combination]) -> dict[str, Measured]:
        try:
            return {one.name: self._one(one, len(grid)) for one in grid}
        finally:
            self.shared.close()

    def _one(self, one: Combination, combinations: int) -> Measured:
        """Built, measured through the store, and closed but for what the next one may share."""
        dataset = self.candidates.of(one.spec)
        total = combinations * len(dataset.requests)

        def take(_: Ranking) -> None:
            self.done += 1
            if self.progress is not None:
                self.progress(TuningProgress(one.name, self.done, max(total, self.done)))

        opened = Opened.of(System(one.name, "reranker", one.spec), self.shared)
        try:
            through = self._through(opened, dataset)
            result = measured(
                opened, dataset, measures=(self.measure,), depth=self.depth, through=through, on_ranking=take
            )
            if through is not None:
                through.run.finish()  # until then it is listed as one that was ended
            if _cost_a_query(result, self.unit) is None:  # before more is spent
                raise ConfigError(
                    f"what a ranking costs is not known: {one.name}",
                    hint="Give price_input and price_output, or another unit of cost.",
                )
            return result
        finally:
            opened.close()

    def _through(self, opened: Opened, dataset: Dataset) -> ThroughStore | None:
        if opened.identity is None:
            return None
        run = self.store.begin_run(
            opened.identity, name=opened.system.name, data=dataset.name, experiment=self.experiment, seed=self.seed
        )
        return ThroughStore(self.store, opened.identity, run, served=opened.served)


def _tuning(  # noqa: PLR0913 - what was asked for, and what was found
    config: str,
    grid: Sequence[Combination],
    found: Mapping[str, Measured],
    before: str,
    data: Dataset,
    measure: str,
    unit: CostUnit,
    folds: int,
    seed: int,
    max_cost: float | None,
) -> Tuning:
    costs = {name: _cost_a_query(result, unit) for name, result in found.items()}
    values = {name: result.report.per_query[measure] for name, result in found.items()}
    choice = cross_validated({one.name: values[one.name] for one in grid}, costs, folds, seed, max_cost)
    front = pareto_front({name: found[name].report.measures[measure] for name in (one.name for one in grid)}, costs)

    def tried(name: str, changed: Mapping[str, object]) -> Tried:
        result = found[name]
        return Tried(
            name=name,
            values=changed,
            quality=interval(list(values[name].values()), seed=seed),
            cost=costs[name],
            on_front=name in front,
            chosen=name == choice.chosen,
            best_share=choice.best_shares.get(name, 0.0),
            folds=choice.fold_choices.count(name),
            failures=len(result.report.failures),
            late=result.report.late,
            stored=result.stored,
            bill=result.cost(),
        )

    held_out, as_it_is = choice.held_out_per_query, values[before]
    return Tuning(
        config=config,
        data=data.name,
        queries=len(as_it_is),
        measure=measure,
        unit=unit,
        tried=tuple(tried(one.name, one.values) for one in grid),
        as_it_is=tried(before, next((one.values for one in grid if one.name == before), {})),
        choice=choice,
        gain=difference(list(held_out.values()), [as_it_is[query] for query in held_out], seed=seed),
        spec=next(one.spec for one in grid if one.name == choice.chosen),
        seed=seed,
        max_cost=max_cost,
        notes=tuple(_notes(data, found)),
    )


def _cost_a_query(result: Measured, unit: CostUnit) -> float | None:
    """Over the queries that were ranked; ``None`` where it is not known."""
    bill = result.cost()
    totals: dict[CostUnit, float | None] = {
        "seconds": bill.seconds,
        "calls": bill.usage.calls,
        "tokens": bill.usage.tokens,
        "cost": bill.usage.cost if bill.usage.calls else 0.0,
    }
    total = totals[unit]
    return None if total is None else total / max(1, len(result.seconds))


def _notes(data: Dataset, found: Mapping[str, Measured]) -> Iterator[str]:
    yield from (f"{data.name}: {words}: {count}" for words, count in data.notes.items())
    for name, result in found.items():
        if result.report.failures:
            yield f"{name}: {len(result.report.failures)} failures, the first: {result.report.failures[0]}"
        if result.report.late:
            yield f"{name}: {result.report.late} ended by a limit of time"
