"""``rankkit tune``: the best values for keys of a config, what they cost, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rankkit.cli.going_on import says_how_to_go_on
from rankkit.cli.output import end, progress_on, remark, stderr, stdout, write_json
from rankkit.cli.parameters import AsJson, argument, number, option
from rankkit.cli.terminal import visible

if TYPE_CHECKING:
    from rankkit.comparison.tuning import OnTuningProgress, TuningProgress


def tune(
    config: Annotated[Path, argument(help="The config: a .toml or .json file.")],
    *,
    data: Annotated[Path, option("--data", "-d", help="A judged data set.")],
    sweep: Annotated[
        list[str] | None,
        option("--sweep", metavar="KEY=VALUE,...", help="A key and its values: stages.1.drop_after=10,20."),
    ] = None,
    measure: Annotated[str, option("--measure", "-m", help="The measure that decides.")] = "nDCG@10",
    cost: Annotated[
        Literal["seconds", "calls", "tokens", "cost"], option("--cost", help="What cost is counted in, a query.")
    ] = "seconds",
    max_cost: Annotated[
        float | None, number("--max-cost", help="Choose nothing that costs more a query.", minimum=0)
    ] = None,
    folds: Annotated[int, number("--folds", help="Parts of the queries for cross-validation.", minimum=2)] = 5,
    seed: Annotated[int, number("--seed", help="For folds and resamples.", minimum=0)] = 0,
    limit: Annotated[int | None, number("--limit", help="Only the first N queries.", minimum=1)] = None,
    depth: Annotated[int | None, number("--depth", help="Candidates that are reranked.", minimum=1)] = None,
    store: Annotated[Path | None, option("--store", help="The run store. Default: your own.")] = None,
    out: Annotated[Path | None, option("--out", "-o", help="A folder for table, plot and chosen config.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sweep keys of a config on judged data: quality against cost, the best choice, and how sure it is."""
    from rankkit.comparison.outputs.tuned import check_folder, tuning_table, write_tuning
    from rankkit.comparison.sweep import parse_sweep
    from rankkit.comparison.tuning import tune as run

    keys = parse_sweep(sweep or ())
    if out is not None:
        check_folder(out)
    with says_how_to_go_on() as going, _bar() as progress:
        tuning = run(
            config,
            data,
            sweep=keys,
            measure=measure,
            cost=cost,
            max_cost=max_cost,
            folds=folds,
            seed=seed,
            limit=limit,
            depth=depth,
            store=store,
            progress=going.watched(progress),
        )
    if as_json:
        write_json(tuning.to_dict())
    else:
        stdout().print(tuning_table(tuning))
    if out is not None:
        write_tuning(tuning, out)
        remark(f"The chosen config: {out / 'chosen.toml'} (and tuning.html, .csv, .json)")
    end(trouble=tuning.troubled)


@contextmanager
def _bar() -> Iterator[OnTuningProgress]:
    """One bar over all combinations, on stderr."""
    with progress_on(stderr()) as bar:
        task = bar.add_task("tuning", total=None)

        def advance(now: TuningProgress) -> None:
            bar.update(task, total=now.total, completed=now.done, description=visible(now.combination))

        yield advance
