"""Options that several commands share, and how they become a spec."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from rankkit.backends.rerank_api.dialects import DIALECTS
from rankkit.cli.parameters import BUDGET, METHOD, MODEL, POINTWISE, flag, number, option
from rankkit.config.files import check_name
from rankkit.config.kinds import Spec
from rankkit.config.loading import read_spec
from rankkit.config.registry import methods, strategy_names
from rankkit.errors import ConfigError


def _names(known: Callable[[str], list[str]]) -> str:
    paradigms = ("listwise", "pairwise", "pointwise")
    return "; ".join(f"{paradigm}: {', '.join(known(paradigm))}" for paradigm in paradigms)


Model = Annotated[
    str | None,
    option("--model", "-m", help="A catalogue name, a path, or what a server calls it.", panel=MODEL),
]
Config = Annotated[
    str | None,
    option("--config", "-c", help="A spec file (.toml, .json) instead of --model.", panel=MODEL),
]
Paradigm = Annotated[
    str | None,
    option(
        "--paradigm",
        "-p",
        help="pointwise, pairwise or listwise. Default: what the model is for.",
        panel=MODEL,
    ),
]
Endpoint = Annotated[
    str | None,
    option("--endpoint", help="Base URL of an OpenAI-compatible server, ending in /v1.", panel=MODEL),
]
Api = Annotated[
    str | None,
    option("--api", help=f"A rerank API that has the model: {', '.join(DIALECTS)}.", panel=MODEL),
]
BaseUrl = Annotated[
    str | None,
    option("--base-url", help="Where the rerank API is, if not at the service's own address.", panel=MODEL),
]
KeyEnv = Annotated[
    str | None,
    option("--key-env", help="The environment variable that holds the server's key.", panel=MODEL),
]
Threads = Annotated[
    int | None,
    number("--threads", help="CPU threads. Default: what this process may use.", minimum=1, panel=MODEL),
]
Setting = Annotated[
    list[str] | None,
    option("--set", metavar="KEY=VALUE", help="Any other key of the spec.", panel=MODEL),
]
MaxLength = Annotated[
    int | None,
    number("--max-length", help="Tokens of query and document together.", minimum=8, panel=POINTWISE),
]
Probability = Annotated[bool, flag("--probability", help="Scores between 0 and 1 instead of logits.", panel=POINTWISE)]
StrictQuery = Annotated[
    bool,
    flag("--strict-query", help="A query that is too long is an error, not shortened.", panel=POINTWISE),
]
Method = Annotated[
    str | None,
    option(
        "--method",
        help=f"How a model is asked: {_names(lambda paradigm: list(methods(paradigm)))}.",
        panel=METHOD,
    ),
]
Strategy = Annotated[
    str | None,
    option(
        "--strategy",
        help=f"Which questions are asked: {_names(strategy_names)}.",
        panel=METHOD,
    ),
]
Window = Annotated[int | None, number("--window", help="Passages in a window.", panel=METHOD)]
Step = Annotated[int | None, number("--step", help="How far a window moves.", panel=METHOD)]
Passes = Annotated[int | None, number("--passes", help="How often the windows slide.", panel=METHOD)]
Seed = Annotated[int | None, number("--seed", help="For strategies that draw lots.", panel=METHOD)]
Aggregate = Annotated[
    str | None,
    option(
        "--aggregate",
        help="sym-sum, sum, binary, bradley-terry, kemeny, ...; self-consistency: borda, ...",
        panel=METHOD,
    ),
]
OneSided = Annotated[bool, flag("--one-sided", help="Ask each pair in one order only.", panel=METHOD)]
BudgetCalls = Annotated[int | None, number("--budget-calls", help="Most calls a query.", minimum=0, panel=BUDGET)]
BudgetTokens = Annotated[int | None, number("--budget-tokens", help="Most tokens a query.", minimum=0, panel=BUDGET)]
BudgetSeconds = Annotated[
    float | None, number("--budget-seconds", help="Most seconds a query.", minimum=0, panel=BUDGET)
]
Explain = Annotated[
    str | None,
    option("--explain", help="What each stage made of this document: its id, or its rank in the result.", metavar="ID"),
]


@dataclass(frozen=True)
class RerankerOptions:
    """Which reranker, and how it is asked: the options of every command that ranks."""

    model: Model = None
    config: Config = None
    paradigm: Paradigm = None
    endpoint: Endpoint = None
    api: Api = None
    base_url: BaseUrl = None
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
            raise ConfigError("give --model or --config, not both")
        if self.config is not None:
            check_name(self.config)
        what = self.config or self.model
        keys = {**self._keys(), "on_failure": on_failure}
        given = {key: value for key, value in keys.items() if value is not None}
        return read_spec(what if what is not None else {}, options={**given, **self._settings()})

    def _keys(self) -> Mapping[str, object]:
        """As a spec calls them; ``None`` for what was not given."""
        same = (
            "paradigm",
            "endpoint",
            "api",
            "base_url",
            "key_env",
            "threads",
            "max_length",
            "method",
            "strategy",
            "window",
            "step",
        )
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


@dataclass(frozen=True)
class ScorerOptions(RerankerOptions):
    """The same for a command whose ``--method`` is its own: how a model is asked is then said in a config, or by
    ``--set method=...``.
    """

    method: Annotated[str | None, Parameter(parse=False)] = None


def _setting(pair: str) -> tuple[str, object]:
    """``passage_tokens=200`` as TOML would read it; a value that TOML does not know is a string."""
    key, sign, value = pair.partition("=")
    if not sign:
        raise ConfigError(f"--set takes KEY=VALUE, not {pair!r}")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value
