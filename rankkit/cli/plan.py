"""``rankkit plan``: what each stage of a config would cost, before anything is paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from rich.table import Table
from rich.text import Text

from rankkit.cli.output import figure, stderr, stdout, write_json
from rankkit.cli.parameters import AsJson, flag, number, option
from rankkit.config.first_stage import FirstStageSpec
from rankkit.config.loading import read_spec
from rankkit.config.spec import naming
from rankkit.core.ranking import Request
from rankkit.core.usage import Usage
from rankkit.errors import ConfigError
from rankkit.planning.calibration import Speed, calibrate, sample_request
from rankkit.planning.totals import StageTotal, prices_of, summed, totals

#: What the figures of a plan assume that is not exact.
NOT_EXACT = (
    "not exact: ~ is the course if the order before is right, ≤ holds for every course (- where it is not known); "
    "tries again, orders gone on with and stand-ins are in neither"
)


def plan(
    *,
    config: Annotated[Path, option("--config", "-c", help="A config file (.toml, .json).")],
    data: Annotated[Path | None, option("--data", "-d", help="Plan for the queries of this data set.")] = None,
    candidates: Annotated[
        int | None,
        number("--candidates", help="Plan for one query and N sample passages of about 57 words.", minimum=1),
    ] = None,
    limit: Annotated[int | None, number("--limit", help="Only the first N queries of the data.", minimum=1)] = None,
    calibration: Annotated[
        bool,
        flag("--calibrate", off="--no-calibrate", help="Time a few calls of each local model for the seconds."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Tell questions, calls, tokens, rounds, seconds and money of each stage before a run."""
    if (data is None) == (candidates is None):
        raise ConfigError("give --data or --candidates")
    if limit is not None and data is None:
        raise ConfigError("--limit goes with --data")
    spec = read_spec(config)
    requests = [sample_request(candidates or 1)] if data is None else _requests(data, limit, spec.first_stage)
    with naming(str(config)):
        reranker = spec.build()
    speeds = calibrate(reranker, requests[0]) if calibration and requests else {}
    stages = totals(reranker, requests, speeds, prices_of(spec, reranker))
    summary = summed(reranker, len(requests), stages)
    if as_json:
        rows = [stage.to_dict() for stage in stages]
        write_json({**summary, "stages": rows, "calibration": _told(speeds)})
        return
    stdout().print(_table(stages, summary))
    _remark(stages, speeds)


def _requests(data: Path, limit: int | None, first: FirstStageSpec | None) -> Sequence[Request]:
    """As an evaluation would have them."""
    from rankkit.data.datasets import load_dataset

    dataset = load_dataset(data, limit=limit)
    if first is None or dataset.corpus is None:
        return dataset.requests
    from rankkit.evaluation.first_stage import searched

    return searched(dataset, first.settings(), first.k)[0].requests


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
        table.add_row(Text(stage.stage), *(figure(row[key]) for key in _COLUMNS))
    words = f"together, {summary['queries']} queries" if summary["queries"] != 1 else "together, 1 query"
    table.add_row(Text(words, style="bold"), *(figure(summary[key]) for key in _COLUMNS))
    return table


def _remark(stages: Sequence[StageTotal], speeds: Mapping[str, Speed]) -> None:
    lines = [f"{name}: seconds not known: {speed.why_not}" for name, speed in speeds.items() if speed.why_not]
    spent = sum((speed.spent for speed in speeds.values()), Usage())
    if spent.calls:
        lines.append(f"{spent.calls} calls with {spent.tokens} tokens were made to time this machine")
    if not all(stage.exact for stage in stages):
        lines.append(NOT_EXACT)
    for line in lines:
        stderr().print(line, style="dim", soft_wrap=True)
