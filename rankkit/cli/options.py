"""Options that several commands share, and how they become a spec."""

from __future__ import annotations

import functools
import inspect
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, get_type_hints

import typer

from rankkit.config.files import check_name
from rankkit.config.kinds import Spec
from rankkit.config.loading import read_spec
from rankkit.config.registry import methods, strategy_names


def _names(known: Callable[[str], list[str]]) -> str:
    paradigms = ("listwise", "pairwise", "pointwise")
    return "; ".join(f"{paradigm}: {', '.join(known(paradigm))}" for paradigm in paradigms)


_MODEL = "Model"
_WINDOWS = "Method"
_BUDGET = "Budget: when it runs out, the best order so far"

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
Probability = Annotated[
    bool, typer.Option("--probability", help="Scores between 0 and 1 instead of logits.", rich_help_panel="Pointwise")
]
StrictQuery = Annotated[
    bool,
    typer.Option(
        "--strict-query", help="A query that is too long is an error, not shortened.", rich_help_panel="Pointwise"
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        help=f"How a model is asked: {_names(lambda paradigm: list(methods(paradigm)))}.",
        rich_help_panel=_WINDOWS,
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        help=f"Which questions are asked: {_names(strategy_names)}.",
        rich_help_panel=_WINDOWS,
    ),
]
Window = Annotated[int | None, typer.Option("--window", help="Passages in a window.", rich_help_panel=_WINDOWS)]
Step = Annotated[int | None, typer.Option("--step", help="How far a window moves.", rich_help_panel=_WINDOWS)]
Passes = Annotated[int | None, typer.Option("--passes", help="How often the windows slide.", rich_help_panel=_WINDOWS)]
Seed = Annotated[int | None, typer.Option("--seed", help="For strategies that draw lots.", rich_help_panel=_WINDOWS)]
Aggregate = Annotated[
    str | None,
    typer.Option(
        "--aggregate",
        help="sym-sum, sum, binary, bradley-terry, kemeny, ...; self-consistency: borda, ...",
        rich_help_panel=_WINDOWS,
    ),
]
OneSided = Annotated[
    bool, typer.Option("--one-sided", help="Ask each pair in one order only.", rich_help_panel=_WINDOWS)
]
BudgetCalls = Annotated[
    int | None, typer.Option("--budget-calls", help="Most calls a query.", min=0, rich_help_panel=_BUDGET)
]
BudgetTokens = Annotated[
    int | None, typer.Option("--budget-tokens", help="Most tokens a query.", min=0, rich_help_panel=_BUDGET)
]
BudgetSeconds = Annotated[
    float | None, typer.Option("--budget-seconds", help="Most seconds a query.", min=0, rich_help_panel=_BUDGET)
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@dataclass(frozen=True)
class RerankerOptions:
    """Which reranker, and how it is asked: the options of every command that ranks."""

    model: Model = None
    config: Config = None
    paradigm: Paradigm = None
    endpoint: Endpoint = None
    key_env: KeyEnv = None
    threads: Threads = None
    settings: Setting = None
    probability: Probability = False
    max_length: MaxLength = None
    strict_query: StrictQuery = False
    method: Method = None
    strategy: Strategy = None
    window: Window = None
    step: Step = None
    passes: Passes = None
    seed: Seed = None
    aggregate: Aggregate = None
    one_sided: OneSided = False
    budget_calls: BudgetCalls = None
    budget_tokens: BudgetTokens = None
    budget_seconds: BudgetSeconds = None

    @property
    def given(self) -> bool:
        """Whether any of them was given at all."""
        return self != RerankerOptions()

    @property
    def names_a_model(self) -> bool:
        return (self.model, self.config) != (None, None)

    def spec(self, *, on_failure: str | None = None) -> Spec:
        """What was not given is left to the spec's own defaults; ``on_failure`` to this one, if --set has none."""
        if self.model is not None and self.config is not None:
            raise typer.BadParameter("give --model or --config, not both")
        if self.config is not None:
            check_name(self.config)
        what = self.config or self.model
        keys = {**self._keys(), "on_failure": on_failure}
        given = {key: value for key, value in keys.items() if value is not None}
        return read_spec(what if what is not None else {}, options={**given, **self._settings()})

    def _keys(self) -> Mapping[str, object]:
        """As a spec calls them; ``None`` for what was not given."""
        same = ("paradigm", "endpoint", "key_env", "threads", "max_length", "method", "strategy", "window", "step")
        limits = {"calls": self.budget_calls, "tokens": self.budget_tokens, "seconds": self.budget_seconds}
        return {
            **{key: getattr(self, key) for key in (*same, "passes", "seed", "aggregate")},
            "scores": "probability" if self.probability else None,
            "long_query": "error" if self.strict_query else None,
            "one_sided": self.one_sided or None,
            "budget": {key: value for key, value in limits.items() if value is not None} or None,
        }

    def _settings(self) -> Mapping[str, object]:
        return dict(map(_setting, self.settings or ()))


def _setting(pair: str) -> tuple[str, object]:
    """``passage_tokens=200`` as TOML would read it; a value that TOML does not know is a string."""
    key, sign, value = pair.partition("=")
    if not sign:
        raise typer.BadParameter(f"--set takes KEY=VALUE, not {pair!r}")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """A parameter that is a dataclass of options becomes an option for each of its fields.

    Typer reads the options of a command off its signature; this gives it the one with the fields in their place.
    """
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {one.name: one.annotation for one in parameters if is_dataclass(one.annotation)}
    options = [option for one in parameters for option in _options(one)]

    @functools.wraps(command)
    def _run(**given: object) -> None:
        for name, group in groups.items():
            given[name] = group(**{option.name: given.pop(option.name) for option in fields(group)})
        command(**given)

    signature = inspect.Signature([option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options])
    _run.__signature__ = signature  # type: ignore[attr-defined]  # inspect.signature looks for it first
    _run.__annotations__ = {option.name: option.annotation for option in options}
    return _run


def _options(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    if not is_dataclass(parameter.annotation):
        yield parameter
        return
    kinds = get_type_hints(parameter.annotation, include_extras=True)
    for option in fields(parameter.annotation):
        yield parameter.replace(name=option.name, default=option.default, annotation=kinds[option.name])
