"""``rankkit eval``: the measures of the first stage and of the reranked order, side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

from rankkit.cli import first_stage, options
from rankkit.cli.output import progress_bar, stderr, stdout, write_json
from rankkit.config.kinds import Spec
from rankkit.config.listwise import ListwiseSpec
from rankkit.errors import ConfigError
from rankkit.judge import Judge
from rankkit.ranking import Request
from rankkit.record import RecordedJudge, Recorder, read_record
from rankkit.reranker import BaseReranker, JudgeReranker
from rankkit.usage import Usage

Data = Annotated[
    Path, typer.Option("--data", "-d", help="A folder with queries, qrels and candidates (docs/evaluation.md).")
]


def evaluate(
    data: Data,
    run: Annotated[Path | None, typer.Option("--run", help="Measure this TREC run instead of a model.")] = None,
    depth: Annotated[
        int | None, typer.Option("--depth", help="Rerank the first N candidates; the rest stay behind.", min=1)
    ] = None,
    stage: Annotated[
        Literal["bm25"] | None,
        typer.Option(
            "--first-stage",
            help="Search the data's corpus with BM25; without a model, measure that.",
            rich_help_panel="First stage",
        ),
    ] = None,
    first: first_stage.First = None,
    tokenizer: first_stage.Tokenizer = None,
    stemmer: first_stage.Stemmer = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Only the first N queries.", min=1)] = None,
    measures: Annotated[str | None, typer.Option("--measures", help="As ir-measures writes them, with commas.")] = None,
    run_out: Annotated[Path | None, typer.Option("--run-out", help="Write the reranked order as a TREC run.")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="Keep every reply of the model in this file.")] = None,
    replay: Annotated[
        Path | None, typer.Option("--replay", help="Answer from a record, or a published window log, without a model.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Tell calls, tokens and rounds; make no call.")] = False,
    as_json: options.AsJson = False,
    model: options.Model = None,
    config: options.Config = None,
    paradigm: options.Paradigm = None,
    endpoint: options.Endpoint = None,
    key_env: options.KeyEnv = None,
    threads: options.Threads = None,
    settings: options.Setting = None,
    max_length: options.MaxLength = None,
    method: options.Method = None,
    strategy: options.Strategy = None,
    window: options.Window = None,
    step: options.Step = None,
    passes: options.Passes = None,
    seed: options.Seed = None,
    aggregate: options.Aggregate = None,
    one_sided: options.OneSided = False,
    budget_calls: options.BudgetCalls = None,
    budget_tokens: options.BudgetTokens = None,
    budget_seconds: options.BudgetSeconds = None,
) -> None:
    """Measure a reranker, or a TREC run, on judged data."""
    from rankkit.evaluation.experiment import Experiment
    from rankkit.evaluation.measures import DEFAULT_MEASURES
    from rankkit.evaluation.table import report_table

    wanted = {
        "paradigm": paradigm,
        "endpoint": endpoint,
        "key_env": key_env,
        "threads": threads,
        "max_length": max_length,
        "method": method,
        "strategy": strategy,
        "window": window,
        "step": step,
        "passes": passes,
        "seed": seed,
        "aggregate": aggregate,
        "one_sided": True if one_sided else None,
        "budget": options.budget_of(budget_calls, budget_tokens, budget_seconds),
        "on_error": "keep" if config is None and replay is None else None,
    }
    if run is not None and (model, config, depth, record, replay) != (None,) * 5:
        raise typer.BadParameter("--run measures a run as it is: it goes with no model, --depth, --record or --replay")
    if stage is None and (first, tokenizer, stemmer) != (None,) * 3:
        raise typer.BadParameter("--first, --tokenizer and --stemmer go with --first-stage bm25")
    experiment = Experiment.of(data, measures=measures or DEFAULT_MEASURES, limit=limit, run_out=run_out)
    bm25 = None
    if stage is not None:
        bm25 = first_stage.Bm25FirstStage.over(experiment, first, first_stage.settings_of(tokenizer, stemmer))
        experiment = bm25.experiment
    asked = [model, config, record, replay, settings, *(wanted[key] for key in wanted if key != "on_error")]
    if run is not None:
        report = experiment.of_run(run)
    elif bm25 is not None and not plan and all(value is None for value in asked):
        report = bm25.alone()
    elif plan:
        reranker = options.spec_of(model, config, wanted, settings).build()
        _tell_plan(reranker, experiment.dataset.requests, depth, as_json=as_json)
        return
    else:
        spec = options.spec_of(model, config, wanted, settings)
        with (
            _reranker(spec, record, replay) as reranker,
            progress_bar(f"{len(experiment.dataset.requests)} queries") as bar,
        ):
            report = experiment.of_reranker(reranker, depth=depth, progress=bar)
    if as_json:
        write_json(report.to_dict())
    else:
        stdout().print(report_table(report))
    if report.failures:
        stderr().print("some queries kept their first-stage order: see the failures above", style="yellow")
        raise typer.Exit(7)


def _tell_plan(reranker: BaseReranker, requests: Sequence[Request], depth: int | None, *, as_json: bool) -> None:
    """Totals over all queries; nothing is asked of a model, but prompts are built and counted."""
    plans = [reranker.plan(request.head(range(len(request))[:depth])) for request in requests]
    usage = sum((one.usage for one in plans), Usage())
    totals = {
        "ranked_by": repr(reranker),
        "queries": len(plans),
        "questions": sum(one.questions for one in plans),
        "calls": usage.calls,
        "input_tokens_at_most": usage.input_tokens,
        "output_tokens_at_most": usage.output_tokens,
        "rounds_a_query": max((one.rounds for one in plans), default=0),
        "exact": all(one.exact for one in plans),
    }
    if as_json:
        write_json(totals)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in totals.items():
        table.add_row(name.replace("_", " "), Text(str(value)))
    stdout().print(table)
    if not totals["exact"]:
        words = "The questions depend on the answers: this is the course if the first-stage order is right."
        stderr().print(words, style="dim")


@contextlib.contextmanager
def _reranker(spec: Spec, record: Path | None, replay: Path | None) -> Iterator[BaseReranker]:
    if replay is not None:
        yield _replayed(spec, replay)
    elif record is None:
        yield spec.build()
    else:
        with Recorder(record, _fingerprints(spec)) as recorder:
            yield spec.build(on_reply=recorder.write)


def _fingerprints(spec: Spec) -> Mapping[str, str]:
    """What the record's head says of the run: the spec's own words. Keys are never among them, only their variable's
    name.
    """
    return {key: str(value) for key, value in spec.model_dump(exclude={"budget"}, exclude_none=True).items()}


def _replayed(spec: Spec, replay: Path) -> BaseReranker:
    if not isinstance(spec, ListwiseSpec):
        raise ConfigError("only listwise runs are replayed", hint="Add --paradigm listwise.")
    from rankkit.listwise.replay import is_window_log, read_window_log

    judge: Judge[Any, Any] = (
        read_window_log(replay) if is_window_log(replay) else RecordedJudge(read_record(replay), replay.name)
    )
    return JudgeReranker(judge, spec.build_strategy(), spec.budget, spec.on_error)
