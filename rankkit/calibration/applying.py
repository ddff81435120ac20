"""A reranker with calibrated scores."""

from __future__ import annotations

from dataclasses import replace

from rankkit.calibration.kept import Calibration
from rankkit.core.reranker import Reranker
from rankkit.errors import ConfigError
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll


def scores_each(reranker: Reranker) -> JudgeReranker:  # type: ignore[type-arg]
    """The reranker itself, if it gives each document a score of its own, as it is from the model.

    Raises:
        ConfigError: it does not, or its scores are calibrated already.
    """
    if not isinstance(reranker, JudgeReranker) or not isinstance(reranker.strategy, ScoreAll):
        raise ConfigError(
            f"{reranker!r} gives no score that is a document's own: only those of a pointwise reranker are calibrated",
            hint="Calibrate the pointwise stage by itself, and name the file in that stage.",
        )
    if reranker.strategy.calibrated is not None:
        raise ConfigError(f"the scores of {reranker!r} are calibrated already", hint="Calibrate the raw ones.")
    return reranker


def calibrated(reranker: Reranker, calibration: Calibration) -> JudgeReranker:  # type: ignore[type-arg]
    """The same reranker, in the same order, with probabilities of relevance as its scores. ``Ranked.raw_score`` has the
    model's own.

    Raises:
        ConfigError: it is not what the calibration was fitted for.
    """
    found = scores_each(reranker)
    if misfit := calibration.misfit(found.judge.fingerprints):
        raise ConfigError(
            f"the calibration is of another model, or of one that is asked otherwise: {misfit}",
            hint="Fit one for this model: rankkit calibrate.",
        )
    return replace(found, strategy=ScoreAll(calibration.map))
