"""Judged data through a reranker, and a calibration out of it, measured on queries that it was not fitted on."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

from rankkit import __version__
from rankkit.calibration.applying import scores_each
from rankkit.calibration.fitting import CalibrationMethod, fit_map
from rankkit.calibration.kept import Calibration
from rankkit.calibration.measures import CalibrationFigures, PrecisionPoint, at_precision, figures_of
from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Ranking, Request, ScoreKind
from rankkit.core.reranker import Reranker, iter_rank_many
from rankkit.data.datasets import Dataset, load_dataset
from rankkit.errors import ConfigError, DataError
from rankkit.judging.probability_maps import ProbabilityMap, raw_probability

#: What becomes of documents that nobody has judged: they say nothing, or count as not relevant.
Unjudged = Literal["skip", "irrelevant"]

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class JudgedScore:
    """A document's raw score, and whether it is relevant to its query."""

    query: str
    score: float
    relevant: bool


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """``before`` are the raw scores taken at their word (``None`` where they are of a kind that says no probability),
    ``after`` the calibrated ones, both over all documents, each calibrated by a map fitted without its query.
    """

    calibration: Calibration
    before: CalibrationFigures | None
    after: CalibrationFigures
    points: tuple[PrecisionPoint, ...]
    folds: int

    def to_dict(self) -> dict[str, object]:
        return self.calibration.to_dict()


