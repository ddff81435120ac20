"""``rankkit plan``: what each stage of a config would cost, before anything is paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from rankkit.backends.language.pricing import Prices
from rankkit.cli import options
from rankkit.cli.first_stage import searched
from rankkit.cli.output import stderr, stdout, write_json
from rankkit.config.first_stage import FirstStageSpec
from rankkit.config.language_model import LanguageModelSpec
from rankkit.config.loading import read_spec
from rankkit.config.spec import BaseSpec, ModelSpec, naming
from rankkit.core.plan import Plan, StagePlan
from rankkit.core.ranking import Request
from rankkit.core.usage import Usage
from rankkit.pipeline.cascade import BaseReranker
from rankkit.planning.calibration import Speed, calibrate, judged, sample_request

T = TypeVar("T", int, Usage)

#: What the figures of a plan assume that is not exact.
NOT_EXACT = (
    "not exact: ~ is the course if the order before is right, ≤ holds for every course (- where it is not known); "
    "tries again, orders gone on with and stand-ins are in neither"
)


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
            **told_usage(self.usage, self.usage_at_most),
            "rounds_a_query": self.sequential_rounds,
            "seconds_estimated": self.seconds,
            **told_money(self.usage, self.usage_at_most),
            "exact": self.exact,
        }


def together(parts: Sequence[T | None], nothing: T) -> T | None:
    """The sum; ``None`` where a part is not known."""
    known = [part for part in parts if part is not None]
    return sum(known, nothing) if len(known) == len(parts) else None


def told_usage(usage: Usage, at_most: Usage | None) -> dict[str, object]:
    """Calls and tokens of the course, and of the dearest that there is; ``None`` where that is not known."""
    return {
        "calls": usage.calls,
        "calls_at_most": None if at_most is None else at_most.calls,
        "input_tokens_expected": usage.input_tokens,
        "input_tokens_at_most": None if at_most is None else at_most.input_tokens,
        "output_tokens_expected": usage.output_tokens,
        "output_tokens_at_most": None if at_most is None else at_most.output_tokens,
    }


def told_money(usage: Usage, at_most: Usage | None) -> dict[str, object]:
    return {"cost_expected": usage.cost, "cost_at_most": None if at_most is None else at_most.cost}


def plan(
    config: Annotated[Path, typer.Option("--config", "-c", help="A config file (.toml, .json).")],
    data: Annotated[Path | None, typer.Option("--data", "-d", help="Plan for the queries of this data set.")] = None,
    candidates: Annotated[
        int | None,
        typer.Option("--candidates", help="Plan for one query and N sample passages of about 57 words.", min=1),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Only the first N queries of the data.", min=1)] = None,
    calibration: Annotated[
        bool, typer.Option("--calibrate/--no-calibrate", help="Time a few calls of each local model for the seconds.")
    ] = True,
    as_json: options.AsJson = False,
) -> None:
    """Tell questions, calls, tokens, rounds, seconds and money of each stage before a run."""
    if (data is None) == (candidates is None):
        raise typer.BadParameter("give --data or --candidates")
    if limit is not None and data is None:
        raise typer.BadParameter("--limit goes with --data")
    spec = read_spec(config)
    requests = [sample_request(candidates or 1)] if data is None else _requests(data, limit, spec.first_stage)
    with naming(str(config)):
        reranker = spec.build()
    speeds = calibrate(reranker, requests[0]) if calibration and requests else {}
    stages = totals(reranker, requests, speeds, prices_of(spec, reranker))
    summary = _summary(reranker, len(requests), stages)
    if as_json:
        rows = [stage.to_dict() for stage in stages]
        write_json({**summary, "stages": rows, "calibration": _told(speeds)})
        return
    stdout().print(_table(stages, summary))
    _remark(stages, speeds)


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
        if isinstance(model, LanguageModelSpec) and (model.price_input, model.price_output) != (None, None)
    }


def _models(spec: BaseSpec) -> Iterator[ModelSpec]:
    """The models' specs in the order in which ``judged`` has what was built from them."""
    if isinstance(spec, ModelSpec):
        yield spec
    for key, part in spec.parts():
        if key != "on_failure":
            yield from _models(part)


def _requests(data: Path, limit: int | None, first: FirstStageSpec | None) -> Sequence[Request]:
    """As an evaluation would have them."""
    from rankkit.data.datasets import load_dataset

    dataset = load_dataset(data, limit=limit)
    return dataset.requests if first is None or dataset.corpus is None else searched(dataset, first)[0].requests


def _summary(reranker: BaseReranker, queries: int, stages: Sequence[StageTotal]) -> dict[str, object]:
    usage = sum((stage.usage for stage in stages), Usage())
    at_most = together([stage.usage_at_most for stage in stages], Usage())
    known = [stage.seconds for stage in stages if stage.seconds is not None]
    return {
        "ranked_by": repr(reranker),
        "queries": queries,
        "questions": sum(stage.questions for stage in stages),
        "questions_at_most": together([stage.questions_at_most for stage in stages], 0),
        **told_usage(usage, at_most),
        "rounds_a_query": sum(stage.sequential_rounds for stage in stages),
        "seconds_estimated": sum(known) if len(known) == len(stages) and stages else None,
        **told_money(usage, at_most),
        "exact": all(stage.exact for stage in stages),
    }


def _told(speeds: Mapping[str, Speed]) -> dict[str, object]:
    return {
        name: {"calls": speed.spent.calls, "tokens": speed.spent.tokens, "why_not": speed.why_not or None}
        for name, speed in speeds.items()
    }


_COLUMNS = {
    "questions": "questions ~",
    "questions_at_most": "≤",
    "calls": "calls ~",
    "input_tokens_expected": "tokens in ~",
    "input_tokens_at_most": "≤",
    "output_tokens_expected": "out ~",
    "output_tokens_at_most": "≤",
    "rounds_a_query": "rounds ~",
    "seconds_estimated": "seconds ~",
    "cost_expected": "money ~",
    "cost_at_most": "≤",
    "exact": "exact",
}


def _table(stages: Sequence[StageTotal], summary: Mapping[str, object]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    for title in _COLUMNS.values():
        table.add_column(title, justify="right")
    for stage in stages:
        row = stage.to_dict()
        table.add_row(Text(stage.stage), *(_cell(row[key]) for key in _COLUMNS))
    words = f"together, {summary['queries']} queries" if summary["queries"] != 1 else "together, 1 query"
    table.add_row(Text(words, style="bold"), *(_cell(summary[key]) for key in _COLUMNS))
    return table


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}"


def _remark(stages: Sequence[StageTotal], speeds: Mapping[str, Speed]) -> None:
    lines = [f"{name}: seconds not known: {speed.why_not}" for name, speed in speeds.items() if speed.why_not]
    spent = sum((speed.spent for speed in speeds.values()), Usage())
    if spent.calls:
        lines.append(f"{spent.calls} calls with {spent.tokens} tokens were made to time this machine")
    if not all(stage.exact for stage in stages):
        lines.append(NOT_EXACT)
    for line in lines:
        stderr().print(line, style="dim", soft_wrap=True)
