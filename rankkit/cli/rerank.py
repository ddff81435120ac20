"""``rankkit rerank``: documents in, the same documents out in a better order."""

from __future__ import annotations

from typing import Annotated

import typer

from rankkit.cli import options
from rankkit.cli.documents import read_documents
from rankkit.cli.output import bill_line, progress_bar, ranking_table, stderr, stdout, write_json
from rankkit.ranking import Request
from rankkit.reranker import cut


def rerank(
    query: Annotated[str, typer.Argument(help="What the documents are to be relevant to.")],
    files: Annotated[
        list[str] | None, typer.Argument(help="A text a line, or JSON lines with id, text, title. - is stdin.")
    ] = None,
    model: options.Model = None,
    config: options.Config = None,
    top_k: Annotated[int | None, typer.Option("--top-k", "-k", help="Only the best K.", min=0)] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="Only scores of at least this.")] = None,
    probability: options.Probability = False,
    max_length: options.MaxLength = None,
    strict_query: options.StrictQuery = False,
    threads: options.Threads = None,
    as_json: options.AsJson = False,
) -> None:
    """Rerank documents from files or standard input."""
    request = Request.of(query, read_documents(files or []))
    reranker = options.build(
        model, config, probability=probability, max_length=max_length, strict_query=strict_query, threads=threads
    )
    with progress_bar("reranking") as progress:
        ranking = cut(reranker.rank(request, progress=progress), top_k=top_k, threshold=threshold)
    if as_json:
        rows = [
            {"text": row.candidate.text, "title": row.candidate.title, "metadata": row.candidate.metadata}
            for row in ranking
        ]
        data = ranking.to_dict()
        results = data["results"]
        data["results"] = [{**result, **row} for result, row in zip(results, rows, strict=True)]  # type: ignore[call-overload]
        write_json(data)
        return
    stdout().print(ranking_table(ranking))
    stderr().print(bill_line(ranking), style="dim", highlight=False)
