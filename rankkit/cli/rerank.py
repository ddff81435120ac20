"""``rankkit rerank``: documents in, the same documents out in a better order."""

from __future__ import annotations

from typing import Annotated

import typer

from rankkit.cli import options
from rankkit.cli.documents import read_documents
from rankkit.cli.output import bill_line, progress_bar, ranking_table, stderr, stdout, write_json
from rankkit.ranking import Ranking, Request
from rankkit.reranker import cut


def rerank(
    query: Annotated[str, typer.Argument(help="What the documents are to be relevant to.")],
    files: Annotated[
        list[str] | None, typer.Argument(help="A text a line, or JSON lines with id, text, title. - is stdin.")
    ] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", "-k", help="Only the best K.", min=0)] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="Only scores of at least this.")] = None,
    as_json: options.AsJson = False,
    model: options.Model = None,
    config: options.Config = None,
    paradigm: options.Paradigm = None,
    endpoint: options.Endpoint = None,
    key_env: options.KeyEnv = None,
    threads: options.Threads = None,
    settings: options.Setting = None,
    probability: Annotated[
        bool,
        typer.Option("--probability", help="Scores between 0 and 1 instead of logits.", rich_help_panel="Pointwise"),
    ] = False,
    max_length: options.MaxLength = None,
    strict_query: Annotated[
        bool,
        typer.Option(
            "--strict-query", help="A query that is too long is an error, not shortened.", rich_help_panel="Pointwise"
        ),
    ] = False,
    method: options.Method = None,
    strategy: options.Strategy = None,
    window: options.Window = None,
    step: options.Step = None,
    aggregate: options.Aggregate = None,
    one_sided: options.OneSided = False,
    budget_calls: options.BudgetCalls = None,
    budget_tokens: options.BudgetTokens = None,
    budget_seconds: options.BudgetSeconds = None,
) -> None:
    """Rerank documents from files or standard input."""
    request = Request.of(query, read_documents(files or []))
    wanted = {
        "paradigm": paradigm,
        "endpoint": endpoint,
        "key_env": key_env,
        "threads": threads,
        "scores": "probability" if probability else None,
        "max_length": max_length,
        "long_query": "error" if strict_query else None,
        "method": method,
        "strategy": strategy,
        "window": window,
        "step": step,
        "aggregate": aggregate,
        "one_sided": True if one_sided else None,
        "budget": options.budget_of(budget_calls, budget_tokens, budget_seconds),
    }
    reranker = options.spec_of(model, config, wanted, settings).build()
    with progress_bar("reranking") as progress:
        ranking = cut(reranker.rank(request, progress=progress), top_k=top_k, threshold=threshold)
    if as_json:
        write_json(_with_texts(ranking))
        return
    stdout().print(ranking_table(ranking))
    stderr().print(bill_line(ranking), style="dim", highlight=False)


def _with_texts(ranking: Ranking) -> dict[str, object]:
    rows = [
        {
            "rank": row.rank,
            "index": row.index,
            "id": row.candidate.id,
            "score": row.score,
            "text": row.candidate.text,
            "title": row.candidate.title,
            "metadata": dict(row.candidate.metadata),
        }
        for row in ranking
    ]
    return {**ranking.to_dict(), "results": rows}
