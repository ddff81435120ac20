"""Options that several commands share, and how they become a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from rankkit.config import load
from rankkit.reranker import BaseReranker

Model = Annotated[str | None, typer.Option("--model", "-m", help="A catalogue name or a model's folder.")]
Config = Annotated[str | None, typer.Option("--config", "-c", help="A spec file (.toml, .json) instead of --model.")]
Probability = Annotated[bool, typer.Option("--probability", help="Scores between 0 and 1 instead of logits.")]
MaxLength = Annotated[int | None, typer.Option("--max-length", help="Tokens of query and document together.", min=8)]
StrictQuery = Annotated[bool, typer.Option("--strict-query", help="An over-long query is an error, not shortened.")]
Threads = Annotated[
    int | None, typer.Option("--threads", help="CPU threads. Default: what this process may use.", min=1)
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def build(
    model: str | None,
    config: str | None,
    *,
    probability: bool = False,
    max_length: int | None = None,
    strict_query: bool = False,
    threads: int | None = None,
) -> BaseReranker:
    """The reranker that the options ask for."""
    if model is not None and config is not None:
        raise typer.BadParameter("give --model or --config, not both")
    wanted: Mapping[str, object] = {
        "scores": "probability" if probability else None,
        "max_length": max_length,
        "long_query": "error" if strict_query else None,
        "threads": threads,
    }
    options = {key: value for key, value in wanted.items() if value is not None}
    if config is not None:
        return load(config, options=options)
    return load(model, options=options) if model is not None else load({"paradigm": "pointwise", **options})
