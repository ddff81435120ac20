"""Plans of many requests, added up stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from rankkit.backends.language.pricing import Prices
from rankkit.config.language_model import LanguageModelSpec
from rankkit.config.model_spec import ModelSpec
from rankkit.config.spec import BaseSpec
from rankkit.core.plan import Plan, StagePlan
from rankkit.core.ranking import Request
from rankkit.core.usage import Usage
from rankkit.pipeline.cascade import BaseReranker
from rankkit.planning.calibration import Speed, judged

T = TypeVar("T", int, Usage)


@dataclass(slots=True)
class StageTotal:
    """One stage over all queries. ``rounds`` is the most of one query."""

    stage: str
    questions: int = 0
    usage: Usage = field(default_factory=Usage)
    sequential_rounds: int = 0
    exact: bool = True
    questions_at_most: int | None = 0
    usage_at_most: Usage | None = field(default_factory=Usage)
    seconds: float | None = None

    def add(self, plan: StagePlan) -> None:
        self.questions += plan.questions
        self.usage += plan.usage
        self.sequential_rounds = max(self.sequential_rounds, plan.sequential_rounds)
        self.exact = self.exact and plan.exact
        self.questions_at_most = together([self.questions_at_most, plan.questions_at_most], 0)
        self.usage_at_most = together([self.usage_at_most, plan.usage_at_most], Usage())

    def to_dict(self) -> dict[str, object]:
        return {
            "stage": self.stage,
            "questions": self.questions,
            "questions_at_most": self.questions_at_most,
            **usage_bounds(self.usage, self.usage_at_most),
            "rounds_a_query": self.sequential_rounds,
            "seconds_estimated": self.seconds,
            **cost_bounds(self.usage, self.usage_at_most),
            "exact": self.exact,
        }


def together(parts: Sequence[T | None], nothing: T) -> T | None:
    """The sum; ``None`` where a part is not known."""
    known = [part for part in parts if part is not None]
    return sum(known, nothing) if len(known) == len(parts) else None


def usage_bounds(usage: Usage, at_most: Usage | None) -> dict[str, object]:
    """Calls and tokens that are expected, and the most that there can be; ``None`` where that is not known."""
    return {
        "calls": usage.calls,
        "calls_at_most": None if at_most is None else at_most.calls,
        "input_tokens_expected": usage.input_tokens,
        "input_tokens_at_most": None if at_most is None else at_most.input_tokens,
        "output_tokens_expected": usage.output_tokens,
        "output_tokens_at_most": None if at_most is None else at_most.output_tokens,
    }


def cost_bounds(usage: Usage, at_most: Usage | None) -> dict[str, object]:
    return {"cost_expected": usage.cost, "cost_at_most": None if at_most is None else at_most.cost}


def totals(
    reranker: BaseReranker,
    requests: Sequence[Request],
    speeds: Mapping[str, Speed],
    prices: Mapping[str, Prices],
) -> list[StageTotal]:
    """The plans of all requests, added up stage by stage."""
    found: dict[tuple[int, str], StageTotal] = {}
    for request in requests:
        planned: Plan = reranker.plan(request)
        for at, stage in enumerate(planned.stages):
            total = found.setdefault((at, stage.stage), StageTotal(stage.stage))
            total.add(stage if stage.stage not in prices else _priced(stage, prices[stage.stage]))
            seconds = speeds[stage.stage].seconds(stage) if stage.stage in speeds else None
            total.seconds = seconds if total.seconds is None or seconds is None else total.seconds + seconds
    return [found[key] for key in sorted(found, key=lambda key: key[0])]


def _priced(plan: StagePlan, prices: Prices) -> StagePlan:
    def priced(usage: Usage) -> Usage:
        cost = prices.cost(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
        return replace(usage, cost=cost)

    most = plan.usage_at_most
    return replace(plan, usage=priced(plan.usage), usage_at_most=None if most is None else priced(most))


def prices_of(spec: BaseSpec, reranker: BaseReranker) -> Mapping[str, Prices]:
    """What the tokens of each stage cost, where its spec has price rows."""
    return {
        stage.name: Prices(model.price_input or 0.0, model.price_output or 0.0)
        for model, stage in zip(_models(spec), judged(reranker), strict=True)
        if isinstance(model, LanguageModelSpec)
        and model.kind != "rerank-api"
        and (model.price_input, model.price_output) != (None, None)
    }


def _models(spec: BaseSpec) -> Iterator[ModelSpec]:
    """The models' specs in the order in which ``judged`` has what was built from them."""
    if isinstance(spec, ModelSpec):
        yield spec
    for key, part in spec.parts():
        if key != "on_failure":
            yield from _models(part)


def summed(reranker: BaseReranker, queries: int, stages: Sequence[StageTotal]) -> dict[str, object]:
    """All stages together, as plain Python: ``reranker`` over so many ``queries``."""
    usage = sum((stage.usage for stage in stages), Usage())
    at_most = together([stage.usage_at_most for stage in stages], Usage())
    known = [stage.seconds for stage in stages if stage.seconds is not None]
    return {
        "ranked_by": repr(reranker),
        "queries": queries,
        "questions": sum(stage.questions for stage in stages),
        "questions_at_most": together([stage.questions_at_most for stage in stages], 0),
        **usage_bounds(usage, at_most),
        "rounds_a_query": sum(stage.sequential_rounds for stage in stages),
        "seconds_estimated": sum(known) if len(known) == len(stages) and stages else None,
        **cost_bounds(usage, at_most),
        "exact": all(stage.exact for stage in stages),
    }
