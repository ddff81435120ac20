"""``rankkit eval``: the measures of the first stage and of the reranked order, side by side."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rich.table import Table
from rich.text import Text

from rankkit.cli.first_stage import Bm25Options
from rankkit.cli.options import RerankerOptions
from rankkit.cli.output import end, progress_bar, remark, stderr, stdout, write_json
from rankkit.cli.parameters import FIRST_STAGE, SPREAD, AsJson, flag, number, option
from rankkit.cli.plan import NOT_EXACT
from rankkit.config.first_stage import FirstStageSpec
from rankkit.config.kinds import Spec
from rankkit.config.listwise import ListwiseSpec
from rankkit.config.writing import as_table
from rankkit.core.ranking import Request
from rankkit.core.usage import Usage
from rankkit.errors import ConfigError, DataError
from rankkit.pipeline.cascade import BaseReranker
from rankkit.planning.totals import together, usage_bounds
from rankkit.prompting.loading import load_prompt
from rankkit.replay.record import Recorder
from rankkit.replay.replayed import ReplayReranker, replayed

if TYPE_CHECKING:
    from rankkit.evaluation.experiment import Experiment
    from rankkit.evaluation.first_stage import Bm25FirstStage
    from rankkit.evaluation.report import EvaluationReport


def evaluate(
    *,
    data: Annotated[
        Path, option("--data", "-d", help="A folder with queries, qrels and candidates (docs/evaluation.md).")
    ],
    bm25: Annotated[Bm25Options, SPREAD] = Bm25Options(),
    options: Annotated[RerankerOptions, SPREAD] = RerankerOptions(),
    run: Annotated[Path | None, option("--run", help="Measure this TREC run instead of a model.")] = None,
    depth: Annotated[
        int | None, number("--depth", help="Rerank the first N candidates; the rest stay behind.", minimum=1)
    ] = None,
    stage: Annotated[
        Literal["bm25"] | None,
        option(
            "--first-stage",
            help="Search the data's corpus with BM25; without a model, measure that.",
            panel=FIRST_STAGE,
        ),
    ] = None,
    limit: Annotated[int | None, number("--limit", help="Only the first N queries.", minimum=1)] = None,
    measures: Annotated[str | None, option("--measures", help="As ir-measures writes them, with commas.")] = None,
    run_out: Annotated[Path | None, option("--run-out", help="Write the reranked order as a TREC run.")] = None,
    record: Annotated[Path | None, option("--record", help="Keep every reply of the model in this file.")] = None,
    replay: Annotated[
        Path | None, option("--replay", help="Answer from a record, or a published window log, without a model.")
    ] = None,
    split: Annotated[
        str | None, option("--split", help="Of several splits in the folder, this one: test, dev, train.")
    ] = None,
    tag: Annotated[str | None, option("--tag", help="A name for this run, in its file and in the JSON.")] = None,
    reverse: Annotated[
        bool, flag("--reverse", help="Also rerank the candidates in reversed order: does it rank, or repeat its input?")
    ] = False,
    shuffle: Annotated[
        int | None, number("--shuffle", help="Also rerank the candidates shuffled by this seed.", minimum=0)
    ] = None,
    plan: Annotated[bool, flag("--plan", help="Tell calls, tokens and rounds; make no call.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a reranker, or a TREC run, on judged data."""
    from rankkit.evaluation.experiment import Experiment
    from rankkit.evaluation.measures import DEFAULT_MEASURES

    if run is not None and (options.names_a_model or bm25.given or (depth, record, replay) != (None, None, None)):
        raise ConfigError("--run measures a run as it is: it goes with no model, --depth, --record or --replay")
    if (reverse or shuffle is not None) and (run is not None or plan or (record, replay) != (None, None)):
        raise ConfigError("--reverse and --shuffle rank again: they go with no --run, --plan, --record or --replay")
    if run_out is not None and record is not None and run_out.resolve() == record.resolve():
        raise ConfigError("--run-out and --record name one file: give each its own")
    experiment = Experiment.of(
        data, measures=measures or DEFAULT_MEASURES, limit=limit, run_out=run_out, split=split, tag=tag or ""
    )
    if run is not None:
        _show(experiment.of_run(run), experiment, files=(run,), as_json=as_json)
        return
    if stage is not None and not plan and not options.given and (record, replay) == (None, None):
        if reverse or shuffle is not None:
            raise ConfigError("--reverse and --shuffle are for rerankers: a first stage has no order before it")
        _show(_first_stage(experiment, bm25.over(None)).alone(), experiment, as_json=as_json)
        return
    # A file has its own say on what happens to a failed query; otherwise the measuring goes on.
    spec = options.spec(on_failure="partial" if options.config is None and replay is None else None)
    experiment = _from_first_stage(experiment, stage, bm25, spec)
    if plan:
        _show_plan(spec.build(), experiment.dataset.requests, depth, as_json=as_json)
        return
    bar = progress_bar(f"{len(experiment.dataset.requests)} queries")
    with _reranker(spec, record, replay, experiment.dataset.files) as reranker, bar as progress:
        report = experiment.of_reranker(reranker, depth=depth, reverse=reverse, shuffle=shuffle, progress=progress)
    _show(report, experiment, spec=spec, files=() if replay is None else (replay,), as_json=as_json)


