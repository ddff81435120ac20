"""Options that several commands share, and how they become a spec."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from rankkit.config.kinds import Spec
from rankkit.config.loading import read_spec

_MODEL = "Model"
_WINDOWS = "Listwise and pairwise"

Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="A catalogue name, a path, or what an endpoint calls it.", rich_help_panel=_MODEL
    ),
]
Config = Annotated[
    str | None,
    typer.Option("--config", "-c", help="A spec file (.toml, .json) instead of --model.", rich_help_panel=_MODEL),
]
Paradigm = Annotated[
    str | None,
    typer.Option(
        "--paradigm",
        "-p",
        help="pointwise, pairwise or listwise. Default: what the model is for.",
        rich_help_panel=_MODEL,
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option("--endpoint", help="Base URL of an OpenAI-compatible server, ending in /v1.", rich_help_panel=_MODEL),
]
KeyEnv = Annotated[
    str | None,
    typer.Option("--key-env", help="The environment variable that holds the server's key.", rich_help_panel=_MODEL),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", help="CPU threads. Default: what this process may use.", min=1, rich_help_panel=_MODEL),
]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other key of the spec.", rich_help_panel=_MODEL),
]
MaxLength = Annotated[
    int | None,
    typer.Option("--max-length", help="Tokens of query and document together.", min=8, rich_help_panel="Pointwise"),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="How a model is asked: generate, constrained, first-token, setwise; or difference, duot5, prompted.",
        rich_help_panel=_WINDOWS,
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        help="sliding, single, top-down, tourrank, self-consistency, setwise-heapsort, setwise-bubble; or allpairs, "
        "heapsort, bubblesort, quickselect, insertion, swiss, tournament.",
        rich_help_panel=_WINDOWS,
    ),
]
Window = Annotated[int | None, typer.Option("--window", help="Passages in a window.", rich_help_panel=_WINDOWS)]
Step = Annotated[int | None, typer.Option("--step", help="How far a window moves.", rich_help_panel=_WINDOWS)]
Passes = Annotated[int | None, typer.Option("--passes", help="How often the windows slide.", rich_help_panel=_WINDOWS)]
Seed = Annotated[int | None, typer.Option("--seed", help="For strategies that draw lots.", rich_help_panel=_WINDOWS)]
Aggregate = Annotated[
    str | None,
    typer.Option("--aggregate", help="sym-sum, sum, binary, bradley-terry, kemeny, ...", rich_help_panel=_WINDOWS),
]
OneSided = Annotated[
    bool, typer.Option("--one-sided", help="Ask each pair in one order only.", rich_help_panel=_WINDOWS)
]
BudgetCalls = Annotated[int | None, typer.Option("--budget-calls", help="Most calls a query.", min=0)]
BudgetTokens = Annotated[int | None, typer.Option("--budget-tokens", help="Most tokens a query.", min=0)]
BudgetSeconds = Annotated[float | None, typer.Option("--budget-seconds", help="Most seconds a query.", min=0)]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def spec_of(
    model: str | None, config: str | None, wanted: Mapping[str, object], settings: Sequence[str] | None
) -> Spec:
    """The spec that the options ask for. What was not given is left to the spec's own defaults."""
    if model is not None and config is not None:
        raise typer.BadParameter("give --model or --config, not both")
    options = {key: value for key, value in wanted.items() if value is not None} | _settings(settings or ())
    what = config or model
    return read_spec(what if what is not None else {}, options=options)


def budget_of(calls: int | None, tokens: int | None, seconds: float | None) -> dict[str, object] | None:
    """The limits that were given, as a spec has them."""
    limits: dict[str, object] = {"calls": calls, "tokens": tokens, "seconds": seconds}
    given = {key: value for key, value in limits.items() if value is not None}
    return given or None


def _settings(pairs: Sequence[str]) -> dict[str, object]:
    """``passage_tokens=200`` as TOML would read it; a value that TOML does not know is a string."""
    settings: dict[str, object] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise typer.BadParameter(f"--set takes KEY=VALUE, not {pair!r}")
        try:
            settings[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            settings[key.strip()] = value
    return settings
