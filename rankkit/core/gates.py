"""When a stage of a cascade need not run, and which candidates need not go on.

A *gate* looks at a query before a stage and may find that it is not worth running: the stage is then skipped, and its
``Step`` says why. A *cut* looks at the candidates after a stage and drops the tail. Both are plain values; one's own
is any object with the same method.

The scores that a gate sees are those that stand: of the last stage that gave any, or else the candidates' own from the
first stage. Bounds are in their unit, so they fit one model (``Ranking.score_kind``) and should be chosen on data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from rankkit.core.step import NOT_CALIBRATED
from rankkit.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Situation:
    """What a gate may look at: how many candidates the stage would see, their known scores, highest first, and the
    seconds that the stage would have (``None`` for no deadline).
    """

    candidates: int
    scores: tuple[float, ...] = ()
    seconds_left: float | None = None


class Gate(Protocol):
    """``needs_scores`` says that a gate cannot decide without scores: the stage then runs, and its ``Step`` has a note.

    ``certain`` is true if the gate looks at nothing but the number of candidates, so that a plan knows its answer.
    """

    @property
    def needs_scores(self) -> bool: ...

    @property
    def certain(self) -> bool: ...

    def reason(self, situation: Situation) -> str:
        """Why the stage should be skipped, for people; ``""`` if it should run."""


@dataclass(frozen=True)
class TopScoreAbove:
    """The best candidate is beyond doubt: the highest score is above ``bound``."""

    bound: float
    needs_scores: ClassVar[bool] = True
    certain: ClassVar[bool] = False

    def reason(self, situation: Situation) -> str:
        if not situation.scores or situation.scores[0] <= self.bound:
            return ""
        return f"top score {situation.scores[0]:.4g} is above {self.bound:g}"


@dataclass(frozen=True)
class MarginAbove:
    """The best candidate stands alone: the two highest scores are more than ``bound`` apart."""

    bound: float
    needs_scores: ClassVar[bool] = True
    certain: ClassVar[bool] = False

    def reason(self, situation: Situation) -> str:
        if len(situation.scores) < 2:
            return ""
        margin = situation.scores[0] - situation.scores[1]
        return f"margin {margin:.4g} is above {self.bound:g}" if margin > self.bound else ""


@dataclass(frozen=True)
class EntropyBelow:
    """The scores have decided: the entropy of their softmax, in nats, is below ``bound``.

    It lies between 0 (one candidate has all) and ln(n) (all n are equal), so a bound belongs to a depth.
    """

    bound: float
    needs_scores: ClassVar[bool] = True
    certain: ClassVar[bool] = False

    def reason(self, situation: Situation) -> str:
        if not situation.scores:
            return ""
        entropy = entropy_of(situation.scores)
        return f"entropy {entropy:.4g} is below {self.bound:g}" if entropy < self.bound else ""


@dataclass(frozen=True)
class FewerThan:
    """There is little to reorder: the stage would see fewer than ``candidates``."""

    candidates: int
    needs_scores: ClassVar[bool] = False
    certain: ClassVar[bool] = True

    def reason(self, situation: Situation) -> str:
        few = situation.candidates < self.candidates
        return f"{situation.candidates} candidates are fewer than {self.candidates}" if few else ""


@dataclass(frozen=True)
class TimeBelow:
    """The stage would not finish: it would have less than ``seconds`` of the deadline. Never holds without one."""

    seconds: float
    needs_scores: ClassVar[bool] = False
    certain: ClassVar[bool] = False

    def reason(self, situation: Situation) -> str:
        left = situation.seconds_left
        if left is None or left >= self.seconds:
            return ""
        return f"{max(left, 0.0):.3g} s left are less than {self.seconds:g} s"


def entropy_of(scores: Sequence[float]) -> float:
    """Of the softmax of some finite scores, in nats."""
    highest = max(scores)
    weights = [math.exp(score - highest) for score in scores]
    total = math.fsum(weights)
    return -math.fsum(weight / total * math.log(weight / total) for weight in weights if weight / total > 0.0)


class Cut(Protocol):
    """``needs_scores`` says that a cut is left out, with a note in the ``Step``, where its stage gave no scores."""

    @property
    def needs_scores(self) -> bool: ...

    def kept(self, scores: Sequence[float | None]) -> Sequence[int]:
        """Which places of a ranking go on, in order, by the scores along it (``None`` for one without)."""


@dataclass(frozen=True)
class DropAfter:
    """The best ``k`` go on, also where the stage failed or was skipped: the next one must not be flooded."""

    k: int
    needs_scores: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_depth("drop_after", self.k)

    def __repr__(self) -> str:
        return f"drop_after({self.k})"

    def kept(self, scores: Sequence[float | None]) -> Sequence[int]:
        return range(min(self.k, len(scores)))


@dataclass(frozen=True)
class DropBelow:
    """Those with a score of at least ``score`` go on; those without one do not."""

    score: float
    needs_scores: ClassVar[bool] = True

    def __repr__(self) -> str:
        return f"drop_below({self.score:g})"

    def kept(self, scores: Sequence[float | None]) -> Sequence[int]:
        return [place for place, score in enumerate(scores) if score is not None and score >= self.score]


@dataclass(frozen=True)
class KeepRelevant:
    """Those that are relevant with a probability of ``at_least`` so much; perhaps none. ``basis`` says in words what
    is held against it.
    """

    at_least: float
    basis: str
    calibrated: bool
    needs_scores: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.at_least <= 1.0:
            raise ConfigError(f"keep_if({self.at_least:g})", hint="Give a probability, from 0 to 1.")

    def __repr__(self) -> str:
        return f"keep_if({self.at_least:g})"

    def kept(self, scores: Sequence[float | None]) -> Sequence[int]:
        return [place for place, score in enumerate(scores) if score is not None and score >= self.at_least]

    @property
    def note(self) -> str:
        """What was decided on, for the ``Step``."""
        return f"kept by {self.basis} of at least {self.at_least:g}{'' if self.calibrated else NOT_CALIBRATED}"


@dataclass(frozen=True)
class DropAtGap:
    """Those before the largest drop in score go on, at least ``least`` of them; all of them if nothing drops.

    Of equal drops the first counts. Candidates without a score are behind every drop.
    """

    least: int = 1
    needs_scores: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_depth("drop_at_gap", self.least)

    def __repr__(self) -> str:
        return "drop_at_gap()" if self.least == 1 else f"drop_at_gap(least={self.least})"

    def kept(self, scores: Sequence[float | None]) -> Sequence[int]:
        known = [(place, score) for place, score in enumerate(scores) if score is not None]
        drops = [(known[at - 1][1] - known[at][1], -at) for at in range(self.least, len(known))]
        size, at = max(drops, default=(0.0, 0))
        if size <= 0.0:
            return range(len(scores))
        return [place for place, _ in known[:-at]]


def check_depth(name: str, k: int) -> None:
    """Refuse a depth that no stage could have."""
    if k < 1:
        raise ConfigError(f"{name}({k}) would leave nothing", hint="Give 1 or more.")