def calibrate(  # noqa: PLR0913 - what is fitted, on what, and what counts as relevant
    reranker: Reranker,
    data: Dataset | str | Path,
    *,
    method: CalibrationMethod = "platt",
    min_grade: int = 1,
    unjudged: Unjudged = "skip",
    precisions: Sequence[float] = (0.8, 0.9),
    depth: int | None = None,
    limit: int | None = None,
    split: str | None = None,
    scores: str = "",
    progress: OnProgress | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> CalibrationReport:
    """Fit the scores of a pointwise reranker to judged data: documents of grade ``min_grade`` or more are relevant.

    ``depth``, ``limit`` and ``split`` are those of ``load_dataset`` (a folder is read with them). A calibration holds
    for queries and candidates like these: relevant documents are more frequent among the first ten than the first
    hundred. ``scores`` is kept with it: the key of the spec.

    Raises:
        ConfigError: the reranker gives no score a document, or an option is wrong.
        DataError: too little is judged: fewer than two queries, or all or none of the documents are relevant.
        MissingExtra: scipy is not installed.
    """
    _check(method, unjudged, precisions)
    found = scores_each(reranker)
    dataset = data if isinstance(data, Dataset) else load_dataset(data, depth=depth, limit=limit, split=split)
    kind = found.judge.score_kind
    rows = _judged(iter_rank_many(found, dataset.requests, progress=progress), dataset, min_grade, unjudged)
    raw, relevant = [row.score for row in rows], [row.relevant for row in rows]
    fitted = fit_map(raw, relevant, kind, method)
    if fitted.probability(max(raw)) <= fitted.probability(min(raw)):
        raise DataError(
            f"the scores of {found!r} do not rise with relevance on {dataset.name}: no calibration makes them useful",
            hint="Check that model, data and --min-grade belong together (rankkit eval).",
        )
    folds, held = _held_out(rows, kind, method)
    before = _before(raw, relevant, kind)
    after = figures_of(held, relevant)
    points = tuple(at_precision(wanted, held, relevant, raw) for wanted in precisions)
    calibration = Calibration(
        map=fitted,
        method=method,
        model=found.judge.name,
        fingerprints=dict(found.judge.fingerprints),
        kind=kind,
        scores=scores,
        fitted_on=_provenance(dataset, rows, min_grade, unjudged, now),
        held_out={
            "folds": folds,
            "before": None if before is None else asdict(before),
            "after": asdict(after),
            "at_precision": [asdict(point) for point in points],
        },
    )
    return CalibrationReport(_plain(calibration), before, after, points, folds)


def measure(
    reranker: Reranker,
    calibration: Calibration,
    data: Dataset,
    *,
    min_grade: int = 1,
    unjudged: Unjudged = "skip",
    progress: OnProgress | None = None,
) -> tuple[CalibrationFigures | None, CalibrationFigures]:
    """The raw scores of other data taken at their word, and calibrated: whether a calibration carries over to it.

    Raises:
        ConfigError: the calibration is of another model.
        DataError: nothing is judged.
    """
    found = scores_each(reranker)
    if misfit := calibration.misfit(found.judge.fingerprints):
        raise ConfigError(f"the calibration is of another model: {misfit}", hint="Fit one for this: rankkit calibrate.")
    rows = _judged(iter_rank_many(found, data.requests, progress=progress), data, min_grade, unjudged)
    raw, relevant = [row.score for row in rows], [row.relevant for row in rows]
    after = figures_of(list(map(calibration.probability, raw)), relevant)
    return _before(raw, relevant, found.judge.score_kind), after


def _check(method: str, unjudged: str, precisions: Sequence[float]) -> None:
    for what, value, known in (
        ("method", method, get_args(CalibrationMethod)),
        ("unjudged", unjudged, get_args(Unjudged)),
    ):
        if value not in known:
            raise ConfigError(f"{what} is {value!r}", hint=f"One of: {', '.join(known)}.")
    if wrong := [one for one in precisions if not 0.0 < one <= 1.0]:
        raise ConfigError(f"a precision of {wrong[0]:g}", hint="Precisions are above 0 and at most 1.")


def _judged(rankings: Iterator[Ranking], dataset: Dataset, min_grade: int, unjudged: Unjudged) -> list[JudgedScore]:
    """Documents without a score (a failed call) are left out, and so are those without a judgement, if they say
    nothing.
    """
    rows = []
    for ranking in rankings:
        grades = dataset.qrels[ranking.query.id]
        for row in ranking:
            grade = grades.get(row.candidate.id, None if unjudged == "skip" else 0)
            if row.score is not None and grade is not None:
                rows.append(JudgedScore(ranking.query.id, row.score, grade >= min_grade))
    if not rows:
        raise DataError(
            f"not one candidate of {dataset.name} is judged and has a score",
            hint="The folder needs candidates with judgements: rankkit data check says what it has.",
        )
    return rows


def _held_out(
    rows: Sequence[JudgedScore], kind: ScoreKind | None, method: CalibrationMethod
) -> tuple[int, list[float]]:
    """Each document's probability by a map that was fitted without its query. Queries are dealt out by a hash of their
    ids, so that the same data always makes the same folds.
    """
    queries = sorted({row.query for row in rows}, key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(queries) < 2:
        raise DataError(
            f"{len(queries)} query with judged candidates: none is left to measure on", hint="Take data with more."
        )
    folds = min(_FOLDS, len(queries))
    fold_of = {name: place % folds for place, name in enumerate(queries)}
    maps: list[ProbabilityMap] = []
    for fold in range(folds):
        rest = [row for row in rows if fold_of[row.query] != fold]
        maps.append(fit_map([row.score for row in rest], [row.relevant for row in rest], kind, method))
    return folds, [maps[fold_of[row.query]].probability(row.score) for row in rows]


def _before(raw: Sequence[float], relevant: Sequence[bool], kind: ScoreKind | None) -> CalibrationFigures | None:
    said = [raw_probability(score, kind) for score in raw]
    known = [one for one in said if one is not None]
    return figures_of(known, relevant) if len(known) == len(said) else None


def _provenance(
    dataset: Dataset, rows: Sequence[JudgedScore], min_grade: int, unjudged: str, now: Callable[[], datetime]
) -> dict[str, object]:
    return {
        "data": dataset.name,
        "qrels_sha256": _digest(dataset.qrels),
        "candidates_sha256": _digest({request.query.id: _ids(request) for request in dataset.requests}),
        "queries": len({row.query for row in rows}),
        "documents": len(rows),
        "relevant": sum(row.relevant for row in rows),
        "unjudged_documents": _unjudged(dataset),
        "min_grade": min_grade,
        "unjudged": unjudged,
        "date": now().isoformat(timespec="seconds"),
        "versions": {"rankkit": __version__, "python": platform.python_version(), "scipy": version("scipy")},
    }


def _unjudged(dataset: Dataset) -> int:
    """Candidates that nobody has judged."""
    return sum(
        candidate.id not in dataset.qrels[request.query.id]
        for request in dataset.requests
        for candidate in request.candidates
    )


def _ids(request: Request) -> list[str]:
    return [candidate.id for candidate in request.candidates]


def _digest(value: Mapping[str, object] | Mapping[str, Mapping[str, int]]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _plain(calibration: Calibration) -> Calibration:
    """As it is read back from its file."""
    return replace(calibration, held_out=json.loads(json.dumps(calibration.held_out)))