def _from_first_stage(experiment: Experiment, stage: str | None, bm25: Bm25Options, spec: Spec) -> Experiment:
    """With the candidates that ``--first-stage``, or the config, asks for. Data without a corpus has only its own."""
    if stage is None and spec.first_stage is None:
        if bm25.given:
            raise ConfigError("--k, --tokenizer and --stemmer go with --first-stage bm25, or a config's")
        return experiment
    if stage is None and experiment.dataset.corpus is None:
        words = f"{experiment.dataset.name} has no corpus: its own candidates are the first stage, not the config's"
        stderr().print(words, style="yellow")
        return experiment
    return _first_stage(experiment, bm25.over(spec.first_stage)).experiment


def _first_stage(experiment: Experiment, first: FirstStageSpec) -> Bm25FirstStage:
    from rankkit.evaluation.first_stage import Bm25FirstStage

    return Bm25FirstStage.over(experiment, first.settings(), first.k)


def _show(
    report: EvaluationReport,
    experiment: Experiment,
    *,
    spec: Spec | None = None,
    files: Sequence[Path] = (),
    as_json: bool,
) -> None:
    """Show the report, and end with the exit code that it asks for."""
    from rankkit.evaluation.provenance import provenance
    from rankkit.evaluation.table import report_table

    if as_json:
        said = None if spec is None else as_table(spec)
        ran = provenance(
            spec=said,
            seed=getattr(spec, "seed", None),
            files=(*experiment.dataset.files, *files),
            command=["rankkit", *sys.argv[1:]],
        )
        write_json({**report.to_dict(), "run": ran})
    else:
        stdout().print(report_table(report))
    if report.unwritten:
        raise DataError(report.unwritten, hint="The measures above stand; the run is lost.")
    end(trouble=report.troubled)


def _show_plan(reranker: BaseReranker, requests: Sequence[Request], depth: int | None, *, as_json: bool) -> None:
    """Totals over all queries; nothing is asked of a model, but prompts are built and counted."""
    plans = [reranker.plan(request.select(range(len(request))[:depth])) for request in requests]
    usage = sum((one.usage for one in plans), Usage())
    totals: dict[str, object] = {
        "ranked_by": repr(reranker),
        "queries": len(plans),
        "questions": sum(one.questions for one in plans),
        "questions_at_most": together([one.questions_at_most for one in plans], 0),
        **usage_bounds(usage, together([one.usage_at_most for one in plans], Usage())),
        "rounds_a_query": max((one.sequential_rounds for one in plans), default=0),
        "exact": all(one.exact for one in plans),
    }
    if as_json:
        write_json(totals)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in totals.items():
        table.add_row(name.replace("_", " "), Text("not known" if value is None else str(value)))
    stdout().print(table)
    if not totals["exact"]:
        stderr().print(NOT_EXACT, style="dim", soft_wrap=True)


@contextlib.contextmanager
def _reranker(spec: Spec, record: Path | None, replay: Path | None, inputs: Sequence[Path]) -> Iterator[BaseReranker]:
    if record is not None and replay is not None:
        raise ConfigError("--record keeps what a model says, and --replay asks none: give one of them")
    if replay is not None:
        recorded = _replayed(spec, replay)
        yield recorded
        unasked = recorded.judge.left_over()
        if unasked:
            stderr().print(f"{unasked} recorded queries are not in this run", style="yellow")
    elif record is None:
        yield spec.build()
    else:
        recorder = Recorder(record, _fingerprints(spec), inputs)
        try:
            with recorder:
                yield spec.build(on_reply=recorder.write)
        finally:
            if recorder.trouble:
                remark(recorder.trouble, style="yellow")


def _fingerprints(spec: Spec) -> Mapping[str, str]:
    """What each line of the record says of the run beside the judge's own fingerprints: the spec's words. Keys are
    never among them, only their variable's name.
    """
    said = spec.model_dump(exclude={"budget"}, exclude_none=True) | spec.decided()
    return {key: str(value) for key, value in said.items()}


def _replayed(spec: Spec, replay: Path) -> ReplayReranker:
    if not isinstance(spec, ListwiseSpec):
        raise ConfigError("only listwise runs are replayed", hint="Add --paradigm listwise.")
    prompt = None if spec.prompt is None else load_prompt(spec.prompt, "listwise")
    return replayed(replay, spec.build_strategy(), budget=spec.budget, prompt=prompt)
