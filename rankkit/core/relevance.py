"""What says of a single document whether it is relevant: which scores a filter may go by, and which it refuses."""

from __future__ import annotations

from rankkit.core.gates import KeepRelevant
from rankkit.core.ranking import ScoreKind
from rankkit.core.reranker import Reranker
from rankkit.errors import ConfigError

_CALIBRATE = 'Fit it on judged data (rankkit calibrate), then say scores = "calibrated" and calibration = "FILE".'


def keep_relevant(reranker: Reranker, at_least: float) -> KeepRelevant:
    """The cut that keeps what a reranker finds relevant.

    Raises:
        ConfigError: it gives no probability of relevance: says what would.
    """
    kind: ScoreKind | None = getattr(reranker, "score_kind", None)
    if kind is ScoreKind.CALIBRATED:
        return KeepRelevant(at_least, "a calibrated probability of relevance", calibrated=True)
    if kind is ScoreKind.PROBABILITY:
        return KeepRelevant(at_least, "the model's own probability of relevance", calibrated=False)
    if kind is ScoreKind.RELEVANCE and getattr(reranker, "zero_to_one", False):
        return KeepRelevant(at_least, "a service's score between 0 and 1", calibrated=False)
    if kind is None:
        raise ConfigError(
            f"{reranker!r} orders documents, but gives none a score of its own that says whether it is relevant",
            hint="Use top_k to keep the best, or a pointwise reranker that gives probabilities.",
        )
    own = ' The model\'s own, uncalibrated: scores = "probability".' if kind is ScoreKind.LOGIT else ""
    raise ConfigError(
        f"{reranker!r} gives scores of the kind {kind.value}, which say which document is better, and of none whether "
        "it is relevant: this model was never calibrated",
        hint=_CALIBRATE + own,
    )
