"""A system of the experiment at work on a data set: its orders, measured as they come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from rankkit.comparison.experiment import System
from rankkit.comparison.identity import SystemIdentity, identity_of
from rankkit.comparison.result import Conduct, Cost
from rankkit.comparison.runs import Run
from rankkit.comparison.store import RunStore
from rankkit.config.checking import walk
from rankkit.config.listwise import ListwiseSpec
from rankkit.config.shared_judges import SharedJudges
from rankkit.config.spec import naming
from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Ranking, Request
from rankkit.core.reranker import Reranker, iter_rank_many
from rankkit.data.datasets import Dataset, refuse_foreign_run
from rankkit.data.runs import RunWriter, read_run
from rankkit.errors import ConfigError
from rankkit.evaluation.evaluate import evaluate_reranker, evaluate_run
from rankkit.evaluation.measures import Measure
from rankkit.evaluation.report import EvaluationReport
from rankkit.pipeline.cascade import BaseReranker
from rankkit.prompting.loading import load_prompt
from rankkit.replay.replayed import replayed

#: Documents of each list that a report shows.
SHOWN = 20
#: Requests that are looked up in the store, and ranked where they are not there, together.
_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class FirstStage:
    """The candidates as they came."""

    def rank(self, request: Request) -> Ranking:
        scores = tuple(candidate.score for candidate in request.candidates)
        return Ranking(request, tuple(range(len(request))), None if None in scores else scores)

    def __repr__(self) -> str:
        return "first stage"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one system did on one data set. ``heads`` has the best ``SHOWN`` of each query: document id and score."""

    report: EvaluationReport
    heads: Mapping[str, tuple[tuple[str, float | None], ...]] = field(default_factory=dict)
    seconds: Sequence[float] = ()
    stored: int = 0
    #: Whole orders, where the experiment varies the candidates.
    ranked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def cost(self, *, timed: bool = True) -> Cost:
        report = self.report
        seconds = self.seconds or [0.0]
        return Cost(
            usage=report.usage,
            seconds=sum(seconds),
            seconds_p50=float(np.percentile(seconds, 50)),
            seconds_p95=float(np.percentile(seconds, 95)),
            pairs=report.pairs,
            questions=report.questions,
            sequential_rounds=report.sequential_rounds,
            timed=timed,
        )

    def conduct(self) -> Conduct:
        report = self.report
        return Conduct(
            outcomes=report.outcomes,
            defects=report.defects,
            notes=report.notes,
            stopped=report.stopped,
            failures=tuple(map(str, report.failures)),
            late=report.late,
            diagnostics=report.diagnostics,
            fingerprints=report.fingerprints,
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """A system, ready to rank: its reranker (none for a run), and by what the store knows it."""

    system: System
    reranker: Reranker | None
    identity: SystemIdentity | None = None
    #: Who closes the models, where that is not ``close``.
    shared: SharedJudges | None = None

    @classmethod
    def of(cls, system: System, shared: SharedJudges | None = None) -> Opened:
        """Load what the system names, but for judges that are ``shared`` and open already. ``close`` gives it back.

        Raises:
            RankkitError: a model or a record cannot be used.
        """
        if system.kind == "run":
            return cls(system, None)
        if system.kind == "first stage":
            return cls(system, FirstStage())
        if system.spec is None:
            raise ConfigError(f"the system {system.name!r} has no spec")
        if system.kind == "replay":
            return cls(system, _replayed(system))
        with nullcontext() if shared is None else shared.building():
            reranker = system.spec.build()
        return cls(system, reranker, identity_of(reranker, system.spec), shared)

    @property
    def served(self) -> bool:
        """Whether a server answers for any part of it."""
        parts = () if self.system.spec is None else walk(self.system.spec)
        return any(getattr(part, key, None) is not None for _, part in parts for key in ("endpoint", "api"))

    def close(self) -> None:
        if self.shared is not None:
            self.shared.close_unused()
        elif isinstance(self.reranker, BaseReranker):
            self.reranker.close()


def _replayed(system: System) -> Reranker:
    if system.path is None or not isinstance(system.spec, ListwiseSpec):
        raise ConfigError(f"{system.name}: only listwise runs are replayed", hint='Use paradigm = "listwise".')
    prompt = None if system.spec.prompt is None else load_prompt(system.spec.prompt, "listwise")
    return replayed(system.path, system.spec.build_strategy(), budget=system.spec.budget, prompt=prompt)


def check_file(system: System, datasets: Sequence[Dataset]) -> None:
    """Read what a system has from a file, before hours of another system's work are spent.

    Raises:
        RankkitError: a run or a record is wrong, or a run is of other data.
    """
    if system.kind == "run" and system.path is not None:
        run = read_run(system.path)
        for dataset in datasets:
            with naming(f"the system {system.name} on {dataset.name}"):
                refuse_foreign_run(dataset, run)
    elif system.kind == "replay":
        _replayed(system)


@dataclass(slots=True)
class ThroughStore:
    """Has a reranker rank what the store does not hold yet, and keeps each ranking there as it comes."""

    store: RunStore
    identity: SystemIdentity
    run: Run
    repeat: int = 0
    #: Whether a server answers: its questions go out side by side, one a call.
    served: bool = False
    stored: int = 0

    def __call__(
        self, reranker: Reranker, requests: Iterable[Request], *, progress: OnProgress | None = None
    ) -> Iterator[Ranking]:
        coming = iter(requests)
        while together := list(islice(coming, _TOGETHER)):
            found = [self.store.find(self.identity.fingerprint, one, self.repeat) for one in together]
            missing = [one for one, ranking in zip(together, found, strict=True) if ranking is None]
            computed = (iter_rank_many if self.served else one_by_one)(reranker, missing, progress=progress)
            for ranking in found:
                if ranking is None:
                    ranking = next(computed)
                else:
                    self.stored += 1
                self.run.add(ranking, self.repeat)
                yield ranking


def one_by_one(
    reranker: Reranker, requests: Iterable[Request], progress: OnProgress | None = None
) -> Iterator[Ranking]:
    """Each request by itself: its calls and seconds are then its own, whatever else is ranked. A batch over several
    would be cut in another way when a comparison goes on where it was ended.
    """
    return map(reranker.rank, requests)


def measured(
    opened: Opened,
    dataset: Dataset,
    *,
    measures: Sequence[Measure],
    depth: int | None = None,
    through: ThroughStore | None = None,
    run_out: Path | None = None,
    on_ranking: Callable[[Ranking], None] | None = None,
    progress: OnProgress | None = None,
) -> Measured:
    """Rank and measure a data set; write the orders to ``run_out`` as a TREC run.

    Raises:
        RankkitError: what the reranker raises, or the run's file is wrong or cannot be written.
    """
    if opened.reranker is None:
        return _measured_run(opened, dataset, measures, run_out)
    heads: dict[str, tuple[tuple[str, float | None], ...]] = {}
    seconds: list[float] = []
    with ExitStack() as stack:
        writer = None
        if run_out is not None:
            writer = stack.enter_context(RunWriter(run_out, tag=_tag(opened.system.name)))

        def take(ranking: Ranking) -> None:
            heads[ranking.query.id] = tuple((row.candidate.id, row.score) for row in ranking[:SHOWN])
            seconds.append(sum(step.seconds for step in ranking.steps))
            if writer is not None:
                writer.add(ranking)
            if on_ranking is not None:
                on_ranking(ranking)

        report = evaluate_reranker(
            opened.reranker,
            dataset,
            measures=measures,
            head=depth,
            progress=progress,
            on_ranking=take,
            **({} if through is None else {"through": through}),
        )
    return Measured(report, heads, seconds, through.stored if through else 0)


def _measured_run(opened: Opened, dataset: Dataset, measures: Sequence[Measure], run_out: Path | None) -> Measured:
    if opened.system.path is None:
        raise ConfigError(f"the system {opened.system.name!r} names no run")
    run = read_run(opened.system.path)
    report = evaluate_run(dataset, run, measures=measures)
    rows = {name: run.rows[name] for name in dataset.queries if name in run.rows}
    if run_out is not None:
        with RunWriter(run_out, tag=_tag(opened.system.name)) as writer:
            for name, listed in rows.items():
                writer.add_rows(name, listed)
    return Measured(report, {name: tuple(listed[:SHOWN]) for name, listed in rows.items()})


def _tag(name: str) -> str:
    """A run's tag holds no white space."""
    return "-".join(name.split())
