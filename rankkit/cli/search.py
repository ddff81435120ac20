"""``rankkit search``: a corpus in, the documents for a query out; a first stage, then any reranker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from rankkit.cli.first_stage import FirstStageOptions
from rankkit.cli.options import Explain, RerankerOptions
from rankkit.cli.output import (
    bill_line,
    end,
    explained,
    progress_bar,
    ranking_dict,
    ranking_table,
    remark,
    stderr,
    stdout,
    troubled,
    write_json,
)
from rankkit.cli.parameters import SPREAD, AsJson, argument, number, option
from rankkit.core.ranking import Request
from rankkit.errors import ConfigError


def search(
    query: Annotated[str, argument(help="What the documents are to be relevant to.")],
    /,
    *,
    finding: Annotated[FirstStageOptions, SPREAD] = FirstStageOptions(),
    options: Annotated[RerankerOptions, SPREAD] = RerankerOptions(),
    corpus: Annotated[
        Path | None,
        option("--corpus", help="JSON lines with id, text, title; a BEIR folder; or a folder of .txt and .md files."),
    ] = None,
    index: Annotated[
        Path | None,
        option(
            "--index",
            help="Keep the index here; built again when the corpus changes. Without --corpus: search it as it is.",
        ),
    ] = None,
    top_k: Annotated[int, number("--top-k", "-k", help="Show the best K.", minimum=0)] = 10,
    explain: Explain = None,
    as_json: AsJson = False,
) -> None:
    """Search a corpus and, with --model or --config, rerank what it finds."""
    from rankkit.retrieval.bm25 import Bm25Index, unusual
    from rankkit.retrieval.searcher import Searcher

    asked = Request.of(query, [])
    if options.given and not options.names_a_model:
        raise ConfigError("these options are for a model: give --model or --config too")
    # Before the corpus is read: what is wrong with the model is told at once.
    spec = options.spec() if options.names_a_model else None
    reranker = None if spec is None else spec.build()
    first = finding.over(None if spec is None else spec.first_stage, corpus=corpus, index=index)
    if first.corpus is None and first.index is None:
        raise ConfigError("give --corpus, or the --index that was built from one, or a --config with a first_stage")
    found, built = first.open()
    if built:
        stderr().print(f"index of {len(found)} documents written to {first.index}", style="dim")
    as_it_was = found if isinstance(found, Bm25Index) and first.settings() is None and not built else None
    if as_it_was is not None and (note := unusual(as_it_was.settings)):
        remark(f"{first.index}: {note}", style="yellow")
    with progress_bar("reranking") as progress:
        ranking = Searcher(found, reranker, first.k).search(asked.query, progress=progress)
    ranking = replace(ranking, request=replace(ranking.request, notes=asked.notes)).top(top_k)
    request, explanation = ranking.request, explained(ranking, explain)
    if as_json:
        told = {"name": repr(found), "documents": len(found), "found": len(request)}
        more = {"explanation": explanation.to_dict()} if explanation else {}
        write_json({**ranking_dict(ranking), "first_stage": told, **more})
    else:
        stdout().print(ranking_table(ranking))
        if explanation:
            stdout().print(repr(explanation))
        remark(f"{len(request)} found by {found!r} · {bill_line(ranking)}", style="dim")
        if not request.candidates and first.method == "bm25":
            stderr().print("No document shares a word with the query. Scripts without spaces: --tokenizer bigrams")
    end(trouble=troubled(ranking))
