"""``rankkit search``: a corpus in, the documents for a query out; BM25 first, then any reranker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rankkit.cli import first_stage, options
from rankkit.cli.output import bill_line, progress_bar, ranking_table, stderr, stdout, write_json
from rankkit.ranking import Query, Ranking

if TYPE_CHECKING:
    from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings


def search(
    query: Annotated[str, typer.Argument(help="What the documents are to be relevant to.")],
    corpus: Annotated[
        Path | None,
        typer.Option(
            "--corpus", help="JSON lines with id, text, title; a BEIR folder; or a folder of .txt and .md files."
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index",
            help="Keep the index here; built again when the corpus changes. Without --corpus: search it as it is.",
        ),
    ] = None,
    first: first_stage.First = None,
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="Show the best K.", min=0)] = 10,
    tokenizer: first_stage.Tokenizer = None,
    stemmer: first_stage.Stemmer = None,
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
    aggregate: options.Aggregate = None,
    one_sided: options.OneSided = False,
    budget_calls: options.BudgetCalls = None,
    budget_tokens: options.BudgetTokens = None,
    budget_seconds: options.BudgetSeconds = None,
) -> None:
    """Search a corpus with BM25 and, with --model or --config, rerank what it finds."""
    asked = Query(query)
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
        "aggregate": aggregate,
        "one_sided": True if one_sided else None,
        "budget": options.budget_of(budget_calls, budget_tokens, budget_seconds),
    }
    plain = model is None and config is None
    if plain and (settings or any(value is not None for value in wanted.values())):
        raise typer.BadParameter("these options are for a model: give --model or --config too")
    # Before the corpus is read: what is wrong with the model is told at once.
    reranker = None if plain else options.spec_of(model, config, wanted, settings).build()
    searched = _index(corpus, index, first_stage.settings_of(tokenizer, stemmer))
    request = searched.search(asked, first or first_stage.DEFAULT_FIRST)
    if reranker is None:
        ranking = first_stage.as_ranking(request, searched)
    else:
        with progress_bar("reranking") as progress:
            ranking = reranker.rank(request, progress=progress)
    ranking = ranking.top(top_k)
    if as_json:
        write_json(_as_dict(ranking, searched))
        return
    stdout().print(ranking_table(ranking))
    stderr().print(f"{len(request)} found by {searched!r} · {bill_line(ranking)}", style="dim", highlight=False)
    if not request.candidates:
        stderr().print("No document shares a word with the query. Scripts without spaces: --tokenizer bigrams")


def _index(corpus: Path | None, folder: Path | None, settings: Bm25Settings | None) -> Bm25Index:
    from rankkit.retrieval.bm25 import Bm25Index

    if corpus is None:
        if folder is None:
            raise typer.BadParameter("give --corpus, or the --index that was built from one")
        if settings is not None:
            raise typer.BadParameter("--tokenizer and --stemmer are for building an index: give --corpus too")
        return Bm25Index.load(folder)
    documents = first_stage.read_corpus(corpus)
    if folder is None:
        return Bm25Index.build(documents, settings)
    index, built = Bm25Index.kept(folder, documents, settings)
    if built:
        stderr().print(f"index of {len(index)} documents written to {folder}", style="dim", highlight=False)
    return index


def _as_dict(ranking: Ranking, index: Bm25Index) -> dict[str, object]:
    """``index`` of a row is its place in the order of BM25, from 0; ``first_stage_score`` is its score there."""
    rows = [
        {
            "rank": row.rank,
            "index": row.index,
            "id": row.candidate.id,
            "score": row.score,
            "first_stage_score": row.candidate.score,
            "text": row.candidate.text,
            "title": row.candidate.title,
            "metadata": dict(row.candidate.metadata),
        }
        for row in ranking
    ]
    first = {"name": repr(index), "documents": len(index), "found": len(ranking.request)}
    return {**ranking.to_dict(), "first_stage": first, "results": rows}
