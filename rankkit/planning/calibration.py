"""How fast each stage of a reranker is on this machine, from a few calls of its own judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rankkit.core.plan import Plan, StagePlan
from rankkit.core.ranking import Request
from rankkit.core.reranker import Reranker, walk_planned
from rankkit.core.usage import Budget, Usage
from rankkit.errors import RankkitError
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.judged import JudgeReranker

#: Enough to even out a slow one, few enough not to be a run of its own.
_CALLS = 4

#: 57 words, as MS MARCO's passages have in the middle.
_PASSAGE = (
    "The harbour of the old town was built by merchants who traded in salt, grain and wool with cities all along the "
    "coast. Its walls were made higher after a flood had carried away the first of them, and a lighthouse was added "
    "to guide the ships. Today visitors come to see the market hall, number"
)


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds on the clock for each planned token (its bound, as a plan has it), or why there are none.

    ``spent`` is what finding it out cost.
    """

    seconds_a_token: float | None
    seconds_a_call: float | None = None
    spent: Usage = field(default_factory=Usage)
    why_not: str = ""

    def seconds(self, plan: StagePlan) -> float | None:
        """How long a planned stage takes, one request after the other."""
        if not plan.usage.calls:
            return 0.0
        if self.seconds_a_token is not None:
            return self.seconds_a_token * plan.usage.tokens
        return None if self.seconds_a_call is None else self.seconds_a_call * plan.usage.calls


def sample_request(candidates: int, query: str = "which merchants built the old harbour?") -> Request:
    """A query with passages of typical length, no two alike."""
    return Request.of(query, [f"{_PASSAGE} {number}." for number in range(candidates)])


def calibrate(reranker: Reranker, request: Request) -> Mapping[str, Speed]:
    """Time each model's stage, by name, on some calls about ``request``; no model behind an address is called, which
    may be charged for.
    """
    return {stage.name: _speed(stage, request) for stage in judged(reranker)}


def calibrated_plan(reranker: BaseReranker, request: Request, *, budget: Budget | None = None) -> Plan:
    """``reranker.plan(request)`` with a forecast of the seconds on this machine, from a few calls of its models.

    A stage whose speed cannot be found out (a server is not called for a plan) has 0 seconds, as in every plan that
    was not calibrated.
    """
    speeds = calibrate(reranker, request)
    plan = reranker.plan(request, budget=budget)
    return Plan(tuple(_forecast(stage, speeds.get(stage.stage)) for stage in plan.stages))


def _forecast(stage: StagePlan, speed: Speed | None) -> StagePlan:
    seconds = None if speed is None else speed.seconds(stage)
    return stage if seconds is None else replace(stage, usage=replace(stage.usage, seconds=seconds))


def judged(reranker: Reranker) -> Iterator[JudgeReranker[Any, Any]]:
    """The models' stages inside a reranker, in the order of its plan; not those that are run where one fails."""
    return (one for one in walk_planned(reranker) if isinstance(one, JudgeReranker))


def _speed(stage: JudgeReranker[Any, Any], request: Request) -> Speed:
    if hasattr(getattr(stage.judge, "backend", None), "base_url"):
        return Speed(None, why_not="an endpoint is not called for a plan")
    own, few = replace(stage, on_call_failure="raise", budget=Budget()), Budget(calls=_CALLS)
    try:
        first = own.rank(sample_request(2, "a first call, which loads and warms"), budget=Budget(calls=1))
        planned = own.plan(request, budget=few).usage
        timed = own.rank(request, budget=few)
    except RankkitError as error:
        return Speed(None, why_not=error.message)
    seconds = sum(step.seconds for step in timed.steps)
    spent = first.usage + timed.usage
    if not timed.usage.calls:
        return Speed(None, why_not="no call could be timed", spent=spent)
    by_token = seconds / planned.tokens if planned.tokens else None
    return Speed(by_token, seconds / timed.usage.calls, spent)
